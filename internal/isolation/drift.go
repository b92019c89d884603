package isolation

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// drift says how a managed policy differs from what lockdown would apply, or "".
func (m *Model) drift(c *cluster, p *inventory.Policy) string {
	return ""
}
