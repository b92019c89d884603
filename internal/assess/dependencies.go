package assess

import "github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"

// dependencies are what a cluster's report depends on besides the cluster's own namespace, what has
// no namespace, and the numbers of the fleet.
type dependencies struct {
	// namespaces are those whose pods were asked about.
	namespaces map[string]bool
	// egress is true when all can connect whose own egress lets them.
	egress bool
	// fleet is true when there was no short way, so that every identity was asked about.
	fleet bool
}

// dependenciesOf are those that come before exposure.
func dependenciesOf(m *model.Model, c *model.Cluster) dependencies {
	var d dependencies
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
