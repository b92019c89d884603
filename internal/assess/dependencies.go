package assess

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// dependencies are what a cluster's report depends on besides the cluster's own namespace, what has
// no namespace, and the numbers of the fleet.
type dependencies struct {
	// namespaces are those whose pods were asked about.
	namespaces map[string]bool
	// crowds are the namespaces of those who were asked about many at once, each in order.
	crowds [][]string
	// ends are the namespaces of those at the other end of what the cluster, its operators and its dependants
	// need.
	ends map[string]bool
	// egress is true when all can connect whose own egress lets them.
	egress bool
	// fleet is true when there was no short way, so that every identity was asked about.
	fleet bool
}

// dependenciesOf are those that come before exposure.
func dependenciesOf(m *model.Model, c *model.Cluster) dependencies {
	d := dependencies{ends: endsOf(m, c)}
	for _, op := range m.Operators() {
		d.from(op.Namespace)
	}
	for namespace := range c.Ghosts {
		d.from(namespace)
	}
	return d
}

// from notes that pods of the namespace were asked about.
func (d *dependencies) from(namespace string) {
	if d.namespaces == nil {
		d.namespaces = map[string]bool{}
	}
	d.namespaces[namespace] = true
}

// ofCrowd notes that peers of a crowd were asked about.
func (d *dependencies) ofCrowd(o *model.Opening) { d.crowds = append(d.crowds, o.Namespaces) }

// endsOf are the namespaces in which a change of anything can change what the cluster's needs come to.
func endsOf(m *model.Model, c *model.Cluster) map[string]bool {
	out := map[string]bool{}
	note := func(needs []egress.Need) {
		for i := range needs {
			for p := range needs[i].Peers {
				for _, pod := range needs[i].Peers[p].Pods {
					out[m.Pod(pod).Namespace] = true
				}
			}
		}
	}
	for _, pod := range m.Deriver().Konnectivity() {
		out[m.Pod(pod).Namespace] = true
	}
	note(m.Needs(c))
	note(m.Deriver().Metrics(c.Object))
	for i, op := range m.Operators() {
		out[op.Namespace] = true
		note(m.NeedsOf(i))
	}
	for _, d := range m.Dependants(c) {
		out[d.Cluster.Namespace] = true
	}
	return out
}
