package change

import (
	"maps"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// kin are peers that are looked for, and for which the same rules say what they may open, before and after: to a target that
// names none of them, they are one.
type kin []kinsman

// kinsman is a peer, by its position in Model.Peers, with those of its pods that are looked for.
type kinsman struct {
	model.Peer
	at int
}

// kinOf are the peers with those of their pods whose labels are of a kind.
func (x comparison) kinOf(kind func(map[string]string) bool) []kin {
	type opened struct{ before, after string }
	places := map[opened]int{}
	var out []kin
	for at, p := range x.before.Peers() {
		pods := slices.DeleteFunc(slices.Clone(p.Pods), func(i int) bool { return !kind(x.before.Pod(i).Labels) })
		if len(pods) == 0 {
			continue
		}
		opens := opened{x.before.Engine().Opens(p.Identity), x.after.Engine().Opens(p.Identity)}
		i, known := places[opens]
		if !known {
			i = len(out)
			places[opens], out = i, append(out, nil)
		}
		out[i] = append(out[i], kinsman{model.Peer{Identity: p.Identity, Pods: pods}, at})
	}
	return out
}

// shutOut are the namespaces, in order, of those who could connect to one of the targets and can't afterwards. The cluster's own pods
// are not among them.
func (x comparison) shutOut(c *model.Cluster, all []kin, targets ...model.Target) []string {
	lost, last := map[string]bool{}, ""
	for _, t := range targets {
		if len(t.Identities) == 0 && !t.Open {
			continue // Nobody is there to connect to.
		}
		named, uniform := assess.OneByOne(x.before, t)
		namedAfter, uniformAfter := assess.OneByOne(x.after, t)
		alone := func(at int) bool {
			_, before := slices.BinarySearch(named, at)
			_, after := slices.BinarySearch(namedAfter, at)
			return !uniform || !uniformAfter || before || after
		}
		loses := func(p model.Peer) bool {
			return x.before.Reaches(p.Identity, t) == v1alpha1.VerdictAllowed && x.after.Reaches(p.Identity, t) == v1alpha1.VerdictDenied
		}
		for _, alike := range all {
			asked, others := false, false
			for _, p := range alike {
				var is bool
				switch {
				case alone(p.at):
					is = loses(p.Peer)
				case !asked:
					asked, others = true, loses(p.Peer)
					is = others
				default:
					is = others
				}
				if !is {
					continue
				}
				for _, i := range p.Pods {
					if namespace := x.before.Pod(i).Namespace; namespace != last && x.before.MemberOf(i) != c {
						lost[namespace], last = true, namespace
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(lost))
}
