package engine

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	"golang.org/x/sync/errgroup"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Policy is a policy as Cilium reads it.
type Policy struct {
	v1alpha1.PolicyReference
	// Valid is false when Cilium refuses the policy or would refuse it; then it does not count.
	Valid bool
	// Message is the reason in Cilium's words, or why the policy does not count although valid.
	Message string
	// Unreadable is set when nobody here can say what the policy does although Cilium may enforce
	// it; verdicts that it could change are unknown.
	Unreadable string
	// Refused is set when no API server would store the policy: it does not count, and Message says why.
	Refused bool
	// Source is the file and document that the policy came from; empty for live ones.
	Source string
	// OtherVersion is true when it can't be read because agents of the inventory's version take it otherwise.
	OtherVersion bool
	// World is what the policy names of the world.
	World   World
	entries []entry
	// refused are what a policy that can't be parsed was meant to select, nil when that can't be told;
	// withheld are the rules of one that Cilium refuses all the same.
	refused  []*types.LabelSelector
	withheld []entry
	// whole is the policy with its rules, where they are too many.
	whole *Policy
}

// Called is what messages call the policy: it may have no name, and then only its place tells which it is.
func (p *Policy) Called() string {
	name := p.PolicyReference.String()
	if p.Name == "" {
		name = fmt.Sprintf("a %s without a name", p.Kind)
	}
	if p.Source != "" {
		name += " (" + p.Source + ")"
	}
	return name
}

// WouldSelect tells for a refused policy whether it was meant for pods with this identity. It is
// true when that can't be told.
func (p *Policy) WouldSelect(i *Identity) bool {
	if p.Namespace != "" && p.Namespace != i.Namespace() {
		return false
	}
	if len(p.withheld) > 0 {
		return slices.ContainsFunc(p.withheld, func(e entry) bool { return e.selects(i) })
	}
	return p.refused == nil || slices.ContainsFunc(p.refused, func(s *types.LabelSelector) bool {
		return s.Matches(i.id.LabelArray)
	})
}

// PeerNamespaces are the namespaces that the policy's ingress rules name.
func (p *Policy) PeerNamespaces() []string {
	var out []string
	for i := range p.entries {
		if !p.entries[i].Ingress {
			continue
		}
		for _, peer := range p.entries[i].L3 {
			out = append(out, peer.SelectedNamespaces()...)
		}
	}
	return sortedSet(out, strings.Compare)
}

// RestrictsEgress tells whether the policy has a say in what pods open, wherever to.
func (p *Policy) RestrictsEgress() bool {
	return p.Unreadable != "" || slices.ContainsFunc(p.entries, func(r entry) bool { return !r.Ingress })
}

// Enforced is true for policies that count.
func (p *Policy) Enforced() bool { return len(p.entries) > 0 }

// Read tells how Cilium reads each of the policies, in the same order. An invalid policy is a value,
// not an error; the error is about the settings.
func Read(s inventory.Settings, policies []inventory.Policy) ([]Policy, error) {
	return ReadAmong(s, policies, Around{})
}

// ReadAmong is Read where what policies refer to is known.
func ReadAmong(s inventory.Settings, policies []inventory.Policy, around Around) ([]Policy, error) {
	out := make([]Policy, len(policies))
	return out, withAgent(&s, func() {
		cluster := policyCluster(s)
		var group errgroup.Group
		group.SetLimit(runtime.GOMAXPROCS(0))
		const atOnce = 100
		for from := 0; from < len(policies); from += atOnce {
			group.Go(func() error {
				for i := from; i < min(from+atOnce, len(policies)); i++ {
					out[i] = readOne(s, &policies[i], cluster, around)
				}
				return nil
			})
		}
		_ = group.Wait() // What is wrong with a policy is in its place.
	})
}

// WorldOf is what the policies together name of the world.
func WorldOf(policies []Policy) World {
	var world World
	for i := range policies {
		world.Prefixes = append(world.Prefixes, policies[i].World.Prefixes...)
		world.CIDRGroups = append(world.CIDRGroups, policies[i].World.CIDRGroups...)
		world.Names = append(world.Names, policies[i].World.Names...)
	}
	world.Prefixes = sortedSet(world.Prefixes, netip.Prefix.Compare)
	world.CIDRGroups = sortedSet(world.CIDRGroups, strings.Compare)
	world.Names = sortedSet(world.Names, compareNames)
	return world
}

// World is what policies name of the world.
type World struct {
	// Prefixes are those of the rules, and the members of the known groups that rules name.
	Prefixes []netip.Prefix
	// CIDRGroups are those of which the members are not known.
	CIDRGroups []string
	// Names are the DNS names and patterns of toFQDNs, and index finds them.
	Names []api.FQDNSelector
	index *nameIndex
}

// matching are the positions of those of Names that match a name.
func (w World) matching(name string) []int {
	if w.index == nil {
		w.index = newNameIndex(w.Names)
	}
	return w.index.matching(name)
}

// NamesSome is false when the policies name nothing of the world.
func (w World) NamesSome() bool { return len(w.Prefixes)+len(w.CIDRGroups)+len(w.Names) > 0 }

func readOne(s inventory.Settings, p *inventory.Policy, cluster string, around Around) Policy {
	out := Policy{PolicyReference: p.PolicyReference, Valid: true, Source: p.Source.String()}
	from := surroundings{addressesUnder(s), around}
	if p.Unreadable != "" {
		out.Valid, out.Message, out.Unreadable = false, p.Unreadable, p.Unreadable
		return out
	}
	if p.Refused != "" && olderFields(s, p) == "" {
		out.Valid, out.Message, out.Refused = false, p.Refused, true
		if p.Object != nil {
			parts := read(p, cluster, from)
			out.refused, out.withheld = parts.subjects, parts.entries
		}
		return out
	}
	if off := switchedOff(s, p.Kind); off != "" {
		out.Message = "not enforced: " + off
		return out
	}
	parts := readBounded(p, cluster, from)
	if parts.unread != "" {
		out.Valid, out.Message, out.Unreadable, out.refused = false, parts.unread, parts.unread, parts.subjects
		return out
	}
	out.refused = parts.subjects
	accepted := p.Condition != nil && p.Condition.Valid
	refused := p.Condition != nil && !p.Condition.Valid
	if why := readOtherwise(s, p, parts); why != "" && !refused {
		out.Valid, out.Message, out.Unreadable, out.withheld = false, why, why, parts.entries
		out.OtherVersion = true
		return out
	}
	switch {
	case refused:
		out.Valid, out.Message, out.withheld = false, p.Condition.Message, parts.entries
		return out
	case parts.err != nil && accepted:
		out.Valid, out.Message = false, parts.err.Error()
		out.Unreadable = fmt.Sprintf("this cluster's Cilium accepted the policy, but the engine of this plugin refuses it: %v", parts.err)
		return out
	case parts.err != nil:
		out.Valid, out.Message = false, parts.err.Error()
		return out
	}
	out.entries = parts.entries
	out.World = World{Prefixes: parts.prefixes, CIDRGroups: parts.groups, Names: parts.names}
	return out
}

// switchedOff names the agent's option because of which a kind is not enforced.
func switchedOff(s inventory.Settings, kind v1alpha1.PolicyKind) string {
	switch {
	case kind == v1alpha1.NetworkPolicy && !s.KubernetesNetworkPolicy:
		return "Cilium's option enable-k8s-networkpolicy is off"
	case kind == v1alpha1.ClusterNetworkPolicy && s.Version.Before(1, 20):
		return fmt.Sprintf("Cilium %s does not know this kind", s.Version)
	case kind == v1alpha1.ClusterNetworkPolicy && !s.ClusterNetworkPolicy:
		return "Cilium's option enable-k8s-cluster-network-policy is off"
	case kind == v1alpha1.CiliumNetworkPolicy && !s.CiliumNetworkPolicy:
		return "Cilium's option enable-cilium-network-policy is off"
	case kind == v1alpha1.CiliumClusterwideNetworkPolicy && !s.CiliumClusterwideNetworkPolicy:
		return "Cilium's option enable-cilium-clusterwide-network-policy is off"
	}
	return ""
}
