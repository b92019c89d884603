package engine

import (
	"github.com/cilium/cilium/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// RestrictNodes are the policies that restrict what nodes let in, where the host firewall is on: those whose
// nodeSelector selects some nodes, by labels that no identity here has, and those that select all.
func (e *Engine) RestrictNodes() (some, all []v1alpha1.PolicyReference) {
	host := e.identities.Reserved(labels.IDNameHost)
	for i := range e.policies {
		for r := range e.policies[i].entries {
			rule := &e.policies[i].entries[r]
			switch {
			case !rule.Node || !rule.Ingress:
			case rule.selects(host):
				all = append(all, e.policies[i].PolicyReference)
			default:
				some = append(some, e.policies[i].PolicyReference)
			}
		}
	}
	return Unique(some), Unique(all)
}
