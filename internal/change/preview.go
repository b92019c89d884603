package change

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Preview is what a change of policies would do to one cluster and its neighbours, computed by the
// engine over the pods that run now.
type Preview struct {
	Cluster v1alpha1.Metadata
	// Steps are the changes on the server in the order in which they are made.
	Steps []Step
	// Before and After are the postures.
	Before, After v1alpha1.Posture
	// Flows are the required flows, in the order of the report.
	Flows []FlowChange
	// Access is everybody who can connect before or after, workload by workload, in the order
	// loses, gains, keeps; within it by namespace and workload.
	Access []AccessChange
	// Bystanders are workloads outside the cluster whose own ingress changes.
	Bystanders []Bystander
	// Notes are sentences on what no flag covers and would be lost: Prometheus, kubectl cnpg status.
	Notes []Note
	// Refusals are the reasons for which lockdown does not go on without --force; empty when it may.
	Refusals []string
}

// Action is what a step does to a policy.
type Action string

const (
	Create    Action = "create"
	Update    Action = "update"
	Delete    Action = "delete"
	Unchanged Action = "unchanged"
)

// Step is one change of one policy.
type Step struct {
	Action Action
	Policy v1alpha1.PolicyReference
	// Why says what the policy is for, in a few words: "operator and peers", "clients: pods with role=backend".
	Why string
}

// FlowChange is one required flow before and after.
type FlowChange struct {
	Name, From    string
	Port          uint16
	Before, After v1alpha1.Verdict
	Advisory      bool
}

// Change is how somebody's access changes.
type Change string

const (
	Loses Change = "loses"
	Gains Change = "gains"
	Keeps Change = "keeps"
)

// AccessChange is one client workload or entity and one target.
type AccessChange struct {
	Change Change
	// Target is "instances" or "pooler NAME", as in v1alpha1.Exposure, and Port its port.
	Target string
	Port   uint16
	// Client has an empty Namespace for an entity ("world"), whose name is then in Workload.
	Client v1alpha1.Client
}

// Bystander is a workload that is no part of the cluster and whose ingress changes all the same.
type Bystander struct {
	Client v1alpha1.Client
	// Before and After say whether ingress default deny holds at its pods.
	Before, After bool
}

// Note is something that the preview points out.
type Note struct {
	// Subject is a short name: "Prometheus", "kubectl cnpg status".
	Subject string
	// Message says what is lost, Remedy which flag keeps it.
	Message, Remedy string
}
