package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// together makes one connection of those that are alternatives: what holds for all of them holds. In manifests,
// neither DNS nor the API server are to be seen: who allows the entity with a port, or DNS in one of its usual
// places, has seen them.
func (g *group) together(need egress.Need, all []connection) []connection {
	if need.Which == "" || len(all) == 0 {
		return all
	}
	alternatives := [][]connection{all}
	if unseen := need.Peers[0]; g.m.Inventory().Origin == inventory.Manifests && !need.Inbound &&
		(unseen.Candidate != nil || unseen.APIServer != nil && !unseen.APIServer.Address.IsValid()) {
		alternatives = nil
		for at := range all { // Connections are large, and most are alone.
			one := &all[at]
			i := slices.IndexFunc(alternatives, func(a []connection) bool { return one.peer.APIServer != nil && a[0].port == one.port })
			if i < 0 {
				alternatives = append(alternatives, all[at:at+1:at+1])
			} else {
				alternatives[i] = append(alternatives[i], *one)
			}
		}
	}
	var best connection
	for i, alternative := range alternatives {
		var decisions []engine.Decision
		for _, one := range alternative {
			decisions = append(decisions, one.decision)
		}
		one := alternative[0]
		one.decision = engine.Either(need.Which+differing(alternative), decisions...)
		if need.Flow == egress.ObjectStore {
			one.others = alternative[1:]
		}
		if i == 0 || best.decision.Verdict.WorseThan(one.decision.Verdict) {
			best = one
		}
	}
	return []connection{best}
}

// differing says which of several alternatives are allowed and which are not, where each has a name of its own.
func differing(all []connection) string {
	by := map[v1alpha1.Verdict][]string{}
	seen := map[string]bool{}
	for _, one := range all {
		name := fmt.Sprintf("%s:%d", one.to.Name, one.port.Number)
		if seen[name] {
			return ""
		}
		seen[name] = true
		by[one.decision.Verdict] = append(by[one.decision.Verdict], name)
	}
	if len(by) < 2 {
		return ""
	}
	var parts []string
	for _, verdict := range []v1alpha1.Verdict{v1alpha1.VerdictAllowed, v1alpha1.VerdictDenied, v1alpha1.VerdictUnknown} {
		if len(by[verdict]) > 0 {
			parts = append(parts, fmt.Sprintf("%s: %s", strings.Join(by[verdict], ", "), verdict))
		}
	}
	return " (" + strings.Join(parts, "; ") + ")"
}
