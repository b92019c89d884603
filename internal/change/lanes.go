package change

import (
	"cmp"
	"maps"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// lane are steps of a plan, in order, whose policies select pods that those of no other lane select: the pods of one
// cluster, or of a whole namespace.
type lane struct {
	subject types.NamespacedName
	steps   []Step
}

// lanes divides the steps of a plan that change something.
//
// Whether a pod may connect to another one is decided by the policies at the one and by those at the other, and so by one
// lane each. So what is allowed before a plan and after it is allowed at every moment in between if, and only if, it is
// allowed in the states in which all lanes have made their first n steps, for each n: who is denied something by a lane that
// has come so far is denied it whatever the other lanes have done. There are as many such states as the longest lane
// has steps, however many lanes there are.
func (plan Plan) lanes() []lane {
	wide := map[string]bool{}
	for _, s := range plan.Changing() {
		if clusterOf(s) == "" {
			wide[s.Policy.Namespace] = true
		}
	}
	at := map[types.NamespacedName]int{}
	var out []lane
	for _, s := range plan.Changing() {
		subject := types.NamespacedName{Namespace: s.Policy.Namespace}
		if !wide[s.Policy.Namespace] {
			subject.Name = clusterOf(s)
		}
		i, begun := at[subject]
		if !begun {
			i = len(out)
			at[subject], out = i, append(out, lane{subject: subject})
		}
		out[i].steps = append(out[i].steps, s)
	}
	return out
}

// clusterOf is the cluster whose pods alone the policy of a step selects, before and afterwards; empty when it may be others.
func clusterOf(s Step) string {
	var found []string
	for _, p := range []*ciliumv2.CiliumNetworkPolicy{s.Before, s.After} {
		if p != nil {
			found = append(found, clusterSelected(p))
		}
	}
	if len(found) == 0 || slices.ContainsFunc(found, func(name string) bool { return name != found[0] }) {
		return ""
	}
	return found[0]
}

// clusterSelected is the cluster whose pods alone a policy selects; empty when it may be others.
func clusterSelected(p *ciliumv2.CiliumNetworkPolicy) string {
	if p.Spec == nil || len(p.Specs) > 0 || p.Spec.EndpointSelector.LabelSelector == nil {
		return ""
	}
	return p.Spec.EndpointSelector.MatchLabels[cnpg.ClusterLabel]
}

// walk looks at the states that a plan leads through.
type walk struct {
	m        *model.Model
	policies []inventory.Policy
	lanes    []lane
	// wrong is what is wrong with the cluster then, in words, after the step.
	wrong func(then *model.Model, c *model.Cluster, after Step) []string
	// alone are the states of a lane when no other has begun.
	alone map[laneState]*model.Model
}

// laneState is a lane, by its place, that has made n steps.
type laneState struct{ lane, n int }

func (plan Plan) walk(m *model.Model, policies []inventory.Policy, wrong func(*model.Model, *model.Cluster, Step) []string) *walk {
	return &walk{m: m, policies: policies, lanes: plan.lanes(), wrong: wrong, alone: map[laneState]*model.Model{}}
}

// longest is the number of steps of the longest lane.
func (w *walk) longest() int {
	n := 0
	for _, l := range w.lanes {
		n = max(n, len(l.steps))
	}
	return n
}

// at is what is wrong when each lane has made n steps, or all that it has. Nothing wrong costs the look at one state.
func (w *walk) at(n int) ([]string, error) {
	then, err := w.after(n, w.lanes...)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, c := range w.m.Clusters() {
		if len(w.wrong(then, c, Step{})) == 0 {
			continue
		}
		found, err := w.blame(then, n, c)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// after is the world in which the lanes have made n steps, or all that they have, and the others none.
func (w *walk) after(n int, lanes ...lane) (*model.Model, error) {
	var steps []Step
	for _, l := range lanes {
		steps = append(steps, l.steps[:min(n, len(l.steps))]...)
	}
	return w.m.With(applied(w.policies, steps))
}

// blame says what is wrong with a cluster after the n-th step of a lane, and looks for the lane that does it: the cluster's
// own is the first that comes into question.
func (w *walk) blame(all *model.Model, n int, c *model.Cluster) ([]string, error) {
	order := make([]int, len(w.lanes))
	for i := range order {
		order[i] = i
	}
	order = slices.DeleteFunc(order, func(i int) bool { return n > len(w.lanes[i].steps) })
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(w.lanes[a].distance(c), w.lanes[b].distance(c)) })
	for _, i := range order {
		then, seen := w.alone[laneState{i, n}]
		if !seen {
			var err error
			if then, err = w.after(n, w.lanes[i]); err != nil {
				return nil, err
			}
			w.alone[laneState{i, n}] = then
		}
		if found := w.wrong(then, c, w.lanes[i].steps[n-1]); len(found) > 0 {
			return found, nil
		}
	}
	// No single one does it, which should not be; it is wrong all the same.
	return w.wrong(all, c, w.lanes[order[0]].steps[n-1]), nil
}

// distance is how far a lane is from a cluster: 0 when it is about its pods.
func (l lane) distance(c *model.Cluster) int {
	switch {
	case l.subject.Namespace != c.Object.Namespace:
		return 2
	case l.subject.Name != "" && l.subject.Name != c.Object.Name:
		return 1
	}
	return 0
}

// applied are the policies that there are after some steps, sorted.
func applied(policies []inventory.Policy, steps []Step) []inventory.Policy {
	changed := map[v1alpha1.PolicyReference]Step{}
	for _, s := range steps {
		if s.Action != v1alpha1.PolicyUnchanged {
			changed[s.Policy] = s
		}
	}
	out := slices.DeleteFunc(slices.Clone(policies), func(p inventory.Policy) bool {
		_, gone := changed[p.PolicyReference]
		return gone
	})
	for s := range maps.Values(changed) {
		if s.After != nil {
			out = append(out, inventory.Policy{
				PolicyReference: s.Policy, Object: s.After, Labels: s.After.Labels, Annotations: s.After.Annotations,
			})
		}
	}
	slices.SortFunc(out, func(a, b inventory.Policy) int { return a.Compare(b.PolicyReference) })
	return out
}
