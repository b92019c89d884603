package assess

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// numbers are those of peers and of their pods, the cluster's own aside, by verdict.
type numbers map[v1alpha1.Verdict]struct{ peers, pods int }

func (n numbers) add(verdict v1alpha1.Verdict, peers, pods int) {
	of := n[verdict]
	of.peers, of.pods = of.peers+peers, of.pods+pods
	n[verdict] = of
}

func (n numbers) pods(verdict v1alpha1.Verdict) int { return n[verdict].pods }

// addCrowd adds all peers of a crowd of whom the target says this, sign times.
func (n numbers) addCrowd(o *model.Opening, at v1alpha1.Verdict, sign int) {
	for _, opens := range o.Tallies {
		n.add(worse(at, opens.Verdict), sign*opens.Peers, sign*opens.Pods)
	}
}

// count counts those about whom the target's policies say something, or everybody where the others are not denied: these are not
// counted.
func (a *answers) count() numbers {
	n, port := numbers{}, a.t.Port
	everybody := a.others != v1alpha1.VerdictDenied
	if everybody {
		n.addCrowd(a.m.Opening(nil, port), a.others, 1)
	}
	for crowd, at := range a.listed {
		o := a.m.Opening(crowd, port)
		if everybody {
			n.addCrowd(o, a.others, -1)
		}
		n.addCrowd(o, at, 1)
	}
	for peer, verdict := range a.apart {
		if _, ok := a.listed[a.m.CrowdOf(peer)]; ok || everybody {
			n.add(a.usual(peer), -1, -len(a.m.Peers()[peer].Pods))
		}
		if strangers := len(a.m.Strangers(a.c, a.m.Peers()[peer])); strangers > 0 {
			n.add(verdict, 1, strangers)
		}
	}
	return n
}

// audience is what the answers come to, with the first clients by name; most is 0 for all.
func (a *answers) audience(most int) audience {
	n := a.count()
	out := audience{
		exposure: v1alpha1.Exposure{
			Target: a.t.Of, Port: a.t.Port, Entities: []v1alpha1.Entity{}, DeniedEntities: []v1alpha1.Entity{},
			Clients: []v1alpha1.ClientAccess{}, Denied: []v1alpha1.ClientAccess{},
			Identities: n[v1alpha1.VerdictAllowed].peers, Pods: n.pods(v1alpha1.VerdictAllowed), Unknown: n[v1alpha1.VerdictUnknown].peers,
		},
		unknown: n.pods(v1alpha1.VerdictUnknown),
	}
	if out.everybody = a.everybody(n); out.everybody && a.free {
		out.free = true
		return out
	}
	out.exposure.Clients = a.clients(most)
	out.exposure.MoreClients = a.workloads() - len(out.exposure.Clients)
	return out
}

// everybody tells whether everybody can connect, by the numbers of those who can.
func (a *answers) everybody(n numbers) bool {
	return a.others == v1alpha1.VerdictAllowed && n.pods(v1alpha1.VerdictDenied)+n.pods(v1alpha1.VerdictUnknown) == 0
}
