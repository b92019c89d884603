package change

import (
	"cmp"
	"fmt"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// CheckOrder walks every prefix of the plan with the engine and returns a refusal for each step
// after which a required flow is not allowed although it is before the plan and after it. With
// Cilium's default settings there is none (policyset.ApplyOrder); other settings and other
// policies can make one.
func CheckOrder(m *model.Model, policies []inventory.Policy, plan Plan) ([]v1alpha1.Refusal, error) {
	if len(plan.Changing()) < 2 {
		return nil, nil
	}
	last, err := m.With(plan.After(policies, len(plan.Steps)))
	if err != nil {
		return nil, err
	}
	var problems []v1alpha1.Refusal
	for n := 1; n < len(plan.Steps); n++ {
		step := plan.Steps[n-1]
		if step.Action == v1alpha1.PolicyUnchanged {
			continue
		}
		then, err := m.With(plan.After(policies, n))
		if err != nil {
			return nil, err
		}
		for _, c := range m.Clusters() {
			for _, name := range interrupted(assess.RequiredFlows(m, c), assess.RequiredFlows(then, c), assess.RequiredFlows(last, c)) {
				problems = append(problems, v1alpha1.Refusal{
					Reason: v1alpha1.RefusalFlowInterrupted,
					Message: fmt.Sprintf("after the step %q (%s), the flow %s of cluster %q would be interrupted until the next steps are done",
						step.Policy.Name, step.Action, name, c.Object.Name),
				})
			}
		}
	}
	return problems, nil
}

// interrupted are the required flows that hold before and after, and not in between.
func interrupted(before, then, after []v1alpha1.RequiredFlow) []string {
	was, is := v1alpha1.Verdicts(before), v1alpha1.Verdicts(after)
	var out []string
	for _, f := range then {
		if f.Advisory || f.Verdict == v1alpha1.VerdictAllowed {
			continue
		}
		if was[f.Key()] == v1alpha1.VerdictAllowed && is[f.Key()] == v1alpha1.VerdictAllowed {
			out = append(out, f.Name)
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
