package isolation

import (
	"maps"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// target is something that clients connect to.
type target struct {
	name       string
	port       uint16
	identities []*engine.Identity
	// open is true when Cilium does not manage one of its pods, where nobody is denied.
	open bool
}

const instancesTarget = "instances"

// targets are PostgreSQL's port of the instances and of each pooler.
func (m *Model) targets(c *cluster) []target {
	targets := []target{m.target(instancesTarget, cnpg.PostgresPort, c.instances())}
	poolers := m.poolers(c)
	for _, name := range slices.Sorted(maps.Keys(poolers)) {
		targets = append(targets, m.target("pooler "+name, cnpg.PostgresPort, poolers[name]))
	}
	return targets
}

// target is a port of some of the cluster's pods.
func (m *Model) target(name string, port uint16, members []member) target {
	t := target{name: name, port: port}
	for _, member := range members {
		if m.unmanaged[m.inv.Pods[member.pod].Key()] {
			t.open = true
		} else {
			t.identities = append(t.identities, member.identity)
		}
	}
	t.identities = distinct(t.identities)
	return t
}

// worldReaches is true when everybody outside the cluster can connect, policies permitting.
func (m *Model) worldReaches(t target) bool {
	return !slices.ContainsFunc(m.identities.Worlds(), func(id *engine.Identity) bool {
		return m.reaches(id, t) != v1alpha1.VerdictAllowed
	})
}

// outsideOf are the identities outside of pods that can matter to a target: a part of the world that
// no policy of the target's namespace names is like the rest of the world.
func (m *Model) outsideOf(t target) []*engine.Identity {
	if len(t.identities) == 0 && !t.open {
		return nil
	}
	var namespaces []string
	for _, id := range t.identities {
		namespaces = append(namespaces, id.Namespace())
	}
	slices.Sort(namespaces)
	out := slices.Clone(m.entityIDs)
	for _, namespace := range slices.Compact(namespaces) {
		for _, index := range m.engine.PoliciesFor(namespace) {
			out = append(out, m.parts[index]...)
		}
	}
	return distinct(out)
}

// reaches is allowed when the identity can connect to at least one pod of the target.
func (m *Model) reaches(id *engine.Identity, t target) v1alpha1.Verdict {
	verdict, _ := m.decide(id, t)
	return verdict
}

// decide is reaches with the policies that decided.
func (m *Model) decide(id *engine.Identity, t target) (v1alpha1.Verdict, []v1alpha1.PolicyReference) {
	byVerdict := map[v1alpha1.Verdict][]v1alpha1.PolicyReference{}
	best := v1alpha1.VerdictDenied
	if t.open {
		unmanaged := m.identities.Reserved(unmanagedName)
		d := engine.Join(allowedBecause(notManaged), m.engine.Decide(id, unmanaged, t.port).Egress)
		if d.Verdict == v1alpha1.VerdictAllowed {
			return v1alpha1.VerdictAllowed, nil
		}
		byVerdict[d.Verdict], best = d.Policies(), d.Verdict
	}
	for _, to := range t.identities {
		d := m.engine.Decide(id, to, t.port)
		if d.Verdict == v1alpha1.VerdictAllowed && len(d.Ingress.Rules) == 0 {
			// A pod that no policy restricts: what policies allow at the others does not matter.
			return v1alpha1.VerdictAllowed, d.Policies()
		}
		byVerdict[d.Verdict] = append(byVerdict[d.Verdict], d.Policies()...)
		if worse(best, d.Verdict) {
			best = d.Verdict
		}
	}
	return best, uniquePolicies(byVerdict[best])
}
