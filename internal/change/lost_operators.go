package change

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// lostOperators finds the operator that --operator-namespace overlooks. The flag settles which of
// several operators counts, and names one that cannot be recognised. When it names a namespace in
// which no operator runs, and a pod that is labelled as one loses the cluster elsewhere, it is more
// likely a mistake, and one that nobody would notice at once.
func (x comparison) lostOperators(c *model.Cluster) []v1alpha1.Refusal {
	before, after := x.before, x.after
	if slices.ContainsFunc(before.Operators(), func(o model.Operator) bool { return !o.Assumed }) {
		return nil
	}
	status := before.Target(cnpg.StatusPort, c.Instances())
	lost := map[string]bool{}
	for _, p := range x.operators {
		for _, i := range before.Strangers(c, p) {
			pod := before.Pod(i)
			if before.HasOperator(pod.Namespace) {
				continue
			}
			if before.Reaches(p.Identity, status) == v1alpha1.VerdictAllowed && after.Reaches(p.Identity, status) == v1alpha1.VerdictDenied {
				lost[pod.Namespace] = true
			}
		}
	}
	var out []v1alpha1.Refusal
	for _, namespace := range slices.Sorted(maps.Keys(lost)) {
		out = append(out, v1alpha1.Refusal{
			Reason: v1alpha1.RefusalOperatorLost,
			Message: fmt.Sprintf(
				"no operator was seen where --operator-namespace says, and the one in namespace %q would be locked out: leave the flag out, or repeat it with that namespace", namespace),
		})
	}
	return out
}

func isOperator(labels map[string]string) bool {
	return labels[inventory.OperatorLabel] == inventory.OperatorLabelValue
}
