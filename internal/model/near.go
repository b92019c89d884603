package model

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Near is the world of one cluster with more policies, for questions about the cluster and whoever is in the namespaces:
// With costs what the whole fleet does, and is not for several at once; this is, and costs what is there. Who else can
// connect is not known in it.
func (m *Model) Near(c *Cluster, namespaces map[string]bool, added []inventory.Policy) (*Model, error) {
	indexes := map[int]bool{}
	for namespace := range namespaces {
		for _, index := range m.engine.PoliciesFor(namespace) {
			indexes[index] = true
		}
	}
	type both struct {
		inventory.Policy
		read engine.Policy
	}
	var policies []both
	for index := range indexes {
		policies = append(policies, both{m.inv.Policies[index], m.engine.Policies()[index]})
	}
	fresh, err := engine.ReadAmong(m.inv.Settings, added, m.around)
	if err != nil {
		return nil, err
	}
	for i, p := range fresh {
		policies = append(policies, both{added[i], p})
	}
	slices.SortFunc(policies, func(a, b both) int { return a.Compare(b.PolicyReference) })
	inv, other := *m.inv, *m
	inv.Policies = nil
	var read []engine.Policy
	for _, p := range policies {
		inv.Policies, read = append(inv.Policies, p.Policy), append(read, p.read)
	}
	other.inv, other.contents = &inv, contentsOf(&inv)
	other.clusters, other.lookup.clusters = []*Cluster{c}, map[types.NamespacedName]*Cluster{c.Key(): c}
	other.outside, other.parts, other.possible = other.entityIDs, make([][]*engine.Identity, len(read)), make([]possible, len(read))
	other.identities = m.engine.Near(namespaces)
	if err := other.register(read); err != nil {
		return nil, err
	}
	other.engine, err = engine.New(other.identities, read)
	other.guarded = func() []int { return nil }
	return &other, err
}
