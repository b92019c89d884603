package change

import (
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Grant plans the policies of a grant. It only lets in.
func Grant(policies []inventory.Policy, g policyset.Granted) (Plan, error) {
	set, err := policyset.BuildGranted(g)
	if err != nil {
		return Plan{}, err
	}
	live := index(policies)
	var plan Plan
	for _, p := range set {
		plan.apply(p, live[keyOf(p.Object)], []types.NamespacedName{g.Options.Cluster})
	}
	return plan, nil
}

// Revoke plans the removal of a cluster's grants, or of the one that ends with the timer of this name.
func Revoke(policies []inventory.Policy, cluster types.NamespacedName, timer string) Plan {
	granted := slices.DeleteFunc(slices.Clone(policies), func(p inventory.Policy) bool {
		object, ok := p.Object.(*ciliumv2.CiliumNetworkPolicy)
		if !ok || p.Kind != v1alpha1.CiliumNetworkPolicy || !policyset.IsGranted(p.Labels) {
			return true
		}
		timed, _ := policyset.TimerOf(object)
		return timer != "" && timed.Name != timer
	})
	return Unlock(granted, []types.NamespacedName{cluster})
}
