// Package v1alpha1 is the machine output of kubectl cnpg-netpol: the schema that scripts may rely
// on, printed by -o json and -o yaml. It holds types, their text forms and their order, never any logic.
package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

const (
	// APIVersion is the apiVersion of every object that the plugin prints.
	APIVersion = "cnpg-netpol/v1alpha1"
	// IsolationReportKind is the kind of one cluster's report.
	IsolationReportKind = "IsolationReport"
	// IsolationReportListKind is the kind of what status prints.
	IsolationReportListKind = "IsolationReportList"
)

// IsolationReportList is what status prints, one item for each CloudNativePG cluster, ordered by
// namespace and name; with several contexts, context by context in the order asked for.
type IsolationReportList struct {
	metav1.TypeMeta `json:",inline"`
	Items           []IsolationReport `json:"items"`
	// Findings are those that belong to no cluster: policies left behind by a deleted one, missing
	// evidence that concerns everything.
	Findings []Finding `json:"findings,omitempty"`
	// Errors are the contexts that could not be asked, or not about everything; only with several.
	Errors []ContextError `json:"errors,omitempty"`
}

// ContextError is what went wrong with one of several contexts of a kubeconfig.
type ContextError struct {
	Context string `json:"context"`
	// Message is one sentence for each problem.
	Message string `json:"message"`
}

// IsolationReport says how far one CloudNativePG cluster is isolated, and by which policies.
type IsolationReport struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        Metadata `json:"metadata"`
	// CiliumVersion is that of the agents, from the image of their DaemonSet; missing where it is not known.
	CiliumVersion string `json:"ciliumVersion,omitempty"`
	// Posture is the summary of everything below.
	Posture Posture `json:"posture"`
	// Pods are the pods that belong to the cluster: instances, poolers and jobs.
	Pods []PodReport `json:"pods"`
	// Policies are all policies that select at least one of the Pods, and those of the cluster's
	// namespace that Cilium refuses to enforce.
	Policies []PolicyReport `json:"policies"`
	// RequiredFlows are the connections that the cluster needs to work.
	RequiredFlows []RequiredFlow `json:"requiredFlows"`
	// Exposure says who can connect, for PostgreSQL's port and the poolers' port.
	Exposure []Exposure `json:"exposure"`
	// Timed is what ends by itself: a lockdown that is not confirmed, and access that was granted for a time.
	Timed []Timed `json:"timed,omitempty"`
	// Rehearsal is the lockdown that is rehearsed; missing when none is.
	Rehearsal *Rehearsal `json:"rehearsal,omitempty"`
	// Findings are what somebody should know or do, errors first.
	Findings []Finding `json:"findings"`
}

// Metadata names the cluster that a report is about.
type Metadata struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// Context is the kubeconfig's context, when several were asked for.
	Context string `json:"context,omitempty"`
}

// Posture is the one-word answer for a cluster.
type Posture string

const (
	// PostureLocked: ingress default deny is enforced on every pod of the cluster, every required flow is
	// allowed, and there is no error finding.
	PostureLocked Posture = "LOCKED"
	// PosturePartial: some pods or some ports are open to everybody, or the set is incomplete or drifted.
	PosturePartial Posture = "PARTIAL"
	// PostureOpen: no policy restricts ingress to any of the cluster's pods.
	PostureOpen Posture = "OPEN"
	// PostureBroken: a policy blocks a required flow.
	PostureBroken Posture = "BROKEN"
	// PostureUnknown: evidence is missing. It is never to be read as safe.
	PostureUnknown Posture = "UNKNOWN"
)

// PodRole is what a pod does for its cluster, from the label cnpg.io/podRole or cnpg.io/jobRole.
type PodRole string

const (
	RolePrimary  PodRole = "primary"
	RoleReplica  PodRole = "replica"
	RoleInstance PodRole = "instance"
	RolePooler   PodRole = "pooler"
	RoleJob      PodRole = "job"
)

// PodReport is one pod of the cluster.
type PodReport struct {
	Name string  `json:"name"`
	Role PodRole `json:"role"`
	// IngressDefaultDeny is true when what no rule allows is denied at this pod.
	IngressDefaultDeny bool `json:"ingressDefaultDeny"`
	// EgressDefaultDeny is the same for connections that the pod opens.
	EgressDefaultDeny bool `json:"egressDefaultDeny"`
	// Enforced is false when Cilium does not manage the pod or enforces no policy at all.
	Enforced bool `json:"enforced"`
	// Expected is true when the pod was derived from a manifest (a Cluster, a Pooler) and not seen.
	Expected bool `json:"expected,omitempty"`
}
