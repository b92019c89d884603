package change

import (
	"maps"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// kinsman is a peer, by its position in Model.Peers, with those of its pods that are looked for.
type kinsman struct {
	peer int
	pods []int
}

// kinOf are the peers with those of their pods whose labels are of a kind.
func (x comparison) kinOf(kind func(map[string]string) bool) []kinsman {
	var out []kinsman
	for at, p := range x.before.Peers() {
		pods := slices.DeleteFunc(slices.Clone(p.Pods), func(i int) bool { return !kind(x.before.Pod(i).Labels) })
		if len(pods) > 0 {
			out = append(out, kinsman{at, pods})
		}
	}
	return out
}

// shutOut are the namespaces, in order, of those who could connect to one of the targets and can't afterwards. The cluster's own pods
// are not among them.
func (x comparison) shutOut(c *model.Cluster, all []kinsman, targets ...model.Target) []string {
	lost, last := map[string]bool{}, ""
	for _, t := range targets {
		if len(all) == 0 || len(t.Identities) == 0 && !t.Open {
			continue // Nobody is there to connect, or to connect to.
		}
		could, can := assess.Verdicts(x.before, c, t), assess.Verdicts(x.after, c, t)
		for _, k := range all {
			if could(k.peer) != v1alpha1.VerdictAllowed || can(k.peer) != v1alpha1.VerdictDenied {
				continue
			}
			for _, i := range k.pods {
				if namespace := x.before.Pod(i).Namespace; namespace != last && x.before.MemberOf(i) != c {
					lost[namespace], last = true, namespace
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(lost))
}
