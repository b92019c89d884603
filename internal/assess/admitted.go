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
		needs := &dependencies{}
		a := audienceOf(m, c, t, askAbout(m, t, needs), needs)
		e := v1alpha1.Exposure{Target: t.Of, Port: t.Port, Everybody: a.everybody}
		if !a.everybody {
			e.Clients = a.clients
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

// OneByOne are the peers, by their positions in Model.Peers and in order, that have to be asked about one by one to know who
// reaches a target. Those of all others for whom the same rules say what they may open (engine.Opens) have the same
// answer. False when everybody has to be asked.
func OneByOne(m *model.Model, t model.Target) ([]int, bool) {
	q := askAbout(m, t, &dependencies{})
	return q.named, q.uniform
}
