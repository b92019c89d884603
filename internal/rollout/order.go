package rollout

import (
	"cmp"
	"fmt"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// CheckOrder walks every prefix of the plan with the engine and returns a sentence for each step
// after which a required flow is not allowed although it is before the plan and after it. With
// Cilium's default settings there is none (policyset.ApplyOrder); other settings and other
// policies can make one.
func CheckOrder(m *model.Model, policies []inventory.Policy, plan Plan) ([]string, error) {
	if len(plan.Changing()) < 2 {
		return nil, nil
	}
	last, err := m.With(plan.After(policies, len(plan.Steps)))
	if err != nil {
		return nil, err
	}
	var problems []string
	for n := 1; n < len(plan.Steps); n++ {
		if plan.Steps[n-1].Action == change.Unchanged {
			continue
		}
		then, err := m.With(plan.After(policies, n))
		if err != nil {
			return nil, err
		}
		for _, cluster := range m.Clusters() {
			for _, name := range interrupted(assess.RequiredFlows(m, cluster), assess.RequiredFlows(then, cluster), assess.RequiredFlows(last, cluster)) {
				problems = append(problems, fmt.Sprintf("after the step %q (%s), the flow %s of cluster %q would be interrupted until the next steps are done",
					plan.Steps[n-1].Policy.Name, plan.Steps[n-1].Action, name, cluster.Key().Name))
			}
		}
	}
	return problems, nil
}

// interrupted are the required flows that hold before and after, and not in between.
func interrupted(before, then, after []v1alpha1.RequiredFlow) []string {
	var out []string
	for i := range then {
		if then[i].Advisory || then[i].Verdict == v1alpha1.VerdictAllowed {
			continue
		}
		if before[i].Verdict == v1alpha1.VerdictAllowed && after[i].Verdict == v1alpha1.VerdictAllowed {
			out = append(out, then[i].Name)
		}
	}
	return out
}

func keyOf(p *ciliumv2.CiliumNetworkPolicy) types.NamespacedName {
	return types.NamespacedName{Namespace: p.Namespace, Name: p.Name}
}

func compareKeys(a, b types.NamespacedName) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
