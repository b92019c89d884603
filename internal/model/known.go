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

// MissingAt is the missing evidence about a kind in a namespace.
func (m *Model) MissingAt(resource, namespace string) []inventory.Missing {
	var out []inventory.Missing
	for _, missing := range m.inv.Missing {
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
