package clients

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// CutOff is what a change, which leads from one model to the other, means for those for whom there is evidence;
// loses are all that lose access by it.
func (q Question) CutOff(before, after *model.Model, loses []v1alpha1.ClientChange) v1alpha1.ObservedChange {
	out := v1alpha1.ObservedChange{CutOff: []v1alpha1.ObservedClient{}, Unseen: []v1alpha1.Client{}, Evidence: Reports(q.evidence)}
	pods, known := podsOf(before), map[who]bool{}
	c := before.Cluster(q.cluster)
	for _, g := range q.clients {
		known[g.who] = true
		if !g.wanted() || c == nil {
			continue
		}
		was, is := q.client(before, c, g, pods[g.who]), q.client(after, c, g, pods[g.who])
		for i := range is.Targets {
			if was.Targets[i].Verdict == v1alpha1.VerdictAllowed && is.Targets[i].Verdict != v1alpha1.VerdictAllowed {
				out.CutOff = append(out.CutOff, is)
				break
			}
		}
	}
	unseen := map[v1alpha1.Client]bool{}
	for _, l := range loses {
		client := v1alpha1.Client{Namespace: l.Namespace, Workload: l.Workload}
		if l.Entity != "" || unseen[client] || known[workloadIs(client)] {
			continue
		}
		unseen[client] = true
		client.Pods = l.Pods
		out.Unseen = append(out.Unseen, client)
	}
	out.Loses = q.Loses(before, after)
	return out
}
