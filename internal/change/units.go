package change

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// Units are the parts of a plan that stand each by itself: one for each cluster, and one for those that have a policy in
// common. The order within each stays.
func (plan Plan) Units() []Plan {
	// first is, of each cluster, one that it is joined with, until one that is joined with none.
	first := map[types.NamespacedName]types.NamespacedName{}
	of := func(c types.NamespacedName) types.NamespacedName {
		for first[c] != c {
			first[c] = first[first[c]]
			c = first[c]
		}
		return c
	}
	for _, s := range plan.Steps {
		for _, c := range s.Clusters {
			if _, known := first[c]; !known {
				first[c] = c
			}
			first[of(c)] = of(s.Clusters[0])
		}
	}
	at := map[types.NamespacedName]int{}
	var out []Plan
	for _, s := range plan.Steps {
		if len(s.Clusters) == 0 {
			out = append(out, Plan{Steps: []Step{s}})
			continue
		}
		unit := of(s.Clusters[0])
		i, begun := at[unit]
		if !begun {
			i = len(out)
			at[unit], out = i, append(out, Plan{})
		}
		out[i].Steps = append(out[i].Steps, s)
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
	previews := map[types.NamespacedName]int{}
	for i, preview := range p.Previews {
		previews[keyOfCluster(preview)] = i
	}
	for _, plan := range p.Plan.Units() {
		one := Proposal{Plan: plan, remaining: p.remaining}
		var places []int
		for c := range plan.byCluster() {
			if i, asked := previews[c]; asked {
				places = append(places, i)
			}
		}
		slices.Sort(places)
		for _, i := range places {
			one.Previews = append(one.Previews, p.Previews[i])
		}
		out = append(out, one)
	}
	return out
}
