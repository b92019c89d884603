package model

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// EveryMemberHasEndpoint is true when the identities of all of the cluster's pods are the agent's word.
func (m *Model) EveryMemberHasEndpoint(c *Cluster) bool {
	for _, member := range c.Members {
		if _, ok := m.inv.Endpoints[m.inv.Pods[member.Pod].Key()]; !ok {
			return false
		}
	}
	return true
}

// NoAgent is true when nothing says that Cilium runs at all. Manifests say nothing about it.
func (m *Model) NoAgent() bool {
	return m.inv.Origin == inventory.Live && !m.inv.Settings.Agent && len(m.inv.Endpoints) == 0
}

// missing are positions of evidence that is missing: of what only matters in one namespace, by that, and of all else.
type missing struct {
	in    map[string][]int
	other []int
}

func missingOf(inv *inventory.Inventory) missing {
	out := missing{in: map[string][]int{}}
	for i, m := range inv.Missing {
		if m.Reason.Local() && m.Scope.Namespace != "" && !m.Scope.Except {
			out.in[m.Scope.Namespace] = append(out.in[m.Scope.Namespace], i)
		} else {
			out.other = append(out.other, i)
		}
	}
	return out
}

// MissingFor is the missing evidence but for what only matters in other namespaces than this one, in the order of the inventory: a
// repository may lack something in each of thousands.
func (m *Model) MissingFor(namespace string) []inventory.Missing {
	own := m.lookup.missing.in[namespace]
	if len(own) == 0 && len(m.lookup.missing.other) == len(m.inv.Missing) {
		return m.inv.Missing
	}
	positions := slices.Concat(own, m.lookup.missing.other)
	slices.Sort(positions)
	out := make([]inventory.Missing, len(positions))
	for i, at := range positions {
		out[i] = m.inv.Missing[at]
	}
	return out
}

// MissingAt is the missing evidence about a kind in a namespace.
func (m *Model) MissingAt(resource, namespace string) []inventory.Missing {
	var out []inventory.Missing
	for _, missing := range m.MissingFor(namespace) {
		if missing.Plural() == resource && missing.Covers(namespace) {
			out = append(out, missing)
		}
	}
	return out
}

// Blind says why nobody knows all policies at the pods of a namespace; empty where nothing of them is missing. With scopes,
// only what is missing for one of these counts.
func (m *Model) Blind(namespace string, scopes ...inventory.Scope) string {
	resources := []string{"manifests", "ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies", "networkpolicies"}
	if m.inv.Settings.ClusterNetworkPolicy {
		resources = append(resources, "clusternetworkpolicies")
	}
	for _, resource := range resources {
		for _, missing := range m.MissingAt(resource, namespace) {
			if len(scopes) == 0 || slices.Contains(scopes, missing.Scope) {
				return missing.Message
			}
		}
	}
	return ""
}

// Enforces is false where the agent drops nothing, whatever the policies say.
func (m *Model) Enforces() bool {
	return m.inv.Settings.EnablePolicy != "never" && !m.inv.Settings.AuditMode
}
