package change

import (
	"fmt"
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
	if slices.ContainsFunc(x.before.Operators(), func(o model.Operator) bool { return !o.Assumed }) {
		return nil
	}
	var out []v1alpha1.Refusal
	for _, namespace := range slices.DeleteFunc(x.shutOut(c, x.operators, x.before.Target(cnpg.StatusPort, c.Instances())), x.before.HasOperator) {
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
