package engine

import (
	"slices"

	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// AdmitsEveryPod tells whether every pod of the Kubernetes cluster reaches the target's port, whatever its namespace and
// labels. The identity of any pod stands for all where the rules that let it in look at neither, as those for
// the entity cluster.
func (e *Engine) AdmitsEveryPod(to, pod *Identity, port uint16) bool {
	if e.Decide(pod, to, port).Ingress.Verdict != v1alpha1.VerdictAllowed {
		return false
	}
	var every bool
	// An error is about the settings; asking for verdicts will meet it again.
	_ = withAgent(e.settings, func() { every = e.admitsAlike(to, pod) })
	return every
}

// admitsAlike tells whether all rules for the target's ingress that select the pod select every pod.
func (e *Engine) admitsAlike(to, pod *Identity) bool {
	keys := map[string]bool{}
	for _, entity := range []api.Entity{api.EntityCluster, api.EntityAll} {
		for _, s := range api.EntitySelectorMapping[entity] {
			keys[types.NewLabelSelector(s).Key()] = true
		}
	}
	alike := func(s types.Selector) bool { return s.IsWildcard() || keys[s.Key()] }
	for _, index := range e.candidates(to) {
		for r := range e.policies[index].entries {
			rule := &e.policies[index].entries[r]
			switch {
			case !rule.Ingress || !rule.selects(to):
			case rule.IsDeny() || rule.unsure != "":
				return false
			case len(rule.L3) > 0 && slices.ContainsFunc(rule.L3, func(s types.Selector) bool { return s.Matches(pod.id.LabelArray) }) && !slices.ContainsFunc(rule.L3, alike):
				return false
			}
		}
	}
	return len(e.subject(to).ingress.unreadable) == 0
}
