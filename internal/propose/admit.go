package propose

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Planned is the model in which the set of the options is in the place of what is managed for its cluster now.
func Planned(m *model.Model, o policyset.Options) (*model.Model, error) {
	policies, err := policyset.Build(o)
	if err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(slices.Clone(m.Inventory().Policies), func(p inventory.Policy) bool {
		return p.Kind == v1alpha1.CiliumNetworkPolicy && p.Namespace == o.Cluster.Namespace && policyset.IsManaged(p.Labels, o.Cluster.Name)
	})
	return with(m, kept, policies)
}

// Admit is the options with one more grant, if needed, that lets in the source of a question and the fewest
// others. The question is put to the model that the options plan. False where no grant does, but one for
// everybody in the Kubernetes cluster.
func Admit(q *explain.Question, o policyset.Options) (policyset.Options, bool, error) {
	best, err := bestCommand(q, o)
	if err != nil || best == nil || best.everybody {
		return o, false, err
	}
	return best.options, true, nil
}
