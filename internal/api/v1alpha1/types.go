// Package v1alpha1 is the machine output of kubectl cnpg-netpol: the schema that scripts may rely
// on, printed by -o json and -o yaml. It holds types, their text forms and their order, never any logic.
package v1alpha1

import (
	"cmp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

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

// PolicyKind is one of the four kinds that Cilium enforces.
type PolicyKind string

const (
	CiliumNetworkPolicy            PolicyKind = "CiliumNetworkPolicy"
	CiliumClusterwideNetworkPolicy PolicyKind = "CiliumClusterwideNetworkPolicy"
	NetworkPolicy                  PolicyKind = "NetworkPolicy"
	ClusterNetworkPolicy           PolicyKind = "ClusterNetworkPolicy"
)

// PolicyReference names a policy. Namespace is empty for kinds without one.
type PolicyReference struct {
	Kind      PolicyKind `json:"kind"`
	Namespace string     `json:"namespace,omitempty"`
	Name      string     `json:"name"`
}

// String is kind/namespace/name, or kind/name.
func (r PolicyReference) String() string {
	if r.Namespace == "" {
		return string(r.Kind) + "/" + r.Name
	}
	return string(r.Kind) + "/" + r.Namespace + "/" + r.Name
}

// Compare orders references by kind, namespace and name.
func (r PolicyReference) Compare(other PolicyReference) int {
	return cmp.Or(cmp.Compare(r.Kind, other.Kind), cmp.Compare(r.Namespace, other.Namespace), cmp.Compare(r.Name, other.Name))
}

// Effect is what a policy does to one direction of the pods that it selects.
type Effect string

const (
	// EffectNone: the policy has no rule for this direction.
	EffectNone Effect = "none"
	// EffectDefaultDeny: the policy has rules, and what no rule allows is denied.
	EffectDefaultDeny Effect = "default-deny"
	// EffectRulesOnly: the policy has rules, but brings no default deny (enableDefaultDeny: false).
	EffectRulesOnly Effect = "rules-only"
)

// PolicyReport is one policy, seen from the cluster.
type PolicyReport struct {
	PolicyReference `json:",inline"`
	// SelectedPods are the names of the cluster's pods that the policy selects.
	SelectedPods []string `json:"selectedPods"`
	Ingress      Effect   `json:"ingress"`
	Egress       Effect   `json:"egress"`
	// Valid is false when Cilium refuses the policy or would refuse it: it enforces nothing then.
	Valid bool `json:"valid"`
	// Message says why Valid is false, in Cilium's words.
	Message string `json:"message,omitempty"`
	// ManagedBy is the value of the label app.kubernetes.io/managed-by, empty when there is none.
	ManagedBy string `json:"managedBy,omitempty"`
}

// Verdict answers whether a connection is possible.
type Verdict string

const (
	VerdictAllowed Verdict = "allowed"
	VerdictDenied  Verdict = "denied"
	VerdictUnknown Verdict = "unknown"
)

// WorseThan orders verdicts: denied is worse than unknown, and unknown than allowed.
func (v Verdict) WorseThan(other Verdict) bool {
	rank := map[Verdict]int{VerdictAllowed: 0, VerdictUnknown: 1, VerdictDenied: 2}
	return rank[v] > rank[other]
}

// The names of the required flows, which scripts may match on.
const (
	FlowOperator       = "operator"
	FlowReplication    = "replication"
	FlowIsolationCheck = "isolation-check"
	FlowPooler         = "pooler"
	// FlowAPIServer, FlowDNS, FlowObjectStore and FlowExternal are what instances, jobs and poolers open.
	FlowAPIServer   = "api-server"
	FlowDNS         = "dns"
	FlowObjectStore = "object-store"
	FlowExternal    = "external"
	// FlowDependants are the connections of other clusters that have this one as their external cluster.
	FlowDependants = "dependants"
	// FlowWebhook is what the operator needs besides its instances, the API server's calls of it included.
	FlowWebhook = "webhook"
	// FlowMetrics is whoever scrapes.
	FlowMetrics = "metrics"
	// FlowKubectlCNPG is what kubectl cnpg status needs.
	FlowKubectlCNPG = "kubectl-cnpg"
)

// RequiredFlow is a connection that the cluster needs.
type RequiredFlow struct {
	// Name is one of the fixed names: operator, replication, isolation-check, pooler, api-server, dns,
	// object-store, external, dependants, webhook, metrics, kubectl-cnpg.
	Name string `json:"name"`
	// From is the source in words: "operator (cnpg-system)", "instances and join jobs", …
	From string `json:"from"`
	// To is the target in words where it is not the instances: "the API server".
	To string `json:"to,omitempty"`
	// Port is the port at the target, the first of several; 0 when it is not known.
	Port    uint16  `json:"port"`
	Verdict Verdict `json:"verdict"`
	// Policies decided the verdict: those that allow, or those that deny.
	Policies []PolicyReference `json:"policies"`
	// Advisory flows do not break the cluster as it is: they are for a convenience (kubectl cnpg
	// status), or for peers that a single instance would only have after scaling up.
	Advisory bool `json:"advisory,omitempty"`
	// CutOff are those of the source that are concerned when the verdict is not allowed: pods, the next instance,
	// jobs; only where To is set.
	CutOff []string `json:"cutOff,omitempty"`
	// Message says which source and target when the verdict is not allowed, or why it is unknown.
	Message string `json:"message,omitempty"`
}

// Unrestricted is true for a flow to something else than the instances with which no policy has to do.
func (f RequiredFlow) Unrestricted() bool {
	return f.To != "" && f.Verdict == VerdictAllowed && len(f.Policies) == 0
}

// FlowKey tells a required flow from the others of its cluster.
type FlowKey struct {
	Name, From, To string
	Port           uint16
}

// Key is what two reports on one cluster have in common for the same flow.
func (f RequiredFlow) Key() FlowKey { return FlowKey{f.Name, f.From, f.To, f.Port} }

// Verdicts are the verdicts of flows by key. A flow that is not among them has none.
func Verdicts(flows []RequiredFlow) map[FlowKey]Verdict {
	out := make(map[FlowKey]Verdict, len(flows))
	for _, f := range flows {
		out[f.Key()] = f.Verdict
	}
	return out
}

// Exposure says who can connect to one port. Pods that the cluster itself consists of are not counted.
type Exposure struct {
	// Target is what is exposed: "instances" or "pooler NAME".
	Target Target `json:"target"`
	// Port is the TCP port.
	Port uint16 `json:"port"`
	// Identities is the number of different Cilium identities that can connect to at least one
	// pod of the target.
	Identities int `json:"identities"`
	// Pods is the number of pods behind those identities.
	Pods int `json:"pods"`
	// Total is the number of pods that were asked about, so that Pods has a measure.
	Total int `json:"totalPods"`
	// Everybody is true when every pod that was asked about can connect.
	Everybody bool `json:"everybody,omitempty"`
	// Namespaces are where the Clients are, in order.
	Namespaces []string `json:"namespaces"`
	// Clients are the workloads behind those pods, by namespace and name; MaxClients at most.
	Clients []ClientAccess `json:"clients"`
	// MoreClients is the number of workloads that can connect and are not in Clients.
	MoreClients int `json:"moreClients,omitempty"`
	// Entities that are no pods and can connect: world, host, remote-node, kube-apiserver,
	// cidr:PREFIX for a part of the world that a policy names; and where a rule lets them in ingress,
	// unmanaged, init and health.
	Entities []Entity `json:"entities"`
	// EntityPolicies are the policies that let the Entities in, by entity.
	EntityPolicies map[Entity][]PolicyReference `json:"entityPolicies,omitempty"`
	// DeniedPods is the number of pods that can't connect.
	DeniedPods int `json:"deniedPods"`
	// Denied are the workloads of which pods can't connect, in the cluster's own namespace and in the
	// namespaces of Clients: whoever sees them next to the clients may have meant to let them in.
	Denied []ClientAccess `json:"denied"`
	// DeniedEntities are world, host, remote-node and kube-apiserver where they can't connect.
	DeniedEntities []Entity `json:"deniedEntities"`
	// Possible are those whom rules would let in and who were not read: pods that manifests need not have, and
	// those of other clusters of a mesh.
	Possible []PossibleClient `json:"possible,omitempty"`
	// MorePossible is the number of selectors of rules about which was not asked whom they would let in besides
	// those who were read: policies have very many.
	MorePossible int `json:"morePossible,omitempty"`
	// Services are those through which clients outside the Kubernetes cluster come to the target.
	Services []ServiceAccess `json:"services,omitempty"`
	// Unknown counts identities about which the engine can't tell.
	Unknown int `json:"unknown,omitempty"`
	// ByPod says who can connect to which of the target's pods; empty where all of them have the same clients.
	ByPod []PodExposure `json:"byPod,omitempty"`
}

// PodExposure says who can connect to some of a target's pods, as Exposure does for at least one of all.
type PodExposure struct {
	// Targets are the names of the target's pods that are meant.
	Targets []string `json:"targets"`
	// Everybody is true when every pod that was asked about can connect.
	Everybody   bool           `json:"everybody,omitempty"`
	Pods        int            `json:"pods"`
	Total       int            `json:"totalPods"`
	Namespaces  []string       `json:"namespaces"`
	Clients     []ClientAccess `json:"clients"`
	MoreClients int            `json:"moreClients,omitempty"`
	Entities    []Entity       `json:"entities"`
	Unknown     int            `json:"unknown,omitempty"`
}

// MaxClients bounds the workloads that an Exposure names: where everybody can connect, a list of
// everybody for each of a thousand clusters says nothing more.
const MaxClients = 100

// Client is a workload: pods of one workload are one client.
type Client struct {
	Namespace string `json:"namespace"`
	// Workload is kind/name of the owner, "deployment/web", or "pod/NAME" without one.
	Workload string `json:"workload"`
	// Pods is the number of its pods that are meant.
	Pods int `json:"pods"`
}

// Compare orders clients by namespace and workload, whatever the number of their pods.
func (c Client) Compare(other Client) int {
	return cmp.Or(cmp.Compare(c.Namespace, other.Namespace), cmp.Compare(c.Workload, other.Workload))
}

// ClientAccess is a workload and what decided about it.
type ClientAccess struct {
	Client `json:",inline"`
	// Policies decided; none when no policy restricts the connection.
	Policies []PolicyReference `json:"policies"`
}

// PossibleClient is what a rule's selector asks for and nobody who was read is.
type PossibleClient struct {
	// Cluster is that of a mesh; empty for this one.
	Cluster string `json:"cluster,omitempty"`
	// Namespace is empty where the selector names none.
	Namespace string `json:"namespace,omitempty"`
	// Labels are what is asked of labels besides: "app=web,tier"; empty for all pods.
	Labels   string            `json:"labels,omitempty"`
	Policies []PolicyReference `json:"policies"`
}

// ServiceAccess is a Service of type LoadBalancer or NodePort, and how clients arrive through it.
type ServiceAccess struct {
	Namespace             string   `json:"namespace"`
	Name                  string   `json:"name"`
	Type                  string   `json:"type"`
	ExternalTrafficPolicy string   `json:"externalTrafficPolicy"`
	SourceRanges          []string `json:"sourceRanges,omitempty"`
	// ArriveAs is what policies may see: "their own address", and the entity remote-node where nodes pass
	// connections on to each other.
	ArriveAs []string `json:"arriveAs"`
}

// Severity of a finding.
type Severity string

const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// Finding is something that somebody should know or do.
type Finding struct {
	Code     FindingCode `json:"code"`
	Severity Severity    `json:"severity"`
	// Message is one sentence.
	Message string `json:"message"`
	// Remedy is one command or one sentence; empty when there is nothing to do.
	Remedy command.Text `json:"remedy,omitzero"`
	// At are the places that it is about: fields of policies, documents of manifests. Of manifests, the Cluster is the place of
	// what has no other.
	At []Location `json:"at,omitempty"`
}

// Equal tells whether a finding says the same.
func (f Finding) Equal(other Finding) bool {
	return f.Code == other.Code && f.Severity == other.Severity && f.Message == other.Message && f.Remedy.String() == other.Remedy.String()
}

// FindingCode is stable: scripts may match on it.
type FindingCode string

// LacksEvidence is true for the codes that say what could not be seen, and not what is wrong.
func (c FindingCode) LacksEvidence() bool {
	return c == EvidenceMissing || c == NotRendered || c == DuplicateObject || c == MeshBypass
}

// IsAboutFlow is true for codes of findings about a required flow that is denied.
func (c FindingCode) IsAboutFlow() bool { return strings.HasSuffix(string(c), "_BLOCKED") }

const (
	PolicyInvalid          FindingCode = "POLICY_INVALID"
	PolicyIgnoredField     FindingCode = "POLICY_IGNORED_FIELD"
	EnforcementDisabled    FindingCode = "ENFORCEMENT_DISABLED"
	NotManagedByCilium     FindingCode = "NOT_MANAGED_BY_CILIUM"
	NoDefaultDeny          FindingCode = "NO_DEFAULT_DENY"
	OperatorBlocked        FindingCode = "OPERATOR_BLOCKED"
	ReplicationBlocked     FindingCode = "REPLICATION_BLOCKED"
	IsolationCheckBlocked  FindingCode = "ISOLATION_CHECK_BLOCKED"
	PoolerBlocked          FindingCode = "POOLER_BLOCKED"
	WorldCanConnect        FindingCode = "WORLD_CAN_CONNECT"
	OperatorNotFound       FindingCode = "OPERATOR_NOT_FOUND"
	WrongOperatorNamespace FindingCode = "WRONG_OPERATOR_NAMESPACE"
	MoreThanTheOperator    FindingCode = "MORE_THAN_THE_OPERATOR"
	SetIncomplete          FindingCode = "SET_INCOMPLETE"
	SetDrifted             FindingCode = "SET_DRIFTED"
	OrphanedPolicy         FindingCode = "ORPHANED_POLICY"
	BystandersDenied       FindingCode = "BYSTANDERS_DENIED"
	EvidenceMissing        FindingCode = "EVIDENCE_MISSING"
	// What instances, jobs and poolers can't reach, and who can't reach what depends on them.
	APIServerBlocked   FindingCode = "API_SERVER_BLOCKED"
	DNSBlocked         FindingCode = "DNS_BLOCKED"
	ObjectStoreBlocked FindingCode = "OBJECT_STORE_BLOCKED"
	ExternalBlocked    FindingCode = "EXTERNAL_BLOCKED"
	DependantBlocked   FindingCode = "DEPENDANT_BLOCKED"
	WebhookBlocked     FindingCode = "WEBHOOK_BLOCKED"
	MetricsBlocked     FindingCode = "METRICS_BLOCKED"
	// NotRendered and DuplicateObject are missing evidence of manifests: a template or what stands for something else,
	// and an object that is there twice with different content.
	NotRendered     FindingCode = "NOT_RENDERED"
	DuplicateObject FindingCode = "DUPLICATE_OBJECT"
	// MeshBypass: a service mesh carries connections past the policies, so that they don't say who can connect.
	MeshBypass            FindingCode = "MESH_BYPASS"
	StatusPortExposed     FindingCode = "STATUS_PORT_EXPOSED"
	SelectorMatchesNobody FindingCode = "SELECTOR_MATCHES_NOBODY"
	UnexpectedPeer        FindingCode = "UNEXPECTED_PEER"
	// AccessOverdue: the Kubernetes cluster did not end what should have ended.
	AccessOverdue FindingCode = "ACCESS_OVERDUE"
)
