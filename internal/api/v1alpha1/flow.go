package v1alpha1

// Verdict answers whether a connection is possible.
type Verdict string

const (
	VerdictAllowed Verdict = "allowed"
	VerdictDenied  Verdict = "denied"
	VerdictUnknown Verdict = "unknown"
)

// WorseThan orders verdicts: denied is worse than unknown, and unknown than allowed.
func (v Verdict) WorseThan(other Verdict) bool {
	return v.rank() > other.rank()
}

func (v Verdict) rank() int {
	switch v {
	case VerdictDenied:
		return 2
	case VerdictUnknown:
		return 1
	case VerdictAllowed:
	}
	return 0
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
