package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// ChangePreviewKind is the kind of what diff prints.
const ChangePreviewKind = "ChangePreview"

// ChangePreview is what a lockdown would change for one cluster, and what that would mean for everybody
// around it, computed by Cilium's engine over the pods that run now. It says nothing about who really
// connects.
type ChangePreview struct {
	metav1.TypeMeta `json:",inline"`
	// Metadata is the cluster's, or OperatorSubject in the operator's namespace.
	Metadata Metadata `json:"metadata"`
	// Posture is the cluster's, before and after; an operator has none.
	Posture PostureChange `json:"posture"`
	// Policies are those of the set, in the order in which they are changed. Those that stay as they are
	// are among them.
	Policies []PolicyChange `json:"policies"`
	// RequiredFlows are the connections that the cluster needs, but those with which no policy has to do before
	// and after.
	RequiredFlows []RequiredFlowChange `json:"requiredFlows"`
	// Access is everybody who can connect before or after.
	Access AccessChanges `json:"access"`
	// Bystanders are workloads that are no part of the cluster and whose own ingress changes.
	Bystanders []BystanderChange `json:"bystanders"`
	// Observed is who really uses the cluster and would be cut off; missing when nobody has looked.
	Observed *ObservedChange `json:"observed,omitempty"`
	// Notes point out what would be lost besides, and what was not seen.
	Notes []ChangeNote `json:"notes"`
	// Refusals are the reasons for which lockdown does not go on without --force; none when it does.
	Refusals []Refusal `json:"refusals"`
}

// OperatorSubject is the name in the Metadata of what is about the operator of the namespace, and about no cluster: none can
// have this name.
const OperatorSubject = "cnpg_operator"

// PostureChange is a posture before and after. A cluster that is gone, and has left policies behind, has none.
type PostureChange struct {
	Before Posture `json:"before,omitempty"`
	After  Posture `json:"after,omitempty"`
}

// PolicyAction is what a change does to a policy.
type PolicyAction string

const (
	// PolicyCreate: there is no policy of that name yet.
	PolicyCreate PolicyAction = "create"
	// PolicyUpdate: the policy is there, and differs.
	PolicyUpdate PolicyAction = "update"
	// PolicyDelete: the policy is not asked for any more.
	PolicyDelete PolicyAction = "delete"
	// PolicyUnchanged: the policy is there as it shall be.
	PolicyUnchanged PolicyAction = "unchanged"
)

// PolicyChange is one change of one policy.
type PolicyChange struct {
	PolicyReference `json:",inline"`
	Action          PolicyAction `json:"action"`
	// For says what the policy is for, in a few words: "operator and peers".
	For string `json:"for,omitempty"`
	// Before and After are the policy without what the server writes: After can be applied. They are
	// missing when there is none, and when it stays as it is.
	Before any `json:"before,omitempty"`
	After  any `json:"after,omitempty"`
}

// RequiredFlowChange is one required flow before and after.
type RequiredFlowChange struct {
	// Name, From, To and Port are those of the RequiredFlow.
	Name   string  `json:"name"`
	From   string  `json:"from"`
	To     string  `json:"to,omitempty"`
	Port   uint16  `json:"port"`
	Before Verdict `json:"before"`
	After  Verdict `json:"after"`
	// Advisory flows do not break the cluster as it is.
	Advisory bool `json:"advisory,omitempty"`
}

// Key is that of the flow in the reports.
func (f RequiredFlowChange) Key() FlowKey { return FlowKey{f.Name, f.From, f.To, f.Port} }

// AccessChanges are all clients, by what happens to their access. A workload of which only some pods are
// concerned is in more than one list, with the number of those pods.
type AccessChanges struct {
	Loses []ClientChange `json:"loses"`
	Gains []ClientChange `json:"gains"`
	Keeps []ClientChange `json:"keeps"`
}

// ClientChange is one client and one target.
type ClientChange struct {
	// Target is "instances" or "pooler NAME", and Port its TCP port.
	Target Target `json:"target"`
	Port   uint16 `json:"port"`
	// Entity is who is no pod: world, host, remote-node, kube-apiserver, cidr:PREFIX. Empty for a workload.
	Entity Entity `json:"entity,omitempty"`
	// Namespace and Workload ("deployment/web") are empty for an Entity.
	Namespace string `json:"namespace,omitempty"`
	Workload  string `json:"workload,omitempty"`
	// Pods is the number of the workload's pods that are meant.
	Pods int `json:"pods,omitempty"`
}

// ObservedChange is what a change means for those who were seen to use the cluster, or to refer to it.
type ObservedChange struct {
	// CutOff are those of them that can connect before and not afterwards, those who use it first. Their verdicts are
	// those afterwards.
	CutOff []ObservedClient `json:"cutOff"`
	// Loses are what the cluster's own pods were seen to connect to and can't afterwards, or of which that is not known.
	Loses []ObservedReach `json:"loses,omitempty"`
	// Unseen are the workloads that lose access and for which there is no evidence.
	Unseen []Client `json:"unseen"`
	// Evidence says what was looked at, and what it does not cover.
	Evidence []EvidenceReport `json:"evidence"`
}

// BystanderChange is a workload and whether what no rule allows is denied at its pods.
type BystanderChange struct {
	Client `json:",inline"`
	// DefaultDenyBefore and DefaultDenyAfter are about ingress.
	DefaultDenyBefore bool `json:"defaultDenyBefore"`
	DefaultDenyAfter  bool `json:"defaultDenyAfter"`
}

// ChangeNote is something that a preview points out.
type ChangeNote struct {
	// Subject is a short name: "Prometheus", "kubectl cnpg status".
	Subject string `json:"subject"`
	// Message says what is lost or was not seen, Remedy which flag keeps it or what to do.
	Message string       `json:"message"`
	Remedy  command.Text `json:"remedy,omitzero"`
}

// Refusal is why a lockdown does not go on.
type Refusal struct {
	// Reason is stable: scripts may match on it.
	Reason RefusalReason `json:"reason"`
	// Message is one sentence.
	Message string `json:"message"`
}

// RefusalReason is what kind of thing stands in the way.
type RefusalReason string

const (
	// RefusalPolicyOfOthers: a policy of that name is there, and is not managed for this cluster.
	RefusalPolicyOfOthers RefusalReason = "POLICY_OF_OTHERS"
	// RefusalFlowInterrupted: a required flow would not be allowed between two steps.
	RefusalFlowInterrupted RefusalReason = "FLOW_INTERRUPTED"
	// RefusalFlowBlocked: a required flow would not be allowed afterwards, or can't be judged.
	RefusalFlowBlocked RefusalReason = "FLOW_BLOCKED"
	// RefusalOperatorLost: an operator that was seen would be cut off.
	RefusalOperatorLost RefusalReason = "OPERATOR_LOST"
	// RefusalNeighbourBlocked: another cluster of the namespace would lose a required flow.
	RefusalNeighbourBlocked RefusalReason = "NEIGHBOUR_BLOCKED"
	// RefusalNoPooler: clients would get to poolers alone, and there is none.
	RefusalNoPooler RefusalReason = "NO_POOLER"
	// RefusalClientSeen: a rehearsal would end, and somebody was seen to use the cluster who would be cut off.
	RefusalClientSeen RefusalReason = "CLIENT_SEEN"
	// RefusalEgressUnknown: something that the cluster needs would be cut off, because no rule can let out to it.
	RefusalEgressUnknown RefusalReason = "EGRESS_UNKNOWN"
	// RefusalEvidenceMissing: something could not be read on which the preview depends.
	RefusalEvidenceMissing RefusalReason = "EVIDENCE_MISSING"
)
