package assess

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Admitted says for each target who can connect, and nothing else of what Exposure says. Where everybody can, they are not
// named: they are as many as the fleet has workloads, for each of its databases. See Named.
func Admitted(m *model.Model, c *model.Cluster) []v1alpha1.Exposure {
	var out []v1alpha1.Exposure
	for _, t := range m.Targets(c) {
		who := answersOf(m, c, t, &dependencies{})
		e := v1alpha1.Exposure{Target: t.Of, Port: t.Port, Everybody: who.everybody(who.count())}
		if !e.Everybody {
			e.Clients = who.named()
		}
		addEntities(m, &e, t)
		out = append(out, e)
	}
	return out
}

// Named is what Admitted says with the names of all clients.
func Named(m *model.Model, c *model.Cluster, admitted []v1alpha1.Exposure) []v1alpha1.Exposure {
	own := ownOf(m, c)
	out := make([]v1alpha1.Exposure, len(admitted))
	for i, e := range admitted {
		if e.Everybody {
			e.Clients, _ = clientsBut(m.Fleet().Workloads, own, 0)
		}
		out[i] = e
	}
	return out
}

// Verdicts tells of each peer, by its position in Model.Peers, whether it can connect to a target of the cluster.
func Verdicts(m *model.Model, c *model.Cluster, t model.Target) func(peer int) v1alpha1.Verdict {
	return answersOf(m, c, t, &dependencies{}).of
}
