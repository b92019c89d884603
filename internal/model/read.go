package model

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// read lets Cilium read the policies. What the last model has read is not read again.
func (m *Model) read(policies []inventory.Policy, last *Model) ([]engine.Policy, error) {
	read := make([]engine.Policy, len(policies))
	var unread []int
	var fresh []inventory.Policy
	var known map[v1alpha1.PolicyReference]int
	if last != nil {
		known = last.Positions()
	}
	for i := range policies {
		at, ok := known[policies[i].PolicyReference]
		if ok && samePolicy(&last.inv.Policies[at], &policies[i]) {
			read[i] = last.engine.Policies()[at].Whole()
			continue
		}
		unread, fresh = append(unread, i), append(fresh, policies[i])
	}
	added, err := engine.ReadAmong(m.inv.Settings, fresh, m.around)
	if err != nil {
		return nil, err
	}
	for i, p := range added {
		read[unread[i]] = p
	}
	return read, nil
}

// divideWorld adds an identity for each part of the world that the policies name.
func (m *Model) divideWorld(read []engine.Policy) error {
	world := engine.WorldOf(read)
	m.entityIDs = m.identities.Worlds()
	for _, name := range slices.Concat([]v1alpha1.Entity{v1alpha1.EntityHost, v1alpha1.EntityRemoteNode, v1alpha1.EntityKubeAPIServer}, SeldomNamed()) {
		m.entityIDs = append(m.entityIDs, m.identities.Reserved(string(name)))
	}
	all, err := m.partsOf(world)
	if err != nil {
		return err
	}
	m.outside = slices.Concat(m.entityIDs, all)
	m.parts = make([][]*engine.Identity, len(read))
	for i := range read {
		if m.parts[i], err = m.partsOf(read[i].World); err != nil {
			return err
		}
	}
	m.possible = m.possibleClients(read)
	return nil
}

// partsOf are the identities of the parts of the world that policies name.
func (m *Model) partsOf(world engine.World) ([]*engine.Identity, error) {
	var out []*engine.Identity
	for _, prefix := range world.Prefixes {
		if prefix.Bits() == 0 {
			continue // The world itself.
		}
		id, err := m.identities.CIDR(prefix)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	for _, group := range world.CIDRGroups {
		id, err := m.identities.CIDRGroup(group)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}
