package isolation

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// lostOperators finds the operator that --operator-namespace overlooks. The flag settles which of
// several operators counts, and names one that cannot be recognised. When it names a namespace in
// which no operator runs, and a pod that is labelled as one loses the cluster elsewhere, it is more
// likely a mistake, and one that nobody would notice at once.
func lostOperators(before, after *Model, c *cluster) []string {
	if slices.ContainsFunc(before.operators, func(o operator) bool { return !o.assumed }) {
		return nil
	}
	status := before.target(instancesTarget, cnpg.StatusPort, c.instances())
	lost := map[string]bool{}
	for _, p := range before.peers {
		for _, i := range before.strangers(c, p) {
			pod := &before.inv.Pods[i]
			if pod.Labels[inventory.OperatorLabel] != inventory.OperatorLabelValue || before.hasOperator(pod.Namespace) {
				continue
			}
			if before.reaches(p.identity, status) == v1alpha1.VerdictAllowed && after.reaches(p.identity, status) == v1alpha1.VerdictDenied {
				lost[pod.Namespace] = true
			}
		}
	}
	var out []string
	for _, namespace := range sortedKeys(lost) {
		out = append(out, fmt.Sprintf(
			"no operator was seen where --operator-namespace says, and the one in namespace %q would be locked out: leave the flag out, or repeat it with that namespace", namespace))
	}
	return out
}
