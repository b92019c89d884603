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

// CheckOrder looks with the engine at every state that the plan leads through, and returns a refusal for each step after
// which a required flow is not allowed although it is before the plan and after it. With Cilium's default settings there is
// none (policyset.ApplyOrder); other settings and other policies can make one. It takes as long as the plan of one cluster
// is, times the number of clusters: see lanes.
func CheckOrder(m *model.Model, policies []inventory.Policy, plan Plan) ([]v1alpha1.Refusal, error) {
	if len(plan.Changing()) < 2 {
		return nil, nil
	}
	var problems []v1alpha1.Refusal
	for _, namespace := range plan.operatorsOf() {
		found, err := checkOperatorOrder(m, policies, plan, namespace)
		if err != nil {
			return nil, err
		}
		problems = append(problems, found...)
	}
	last, err := m.With(plan.After(policies, len(plan.Steps)))
	if err != nil {
		return nil, err
	}
	stays := map[types.NamespacedName]map[v1alpha1.FlowKey]bool{}
	for _, c := range m.Clusters() {
		stays[c.Key()] = allowedIn(assess.RequiredFlows(m, c), assess.RequiredFlows(last, c))
	}
	w := plan.walk(m, policies, func(then *model.Model, c *model.Cluster, after Step) []string {
		var out []string
		for _, f := range assess.RequiredFlows(then, c) {
			if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed && stays[c.Key()][f.Key()] {
				out = append(out, fmt.Sprintf("after the step %q (%s), the flow %s of cluster %q would be interrupted until the next steps are done",
					after.Policy.Name, after.Action, f.Name, c.Object.Name))
			}
		}
		return out
	})
	if fine, err := w.fine(false); err != nil || fine {
		return problems, err
	}
	// When the longest lane has made its last step, everything is done.
	for n := 1; n < w.longest(); n++ {
		found, err := w.at(n)
		if err != nil {
			return nil, err
		}
		for _, message := range found {
			problems = append(problems, v1alpha1.Refusal{Reason: v1alpha1.RefusalFlowInterrupted, Message: message})
		}
	}
	return problems, nil
}

// allowedIn are the flows that are allowed on both sides.
func allowedIn(before, after []v1alpha1.RequiredFlow) map[v1alpha1.FlowKey]bool {
	was, is, out := v1alpha1.Verdicts(before), v1alpha1.Verdicts(after), map[v1alpha1.FlowKey]bool{}
	for key, verdict := range was {
		out[key] = verdict == v1alpha1.VerdictAllowed && is[key] == v1alpha1.VerdictAllowed
	}
	return out
}

func keyOf(p *ciliumv2.CiliumNetworkPolicy) types.NamespacedName {
	return types.NamespacedName{Namespace: p.Namespace, Name: p.Name}
}

func compareKeys(a, b types.NamespacedName) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
