package engine

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/identity"
	k8sConst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/types"
)

// alike tells which addresses the policies can't tell apart, so that the engine is asked about one of
// them. A policy may name a hundred thousand, and Cilium's selector cache tries each selector on each
// identity: an agent does that as addresses come, one after the other, and we would for all at once.
//
// Of an address, a selector looks at the labels and at which of its own prefixes contain it
// (labels.Label.HasKey). Whoever has the same labels besides, and is in prefixes of the same kind (see
// mark), is selected by the same rules. Which rules these are is for Cilium's selectors to say.
type alike struct {
	// standIns are the identities that are asked about in the place of others.
	standIns map[*Identity]*Identity
	// peers are those that stand for identities of pods at the other end of connections, see dividePods.
	peers map[*Identity]*Identity
	// known is the number of identities that are asked about, those for whom others of peers stand included.
	known int
	// selected are the identities that are asked about in each of the prefixes that selectors name.
	selected map[netip.Prefix][]*Identity
	// all are the identities that the selector cache is told of, and subjects those of them that policies
	// can be for.
	all, subjects identity.IdentityMap
	// required are the labels that selectors ask for which name no namespace, and holders where those are who have them; nil where
	// such selectors are few.
	required requirements
	holders  holders[string]
	// narrow is false where selectors of CIDRs may select what is no address.
	narrow bool
}

// mark is a kind of prefix: prefixes of which all have the same mark make no difference to each other.
type mark uint32

// marks are those of each prefix that a selector names.
type marks struct {
	of      map[netip.Prefix][]mark
	numbers map[string]mark
	lengths [2][]int
}

// number is the mark with this name.
func (m *marks) number(name string) mark {
	n, ok := m.numbers[name]
	if !ok {
		n = mark(len(m.numbers))
		m.numbers[name] = n
	}
	return n
}

// marksOf numbers the prefixes of the policies' selectors. Those that are the only one of their selector, and
// that the same rules have, are of one kind.
func marksOf(policies []Policy) *marks {
	m := &marks{of: map[netip.Prefix][]mark{}, numbers: map[string]mark{}}
	rules := map[netip.Prefix][]byte{}
	rule := uint32(0)
	for p := range policies {
		for e := range policies[p].entries {
			rule++
			for _, selectors := range []types.Selectors{policies[p].entries[e].L3, policies[p].entries[e].possible} {
				for _, s := range selectors {
					m.add(s, rule, rules)
				}
			}
		}
	}
	for prefix, in := range rules {
		m.of[prefix] = append(m.of[prefix], m.number("rules "+string(in)))
	}
	used := [2]map[int]bool{{}, {}}
	for prefix := range m.of {
		used[family(prefix)][prefix.Bits()] = true
	}
	for i := range used {
		m.lengths[i] = slices.Sorted(maps.Keys(used[i]))
	}
	return m
}

func (m *marks) add(s types.Selector, rule uint32, rules map[netip.Prefix][]byte) {
	prefixes := s.GetCIDRPrefixes()
	if prefix, ok := only(s, prefixes); ok {
		in := binary.BigEndian.AppendUint32(nil, rule)
		if known := rules[prefix]; len(known) < len(in) || string(known[len(known)-len(in):]) != string(in) {
			rules[prefix] = append(known, in...)
		}
		return
	}
	// A selector with exceptions: the first prefix may be its own, all others are exceptions.
	first, others := m.number("first of "+s.Key()), m.number("except of "+s.Key())
	for i, prefix := range prefixes {
		n := others
		if i == 0 {
			n = first
		}
		if !slices.Contains(m.of[prefix.Masked()], n) {
			m.of[prefix.Masked()] = append(m.of[prefix.Masked()], n)
		}
	}
}

// only is the prefix of a selector that selects of the world the addresses in it, and none else. Cilium says
// whether it does: a selector whose only prefix is an exception selects none in it.
func only(s types.Selector, prefixes []netip.Prefix) (netip.Prefix, bool) {
	if divided, ok := s.(selector); ok && divided.worldIsSeen {
		s = divided.Selector
	}
	if _, ok := s.(*types.CIDRSelector); !ok || len(prefixes) != 1 {
		return netip.Prefix{}, false
	}
	return prefixes[0].Masked(), s.Matches(labels.GetCIDRLabelArray(prefixes[0]))
}

func family(prefix netip.Prefix) int {
	if prefix.Addr().Is4() {
		return 0
	}
	return 1
}

// around calls f for each of the named prefixes that contain the prefix.
func (m *marks) around(prefix netip.Prefix, f func(netip.Prefix, []mark)) {
	for _, bits := range m.lengths[family(prefix)] {
		if bits > prefix.Bits() {
			return
		}
		within, err := prefix.Addr().Prefix(bits)
		if err != nil {
			return // The length is one of the family's.
		}
		if found := m.of[within]; found != nil {
			f(within, found)
		}
	}
}

// findAlike must be called withAgent.
func findAlike(ids *Identities, policies []Policy) *alike {
	a := &alike{
		standIns: map[*Identity]*Identity{}, selected: map[netip.Prefix][]*Identity{},
		all: maps.Clone(ids.all), subjects: maps.Clone(ids.all), narrow: len(ids.settings.CIDRMatchMode) == 0,
	}
	named := marksOf(policies)
	firsts := map[string]*Identity{}
	kinds := map[netip.Prefix]string{}
	for _, i := range ids.inAddresses {
		kind, ok := kinds[i.prefix]
		if !ok {
			kind = named.kind(i.prefix)
			kinds[i.prefix] = kind
		}
		delete(a.subjects, i.id.ID) // Nobody enforces anything at an address.
		key := i.besides + "\x00" + kind
		first := firsts[key]
		if first != nil {
			a.standIns[i] = first
			delete(a.all, i.id.ID)
			continue
		}
		firsts[key] = i
		named.around(i.prefix, func(within netip.Prefix, _ []mark) { a.selected[within] = append(a.selected[within], i) })
		if a.narrow {
			a.all[i.id.ID] = append(labels.LabelArray{shelf(i)}, i.id.LabelArray...)
		}
	}
	a.known = len(a.all)
	return a
}

// ToldApart is what the policies name of the world, with one prefix for all that no rule of theirs can tell
// apart: what holds for an address in it holds for those in the others.
func (s *Identities) ToldApart(policies []Policy) World {
	world := WorldOf(policies)
	world.index = newNameIndex(world.Names)
	_ = withAgent(s.settings, func() {
		named, seen := marksOf(policies), map[string]bool{}
		world.Prefixes = slices.DeleteFunc(world.Prefixes, func(prefix netip.Prefix) bool {
			besides := s.addressLabels(prefix)
			besides.RemoveFromSource(labels.LabelSourceCIDR)
			key := string(besides.SortedList()) + "\x00" + named.kind(prefix.Masked())
			known := seen[key]
			seen[key] = true
			return known
		})
	})
	return world
}

// kind is the same for prefixes that no rule can tell apart.
func (m *marks) kind(prefix netip.Prefix) string {
	var all []mark
	m.around(prefix, func(_ netip.Prefix, found []mark) { all = append(all, found...) })
	var key []byte
	for _, n := range sortedSet(all, func(a, b mark) int { return int(a) - int(b) }) {
		key = binary.BigEndian.AppendUint32(key, uint32(n))
	}
	return string(key)
}

// StandIn is who is asked about in the place of an identity, with the same decisions: most are asked about
// themselves, and addresses that no rule can tell apart by one of them.
func (e *Engine) StandIn(i *Identity) *Identity {
	if other := e.alike.standIns[i]; other != nil {
		return other
	}
	return i
}

// shelf is where the selector cache keeps an identity of an address: it has an index by namespace, and addresses
// have none. Selectors that look everywhere must not see it, see unshelved.
func shelf(i *Identity) labels.Label {
	return labels.NewLabel(k8sConst.PodNamespaceLabel, shelfOf(i), labels.LabelSourceK8s)
}

// shelfOf is no name that a namespace can have.
func shelfOf(i *Identity) string { return "#" + i.id.ID.String() }

// nobodysShelf is where nobody is kept.
const nobodysShelf = "#nobody"

// shelved is a selector of a CIDR that looks only where the addresses in it are kept.
type shelved struct {
	types.Selector
	shelves []string
}

func (s shelved) SelectedNamespaces() []string { return s.shelves }

// Matches implements types.Selector.
func (s shelved) Matches(l labels.LabelArray) bool { return s.Selector.Matches(withoutShelf(l)) }

// unshelved is a selector that looks everywhere, for whom identities are as they are.
type unshelved struct{ types.Selector }

// Matches implements types.Selector.
func (s unshelved) Matches(l labels.LabelArray) bool { return s.Selector.Matches(withoutShelf(l)) }

func withoutShelf(l labels.LabelArray) labels.LabelArray {
	if len(l) > 0 && l[0].Key == k8sConst.PodNamespaceLabel && strings.HasPrefix(l[0].Value, "#") {
		return l[1:]
	}
	return l
}

// selectors are those of a rule as the selector cache gets them. Those of CIDRs with nobody in them who is
// asked about are left out, but for one: a rule without selectors selects everybody.
func (a *alike) selectors(all types.Selectors) types.Selectors {
	if !a.narrow || len(all) == 0 {
		return all
	}
	out := make(types.Selectors, 0, min(len(all), 16))
	var nobody types.Selector
	for _, s := range all {
		if len(s.SelectedNamespaces()) > 0 || s.IsWildcard() {
			out = append(out, s)
			continue
		}
		prefix, ok := only(s, s.GetCIDRPrefixes())
		if !ok {
			if narrowed, ok := a.within(s); ok {
				out = append(out, narrowed)
			} else {
				out = append(out, unshelved{s})
			}
			continue
		}
		one := shelved{Selector: s}
		for _, i := range a.selected[prefix] {
			one.shelves = append(one.shelves, shelfOf(i))
		}
		if len(one.shelves) == 0 {
			one.shelves = []string{nobodysShelf}
			nobody = one
			continue
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		out = append(out, nobody)
	}
	return out
}
