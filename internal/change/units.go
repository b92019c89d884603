package change

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Units are the parts of a plan that stand each by itself: one for each cluster, and one for those that have a policy in
// common. The order within each stays.
func (plan Plan) Units() []Plan {
	type unit struct {
		clusters map[types.NamespacedName]bool
		// steps are the places of its steps in the plan.
		steps []int
	}
	var units []unit
	for i, s := range plan.Steps {
		joined := unit{clusters: map[types.NamespacedName]bool{}, steps: []int{i}}
		for _, c := range s.Clusters {
			joined.clusters[c] = true
		}
		units = slices.DeleteFunc(units, func(u unit) bool {
			if !slices.ContainsFunc(s.Clusters, func(c types.NamespacedName) bool { return u.clusters[c] }) {
				return false
			}
			for c := range u.clusters {
				joined.clusters[c] = true
			}
			joined.steps = append(joined.steps, u.steps...)
			return true
		})
		slices.Sort(joined.steps)
		units = append(units, joined)
	}
	slices.SortFunc(units, func(a, b unit) int { return cmp.Compare(a.steps[0], b.steps[0]) })
	out := make([]Plan, len(units))
	for i, u := range units {
		for _, at := range u.steps {
			out[i].Steps = append(out[i].Steps, plan.Steps[at])
		}
	}
	return out
}

// InUnits is the plan with its units one after the other, as they are carried out.
func (plan Plan) InUnits() Plan {
	var steps []Step
	for _, unit := range plan.Units() {
		steps = append(steps, unit.Steps...)
	}
	plan.Steps = steps
	return plan
}

// Units are the proposal's parts that stand each by itself, as those of its plan.
func (p Proposal) Units() []Proposal {
	var out []Proposal
	for _, plan := range p.Plan.Units() {
		one := Proposal{Plan: plan, remaining: p.remaining}
		one.Previews = slices.DeleteFunc(slices.Clone(p.Previews), func(preview v1alpha1.ChangePreview) bool {
			return len(plan.For(keyOfCluster(preview))) == 0
		})
		out = append(out, one)
	}
	return out
}
