package probe

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Merge is one plan of several for the same cluster, in which nobody tries the same connection twice.
func Merge(plans ...Plan) Plan {
	var out Plan
	for _, p := range plans {
		out.Cluster = p.Cluster
		for _, c := range p.Clients {
			at := slices.IndexFunc(out.Clients, func(have Client) bool {
				return c.Unfit == "" && have.Unfit == "" && have.Pod == c.Pod && have.Control == c.Control
			})
			if at < 0 {
				c.Connections = slices.Clone(c.Connections)
				out.Clients = append(out.Clients, c)
				continue
			}
			for _, one := range c.Connections {
				if !slices.ContainsFunc(out.Clients[at].Connections, one.same) {
					out.Clients[at].Connections = append(out.Clients[at].Connections, one)
				}
			}
		}
	}
	return out
}

// Of are the probes of a merged plan that belong to one of those that it was merged from.
func (p Plan) Of(probes []v1alpha1.Probe) []v1alpha1.Probe {
	var out []v1alpha1.Probe
	for _, one := range probes {
		if slices.ContainsFunc(p.Clients, func(c Client) bool {
			return !c.Control && c.Pod.Namespace == one.Namespace && c.Pod.Name == one.Pod && slices.ContainsFunc(c.Connections, func(to Connection) bool {
				return to.at() == one.Address && to.Port == one.Port
			})
		}) {
			out = append(out, one)
		}
	}
	return out
}
