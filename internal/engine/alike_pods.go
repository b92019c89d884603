package engine

import (
	"slices"

	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/types"
)

// dividePods tells which pods no selector of a rule's peers tells apart, and makes one of each such class stand for all of it at the
// other end of connections. A policy that lets in whoever is in the cluster has an entry for each identity that the selector cache
// is told of, and a fleet may have as many such policies as it has databases.
//
// As the subject of policies, each pod is itself: what selects it, and what its own rules say, is not looked at here.
func (a *alike) dividePods(ids *Identities, policies []Policy) {
	if !a.narrow {
		return // Selectors may look at addresses of pods, which are not seen.
	}
	a.required = requirementsOf(policies)
	d := newDivision(ids, a.required)
	seen := map[string]bool{}
	for p := range policies {
		for e := range policies[p].entries {
			rule := &policies[p].entries[e]
			for _, selectors := range []types.Selectors{rule.L3, rule.possible} {
				for _, s := range selectors {
					if _, ok := s.(*types.CIDRSelector); ok || s.IsWildcard() {
						continue // The one selects no pods, the other all.
					}
					if key := s.Key(); !seen[key] {
						seen[key] = true
						d.by(s)
					}
				}
			}
		}
	}
	a.peers = d.firsts()
	for i, first := range a.peers {
		if i != first {
			delete(a.all, i.id.ID)
		}
	}
	a.holders = a.namespacesWith(a.required)
}

// division is the identities of pods in classes, which selectors divide further.
type division struct {
	pods  []*Identity
	class []int
	next  int
	// in are the positions of the pods of a namespace.
	in map[string][]int
	// all are all positions, and named are those of pods with labels of DNS names, which agents give to addresses alone.
	all, named []int
	// required are the labels that selectors ask for, and holders the positions of those who have them.
	required requirements
	holders  holders[int]
}

// newDivision begins with the named ports, which rules for what others open may refer to, and with the pods of other clusters, which
// Cilium tells by their numbers.
func newDivision(ids *Identities, r requirements) *division {
	d := &division{in: map[string][]int{}, required: r, holders: holdersOf[int](r)}
	for _, i := range ids.byNumber {
		// Cilium knows those with a reserved label by more than their labels.
		if i.name == "" && i.id.Labels == nil && !i.prefix.IsValid() {
			d.pods = append(d.pods, i)
		}
	}
	slices.SortFunc(d.pods, func(a, b *Identity) int { return int(a.id.ID) - int(b.id.ID) })
	type kind struct {
		ports  string
		remote bool
	}
	kinds := map[kind]int{}
	for at, i := range d.pods {
		k := kind{i.portsKey, i.remote}
		class, ok := kinds[k]
		if !ok {
			class = d.another()
			kinds[k] = class
		}
		d.class = append(d.class, class)
		d.in[i.namespace] = append(d.in[i.namespace], at)
		d.all = append(d.all, at)
		if r != nil {
			d.holders.add(i.id.LabelArray, at)
		}
		if slices.ContainsFunc(i.id.LabelArray, func(l labels.Label) bool { return l.Source == labels.LabelSourceFQDN }) {
			d.named = append(d.named, at)
		}
	}
	return d
}

func (d *division) another() int {
	d.next++
	return d.next
}

// by puts those of each class that the selector selects into a class of their own.
func (d *division) by(s types.Selector) {
	selected := map[int]int{}
	divide := func(positions []int) {
		for _, at := range positions {
			if !s.Matches(d.pods[at].id.LabelArray) {
				continue
			}
			class, ok := selected[d.class[at]]
			if !ok {
				class = d.another()
				selected[d.class[at]] = class
			}
			d.class[at] = class
		}
	}
	if _, ok := s.(*types.FQDNSelector); ok {
		divide(d.named)
		return
	}
	if few, ok := d.holders.fewest(d.required[s.Key()]); ok {
		divide(few)
		return
	}
	namespaces := s.SelectedNamespaces()
	if len(namespaces) == 0 {
		divide(d.all)
	}
	for _, namespace := range slices.Compact(slices.Sorted(slices.Values(namespaces))) {
		divide(d.in[namespace])
	}
}

// firsts are the first identities of the classes, by those that they stand for.
func (d *division) firsts() map[*Identity]*Identity {
	first := map[int]*Identity{}
	out := make(map[*Identity]*Identity, len(d.pods))
	for at, i := range d.pods {
		if first[d.class[at]] == nil {
			first[d.class[at]] = i
		}
		out[i] = first[d.class[at]]
	}
	return out
}

// AsPeer is the identity that stands for this one at the other end of connections: what the policies of others say about it, they say
// about all that it stands for. Those that are no pods are themselves.
func (e *Engine) AsPeer(i *Identity) *Identity {
	if first := e.alike.peers[i]; first != nil {
		return first
	}
	return e.StandIn(i)
}
