package model

import (
	"maps"
	"math"
	"net/netip"
	"slices"

	"github.com/cilium/cilium/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// Target is something that clients connect to: a port of some of a cluster's pods.
type Target struct {
	// Of is set by Targets.
	Of         v1alpha1.Target
	Port       uint16
	Identities []*engine.Identity
	// Open is true when Cilium does not manage one of its pods, where nobody is denied.
	Open bool
}

// Targets are PostgreSQL's port of the instances and of each pooler.
func (m *Model) Targets(c *Cluster) []Target {
	targets := []Target{m.Target(cnpg.PostgresPort, c.Instances())}
	poolers := m.Poolers(c)
	for _, name := range slices.Sorted(maps.Keys(poolers)) {
		t := m.Target(cnpg.PostgresPort, poolers[name])
		t.Of.Pooler = name
		targets = append(targets, t)
	}
	return targets
}

// Target is a port of some of the cluster's pods.
func (m *Model) Target(port uint16, members []Member) Target {
	t := Target{Port: port}
	for _, member := range members {
		if m.unmanaged[m.inv.Pods[member.Pod].Key()] {
			t.Open = true
		} else {
			t.Identities = append(t.Identities, member.Identity)
		}
	}
	t.Identities = Distinct(t.Identities)
	return t
}

// WorldReaches is true when everybody outside the cluster can connect, policies permitting: whoever no policy
// names, or, where the parts that policies name leave nobody out, those in all of them that can connect.
func (m *Model) WorldReaches(t Target) bool {
	return !slices.ContainsFunc(m.identities.Worlds(), func(id *engine.Identity) bool {
		return m.Reaches(id, t) != v1alpha1.VerdictAllowed && !m.partsReach(m.FamilyOf(id), t)
	})
}

// nearlyAll is the share of all addresses below which parts are not all of them; sums of shares are not exact.
const nearlyAll = 0.999

// partsReach tells whether the parts of the world that can connect are a whole address family together. What
// is excepted from one of them does not count against it, as with the world itself.
func (m *Model) partsReach(family netip.Prefix, t Target) bool {
	parts := map[netip.Prefix]*engine.Identity{}
	share := 0.0
	outside := m.OutsideOf(t)
	for _, id := range outside {
		if prefix, ok := id.Entity().Prefix(); ok && prefix.Addr().Is4() == family.Addr().Is4() {
			share += math.Ldexp(1, -prefix.Bits())
		}
	}
	if share < nearlyAll {
		return false // All of them together are too few addresses, however they lie.
	}
	for _, id := range outside {
		if prefix, ok := id.Entity().Prefix(); ok && prefix.Addr().Is4() == family.Addr().Is4() {
			parts[prefix.Masked()] = id
		}
	}
	named := slices.SortedFunc(maps.Keys(parts), netip.Prefix.Compare)
	if !Covered(family, named) {
		return false
	}
	var allowed []netip.Prefix
	decide := m.Decider(t)
	for i, prefix := range named {
		end := i + 1
		for end < len(named) && prefix.Contains(named[end].Addr()) {
			end++ // In order, those within a prefix follow it.
		}
		if verdict, _ := decide(parts[prefix]); verdict == v1alpha1.VerdictAllowed && !Covered(prefix, named[i+1:end]) {
			allowed = append(allowed, prefix)
		}
	}
	return Covered(family, allowed)
}

// FamilyOf are all addresses of one of the worlds.
func (m *Model) FamilyOf(world *engine.Identity) netip.Prefix {
	if world.Name() == labels.IDNameWorldIPv6 || world.Name() == labels.IDNameWorld && !m.inv.Settings.IPv4 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

// Covered tells whether every address of the prefix is in one of the parts within it: the agents know an
// address by the narrowest prefix.
func Covered(prefix netip.Prefix, parts []netip.Prefix) bool {
	within := slices.DeleteFunc(slices.Clone(parts), func(part netip.Prefix) bool { return !prefix.Overlaps(part) || part.Bits() < prefix.Bits() })
	if len(within) == 0 || slices.Contains(within, prefix) {
		return len(within) > 0
	}
	low := netip.PrefixFrom(prefix.Addr(), prefix.Bits()+1)
	bytes := prefix.Addr().AsSlice()
	bytes[prefix.Bits()/8] |= 0x80 >> (prefix.Bits() % 8)
	middle, _ := netip.AddrFromSlice(bytes)
	return Covered(low, within) && Covered(netip.PrefixFrom(middle, low.Bits()), within)
}

// SeldomNamed are the entities that have no part in an ordinary cluster: the proxy behind Ingresses and
// Gateways, pods that Cilium does not manage, pods that have no identity yet, and Cilium's health checks.
// Reports name them where a rule lets them in.
func SeldomNamed() []v1alpha1.Entity {
	return []v1alpha1.Entity{labels.IDNameIngress, labels.IDNameUnmanaged, labels.IDNameInit, labels.IDNameHealth}
}

// OutsideOf are the identities outside of pods that can matter to a target: a part of the world that
// no policy of the target's namespace names is like the rest of the world.
func (m *Model) OutsideOf(t Target) []*engine.Identity {
	if len(t.Identities) == 0 && !t.Open {
		return nil
	}
	var namespaces []string
	for _, id := range t.Identities {
		namespaces = append(namespaces, id.Namespace())
	}
	slices.Sort(namespaces)
	out := slices.Clone(m.entityIDs)
	for _, namespace := range slices.Compact(namespaces) {
		for _, index := range m.engine.PoliciesFor(namespace) {
			out = append(out, m.parts[index]...)
		}
	}
	return Distinct(out)
}

// Reaches is allowed when the identity can connect to at least one pod of the target.
func (m *Model) Reaches(id *engine.Identity, t Target) v1alpha1.Verdict {
	verdict, _ := m.Decide(id, t)
	return verdict
}

// Decider decides for a target as Decide does, and once about all addresses that no rule can tell apart.
func (m *Model) Decider(t Target) func(*engine.Identity) (v1alpha1.Verdict, []v1alpha1.PolicyReference) {
	type decided struct {
		verdict  v1alpha1.Verdict
		policies []v1alpha1.PolicyReference
	}
	known := map[*engine.Identity]decided{}
	return func(id *engine.Identity) (v1alpha1.Verdict, []v1alpha1.PolicyReference) {
		standIn := m.engine.StandIn(id)
		d, ok := known[standIn]
		if !ok {
			d.verdict, d.policies = m.Decide(standIn, t)
			known[standIn] = d
		}
		return d.verdict, d.policies
	}
}

// Decide is reaches with the policies that decided.
func (m *Model) Decide(id *engine.Identity, t Target) (v1alpha1.Verdict, []v1alpha1.PolicyReference) {
	byVerdict := map[v1alpha1.Verdict][]v1alpha1.PolicyReference{}
	best := v1alpha1.VerdictDenied
	if t.Open {
		unmanaged := m.identities.Reserved(labels.IDNameUnmanaged)
		d := engine.Join(engine.AllowedBecause(NotManaged), m.engine.Decide(id, unmanaged, t.Port).Egress)
		if d.Verdict == v1alpha1.VerdictAllowed {
			return v1alpha1.VerdictAllowed, nil
		}
		byVerdict[d.Verdict], best = d.Policies(), d.Verdict
	}
	for _, to := range t.Identities {
		d := m.engine.Decide(id, to, t.Port)
		if d.Verdict == v1alpha1.VerdictAllowed && len(d.Ingress.Rules) == 0 {
			// A pod that no policy restricts: what policies allow at the others does not matter.
			return v1alpha1.VerdictAllowed, d.Policies()
		}
		byVerdict[d.Verdict] = append(byVerdict[d.Verdict], d.Policies()...)
		if best.WorseThan(d.Verdict) {
			best = d.Verdict
		}
	}
	return best, engine.Unique(byVerdict[best])
}
