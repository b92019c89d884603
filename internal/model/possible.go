package model

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Possible is somebody whom a rule would let in and who is not in the inventory: what the rule's selector asks
// for matches nobody there.
type Possible struct {
	engine.Wanted
	// Path is the rule's position in its policy.
	Path string
	// Identity is that of a pod as the selector asks for; nil when there can be none.
	Identity *engine.Identity
	// Lacking is the key of a label that agents leave out of identities, because of which nobody can match.
	Lacking string
	// Remote is true for pods of another cluster of a mesh, whose own policies are not known here.
	Remote bool
}

// OtherClusters stands for all other clusters of a mesh, where a rule names none of them.
const OtherClusters = "other clusters of the mesh"

const (
	// mostPossible is how many clients that were not read are asked about for each policy.
	mostPossible = 100
	// mostCompared is how often the pods of the inventory are compared with the selectors of one policy.
	mostCompared = 1_000_000
	// mostWanted is the length of a selector's text up to which a pod is made as it asks for.
	mostWanted = 1 << 14
)

// possible are those whom a policy would let in, and how many of its selectors were not looked at.
type possible struct {
	clients []Possible
	more    int
}

// possibleOf are those of one policy. Pods of other clusters of a mesh are in no inventory; of this one, only
// manifests may lack some.
func (m *Model) possibleOf(p *engine.Policy) possible {
	var out []Possible
	compared, more := 0, 0
	for _, rule := range p.Admissions() {
		for _, peer := range rule.Peers {
			if len(out) >= mostPossible || compared > mostCompared || len(peer.Key()) > mostWanted {
				if peer.IsOfPods() {
					more++
				}
				continue
			}
			wanted, ok := peer.Wanted()
			if !ok {
				continue
			}
			compared += m.comparisons(peer)
			one := Possible{Wanted: wanted, Path: rule.Path}
			own := m.inv.Settings.ClusterName
			switch {
			case wanted.Cluster != "" && wanted.Cluster != own:
				one.Remote = true
			case m.matchesSomebody(peer):
				one.Cluster = ""
			default:
				one.Cluster = ""
				one.Identity, one.Lacking = m.identities.Like(peer, wanted, own, m.lookup.namespaces)
				if m.inv.Origin == inventory.Manifests || one.Identity == nil {
					out = append(out, one)
				}
			}
			if m.inv.Settings.ClusterID != 0 && wanted.Cluster == "" {
				one.Wanted, one.Remote, one.Cluster = wanted, true, OtherClusters
			}
			if !one.Remote {
				continue
			}
			if one.Identity, one.Lacking = m.identities.Like(peer, wanted, cmp.Or(wanted.Cluster, "other"), nil); one.Identity != nil {
				out = append(out, one)
			}
		}
	}
	return possible{out, more}
}

// comparisons is how many pods of the inventory a selector is compared with at most.
func (m *Model) comparisons(by engine.Peer) int {
	namespaces := by.Namespaces()
	if len(namespaces) == 0 {
		return len(m.peers)
	}
	n := 0
	for _, namespace := range namespaces {
		n += len(m.lookup.peersIn[namespace])
	}
	return n
}

// matchesSomebody tells whether the selector selects a pod of the inventory, or an operator that stands for one.
func (m *Model) matchesSomebody(by engine.Peer) bool {
	selects := func(i int) bool { return by.Selects(m.peers[i].Identity) }
	upcoming := func(c *Cluster) bool { return by.Selects(c.NextInstance) || by.Selects(c.JoinJob) }
	if slices.ContainsFunc(m.operators, func(o Operator) bool {
		return slices.ContainsFunc(o.Ends, func(e End) bool { return e.Identity != nil && by.Selects(e.Identity) })
	}) {
		return true
	}
	if namespaces := by.Namespaces(); len(namespaces) > 0 {
		return slices.ContainsFunc(namespaces, func(namespace string) bool {
			return slices.ContainsFunc(m.lookup.peersIn[namespace], selects) || slices.ContainsFunc(m.clustersIn(namespace), upcoming)
		})
	}
	return slices.ContainsFunc(m.peers, func(p Peer) bool { return by.Selects(p.Identity) }) || slices.ContainsFunc(m.clusters, upcoming)
}

// clustersIn are the clusters of a namespace.
func (m *Model) clustersIn(namespace string) []*Cluster {
	first, _ := slices.BinarySearchFunc(m.clusters, namespace, func(c *Cluster, in string) int { return cmp.Compare(c.Object.Namespace, in) })
	end := first
	for end < len(m.clusters) && m.clusters[end].Object.Namespace == namespace {
		end++
	}
	return m.clusters[first:end]
}

// Possible are those whom the policy with this position would let in, and who were not read.
func (m *Model) Possible(policy int) []Possible { return m.possible[policy].clients }

// MorePossible is how many selectors of the policy with this position were not looked at for that.
func (m *Model) MorePossible(policy int) int { return m.possible[policy].more }

// possibleClients are those of all policies that can select a database.
func (m *Model) possibleClients(policies []engine.Policy) []possible {
	concerned := map[string]bool{"": true}
	for _, c := range m.clusters {
		concerned[c.Object.Namespace] = true
	}
	out := make([]possible, len(policies))
	known := map[string]possible{}
	for i := range policies {
		if !concerned[policies[i].Namespace] || !policies[i].Enforced() {
			continue
		}
		var key strings.Builder
		for _, rule := range policies[i].Admissions() {
			key.WriteString(rule.Path)
			for _, peer := range rule.Peers {
				key.WriteString(" " + peer.Key())
			}
		}
		if _, ok := known[key.String()]; !ok {
			known[key.String()] = m.possibleOf(&policies[i])
		}
		out[i] = known[key.String()]
	}
	return out
}
