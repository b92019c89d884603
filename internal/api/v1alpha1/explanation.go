package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// ExplanationKind is the kind of what explain prints.
const ExplanationKind = "Explanation"

// Explanation answers whether a source can connect to a CloudNativePG cluster, or the cluster to a target
// that it may need, and which policies decided it.
type Explanation struct {
	metav1.TypeMeta `json:",inline"`
	// Metadata names the cluster.
	Metadata Metadata `json:"metadata"`
	// Source is who wants to connect.
	Source ExplainedSource `json:"source"`
	// Target is what it wants to connect to: "instances" or "pooler NAME". With Outbound, it is "api-server",
	// "dns", "external HOST", an address, "NAMESPACE/service/NAME" or "NAMESPACE/KIND/NAME".
	Target Target `json:"target"`
	// Port is the TCP port as it was asked for: a number, or the name of a container port. Those of the
	// API server and of DNS are as they were found, with " or " between them when they were not seen.
	Port string `json:"port"`
	// Outbound is true when the cluster is the one who wants to connect: Source is what of it does.
	Outbound bool `json:"outbound,omitempty"`
	// Verdict sums the answers up: denied when one of them is, else unknown when one of them is. Where one is unknown
	// because an agent is still at work at a pod, so is the whole: whoever is denied elsewhere may get in there.
	Verdict Verdict `json:"verdict"`
	// Answers are one for each combination of source and target pods that is decided alike; one
	// only when all are.
	Answers []Answer `json:"answers"`
	// Change is what would let the source in, or the cluster out; set with --why-not when the verdict is denied.
	Change *AccessChange `json:"change,omitempty"`
	// Probes are connections that were tried with the source's identity; set with --probe. Where one contradicts the engine, the
	// verdict is unknown, and a finding says so.
	Probes   []Probe   `json:"probes,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	// Notes are sentences about what the answers rest on.
	Notes []string `json:"notes"`
}

// ExplainedSource is who wants to connect.
type ExplainedSource struct {
	// Name is the source in kubectl's words: "pod/web-0", "deployment/web", "namespace/shop",
	// "world", "203.0.113.0/24", or "a pod with role=backend". With Outbound, it is "instances",
	// "pooler/NAME" or "job/ROLE".
	Name string `json:"name"`
	// Namespace is empty for sources that are no pods.
	Namespace string `json:"namespace,omitempty"`
	// Remote is true for a pod of another Kubernetes cluster of the mesh than the target's.
	Remote bool `json:"remote,omitempty"`
	// Context is the kubeconfig's context of a remote source, when it was looked up there.
	Context string `json:"context,omitempty"`
	// IsTarget is true for a single pod that is one of the target's own. It always reaches itself, so
	// that the answers are about the others.
	IsTarget bool `json:"isTarget,omitempty"`
}

// Answer is what holds for some of the source's pods and some of the target's.
type Answer struct {
	// Sources are the names of the source's pods, or of the entity (world, host, cidr:PREFIX). Pods
	// that only would exist are called by the source's own name.
	Sources []string `json:"sources"`
	// Targets are the names of the pods that are connected to, or of what is there in their place.
	Targets []string `json:"targets"`
	// Port is the port's number; 0 when the target has no port of the name that was asked for.
	Port uint16 `json:"port,omitempty"`
	// Protocol is that of the port when it is not TCP.
	Protocol string `json:"protocol,omitempty"`
	// Advisory answers do not count for the verdict: DNS by TCP is for answers that are long.
	Advisory bool `json:"advisory,omitempty"`
	// Verdict is allowed when both directions are, and denied when one of them is.
	Verdict Verdict `json:"verdict"`
	// Ingress is decided at the target's pods, Egress at the source's.
	Ingress ExplainedDirection `json:"ingress"`
	Egress  ExplainedDirection `json:"egress"`
}

// ExplainedDirection is what one of the two ends says, and why.
type ExplainedDirection struct {
	Verdict Verdict `json:"verdict"`
	// Rules decided: those that allow, or those that deny. For an unknown verdict, those that it
	// depends on.
	Rules []DecidingRule `json:"rules"`
	// DefaultDeny are the policies because of which everything is denied that no rule allows. It
	// is set when no rule decided a denial.
	DefaultDeny []PolicyReference `json:"defaultDeny"`
	// Reason says what decided when it was no policy ("no policy selects it"), and why a verdict
	// is unknown.
	Reason string `json:"reason,omitempty"`
	// L7 names the protocols of the rules that a proxy applies to what is sent on the connection
	// ("http", "kafka"). A connection can be opened then, and what is sent can be refused.
	L7 []string `json:"l7,omitempty"`
	// AuthenticationRequired is true when Cilium's mutual authentication must succeed first.
	AuthenticationRequired bool `json:"authenticationRequired,omitempty"`
}

// DecidingRule is a rule of a policy.
type DecidingRule struct {
	PolicyReference `json:",inline"`
	// Path is the rule's position in the policy: "spec.ingress[0]", "specs[1].egressDeny[0]".
	Path string `json:"path"`
	// Content is what the policy says there.
	Content any `json:"content,omitempty"`
}

// AccessChange is the smallest change that would let a source into a cluster or, of an outbound explanation, let the
// cluster reach its target. The engine has been asked about it: with it, what denied does so no more, and every
// required flow that is allowed stays so.
type AccessChange struct {
	// Steps are sentences that say what has to change, one for each end that denies.
	Steps []command.Text `json:"steps"`
	// Command is a full lockdown command line, when lockdown manages the cluster's policies and has
	// a flag that lets the source in, and no more than a policy of its own would.
	Command command.Line `json:"command,omitzero"`
	// Manifest is a CiliumNetworkPolicy as YAML, when there is no Command.
	Manifest string `json:"manifest,omitempty"`
	// LetsIn is who else could connect to the cluster then. It is missing when there is neither a Command nor a
	// Manifest, and in outbound explanations.
	LetsIn *Exposed `json:"letsIn,omitempty"`
}

// Exposed is who gains access by a change, besides the one for whom it is made.
type Exposed struct {
	// Pods is the number of pods, Clients are their workloads.
	Pods    int      `json:"pods"`
	Clients []Client `json:"clients"`
	// Entities are those that are no pods: host, remote-node, kube-apiserver, world, ….
	Entities []Entity `json:"entities"`
}
