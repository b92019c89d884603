package policyset

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Scope is how far policies 1 to 3 reach.
type Scope string

const (
	// ScopeCluster narrows them to the cluster's own pods, so that other applications of the
	// namespace keep their traffic. It is the default.
	ScopeCluster Scope = "cluster"
	// ScopeNamespace is the document's literal reach: every pod of the namespace.
	ScopeNamespace Scope = "namespace"
)

// Options is what is asked for, for one cluster. Get one from Parse and For; order and repetition
// of lists have no influence on what Build returns.
type Options struct {
	// Cluster is the CloudNativePG cluster, or OperatorSet in the operator's namespace; For sets it.
	Cluster types.NamespacedName
	// OperatorNamespaces were named with --operator-namespace. Empty: DetectedOperators count.
	OperatorNamespaces []string
	// DetectedOperators are the operators that were found; For sets them.
	DetectedOperators []Operator
	// Scope is the reach of policies 1 to 3; empty is ScopeCluster.
	Scope Scope
	// OperatorOnly asks for policy 2 in place of 3: no peers, which suits a single instance only.
	OperatorOnly bool

	// ThroughPoolers lets clients reach the poolers alone. Operator, peers and poolers reach the instances as ever, as do those
	// who read metrics.
	ThroughPoolers bool

	// Egress restricts what the cluster's pods open, too: to what they need, and to what grants name.
	Egress bool
	// Outlets are what they need besides what is always needed; Reaching sets them. They count with Egress only, and are not
	// stored with the set but each with its policy: specs change.
	Outlets []Outlet

	// Operator are the pods that the operator's set is about; it counts where the cluster is OperatorSet, and only there.
	Operator *OperatorPods

	// Agents are the keys of inventory.KonnectivityLabels that the API server's agents were seen with; Around sets them.
	Agents []string

	// Grants are the clients that are let in.
	Grants []Grant

	// Timer is the Job that default deny ends with, and the whole set while it is rehearsed; empty when it is for good. It
	// is not stored: the next run says anew whether it is for good.
	Timer string

	// RehearsedSince is since when the set is rehearsed: it lacks default deny, and cuts off nobody. Zero for a lockdown.
	RehearsedSince time.Time
	// InForce is true when ingress is locked for good already: what is rehearsed, or ends with the timer, is the default deny
	// of egress alone.
	InForce bool

	// SharedWith are the other clusters that need the namespace's shared default deny, which is read
	// from the live one with Users. It counts with ScopeNamespace only. Without it, an apply
	// would take the other clusters' marks away, because all have the same field manager.
	SharedWith []string
	// SharedRecords are what the shared default deny holds of their sets, by cluster, as SharedRecords reads it or
	// Record writes it. Those of clusters that were locked before it was stored are missing.
	SharedRecords map[string]string
}

// With returns the options with one more grant.
func (o Options) With(g Grant) Options {
	o.Grants = append(slices.Clip(o.Grants), g)
	return o
}

// Everybody is true when a grant lets in whoever will run in the Kubernetes cluster.
func (o Options) Everybody() bool {
	return slices.ContainsFunc(o.Grants, func(g Grant) bool {
		d, _ := definition(g.Kind)
		return d.Everybody
	})
}

// LetsClientsIn is true when a grant lets somebody in to PostgreSQL.
func (o Options) LetsClientsIn() bool {
	return slices.ContainsFunc(o.Grants, func(g Grant) bool {
		d, _ := definition(g.Kind)
		return d.Role == PostgresAccess
	})
}

// For returns the options for one cluster, with the operators that were detected. Where
// --operator-namespace was given, those of other namespaces do not count.
func (o Options) For(cluster types.NamespacedName, detected []Operator) Options {
	o.Cluster = cluster
	o.DetectedOperators = slices.Clone(detected)
	return o
}

// Around returns the options with the label keys of the agents by way of which the API server connects; none where it does not.
func (o Options) Around(agents []string) Options {
	o.Agents = slices.Clone(agents)
	return o
}

// scope is Scope with its default.
func (o Options) scope() Scope {
	if o.Scope == "" {
		return ScopeCluster
	}
	return o.Scope
}

// users are the clusters that need the shared default deny, this one included, in order.
func (o Options) users() []string {
	return sortedSet(append(slices.Clone(o.SharedWith), o.Cluster.Name))
}

// sortedSet returns the distinct values in order and leaves its argument alone.
func sortedSet(values []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}
