package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// StateComparisonKind is the kind of what diff --from prints.
const StateComparisonKind = "StateComparison"

// StateComparison is what differs between two states of the same manifests, for all clusters in them: a branch and what
// it would be merged into. It says nothing about what is in a Kubernetes cluster.
type StateComparison struct {
	metav1.TypeMeta `json:",inline"`
	// From and To are the two states, as the user wrote where they are.
	From string `json:"from"`
	To   string `json:"to"`
	// Clusters are those about which something differs or is unknown, ordered by namespace and name. Unchanged is the number of
	// the others.
	Clusters  []ClusterComparison `json:"clusters"`
	Unchanged int                 `json:"unchanged"`
	// Findings are those that belong to no cluster.
	Findings FindingChanges `json:"findings"`
}

// Presence is in which of two states a cluster is.
type Presence string

const (
	// PresenceAdded: the cluster is in the second state alone.
	PresenceAdded Presence = "added"
	// PresenceRemoved: it is in the first state alone.
	PresenceRemoved Presence = "removed"
	// PresenceBoth: it is in both.
	PresenceBoth Presence = "both"
)

// ClusterComparison is what differs for one cluster.
type ClusterComparison struct {
	Metadata Metadata `json:"metadata"`
	Presence Presence `json:"presence"`
	// Posture is the cluster's in both states; empty where it is not.
	Posture PostureChange `json:"posture"`
	// RequiredFlows are those of which the verdict differs. One that is needed in one state alone has no verdict in the other.
	RequiredFlows []RequiredFlowChange `json:"requiredFlows"`
	// Access is who gains and who loses. Every client of either state is judged by the policies of both: a workload that is new is
	// no gain where the policies of before would have let it in. Of a cluster that is in one state alone, it is everybody
	// who can connect there. Nobody is listed as keeping access.
	Access AccessChanges `json:"access"`
	// Findings are those that are new and those that are gone, but those that Unknown has.
	Findings FindingChanges `json:"findings"`
	// Unknown is what could not be judged in one of the states: what is said besides is not the whole then.
	Unknown []Doubt `json:"unknown"`
}

// Differs is false for a cluster that is listed only because something about it is unknown.
func (c ClusterComparison) Differs() bool {
	return c.Presence != PresenceBoth || c.Posture.Before != c.Posture.After || len(c.RequiredFlows) > 0 ||
		len(c.Access.Loses)+len(c.Access.Gains) > 0 || c.Findings.Differs()
}

// FindingChanges are findings that are in one of two states alone.
type FindingChanges struct {
	New  []Finding `json:"new"`
	Gone []Finding `json:"gone"`
}

// Differs is false when there are none.
func (f FindingChanges) Differs() bool { return len(f.New)+len(f.Gone) > 0 }

// Doubt is why something is unknown in one of two states.
type Doubt struct {
	// Before is true for the first state, and false for the second.
	Before  bool   `json:"before"`
	Message string `json:"message"`
}
