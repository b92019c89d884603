package engine

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Selection is a policy that selects an identity, and what it does to each direction.
type Selection struct {
	// Policy is the index of the policy in Policies.
	Policy          int
	Ingress, Egress v1alpha1.Effect
	// DeniesIngress is true when one of the rules denies somebody, whatever others allow.
	DeniesIngress bool
}

// Policies are the engine's policies, in the order in which they came.
func (e *Engine) Policies() []Policy { return e.policies }

// Selections are the policies that select the identity, in the order of Policies. They do not
// depend on whether the agent enforces policies at all. The slice is the engine's own.
func (e *Engine) Selections(i *Identity) []Selection { return e.selected(i).selections }

// Selects tells whether a policy selects the identity.
func (e *Engine) Selects(of v1alpha1.PolicyReference, i *Identity) bool {
	return e.selected(i).policies[of]
}

// selected are the policies that select an identity.
type selected struct {
	selections []Selection
	policies   map[v1alpha1.PolicyReference]bool
}

func (e *Engine) selected(i *Identity) selected {
	if known, ok := e.selections.Load(i); ok {
		if found, ok := known.(selected); ok {
			return found
		}
	}
	found := selected{e.selectionsOf(i), map[v1alpha1.PolicyReference]bool{}}
	for _, s := range found.selections {
		found.policies[e.policies[s.Policy].PolicyReference] = true
	}
	e.selections.Store(i, found)
	return found
}

func (e *Engine) selectionsOf(i *Identity) []Selection {
	var out []Selection
	for _, index := range e.candidates(i) {
		s := Selection{Policy: index, Ingress: v1alpha1.EffectNone, Egress: v1alpha1.EffectNone}
		for r := range e.policies[index].entries {
			rule := &e.policies[index].entries[r]
			if !rule.selects(i) {
				continue
			}
			effect := &s.Egress
			if rule.Ingress {
				effect = &s.Ingress
				s.DeniesIngress = s.DeniesIngress || rule.IsDeny()
			}
			if rule.DefaultDeny {
				*effect = v1alpha1.EffectDefaultDeny
			} else if *effect == v1alpha1.EffectNone {
				*effect = v1alpha1.EffectRulesOnly
			}
		}
		if s.Ingress != v1alpha1.EffectNone || s.Egress != v1alpha1.EffectNone {
			out = append(out, s)
		}
	}
	return out
}

// DefaultDeny tells for each direction whether what no rule allows is denied at the identity. It is
// what holds in the data path: with enable-policy: never nothing is denied.
func (e *Engine) DefaultDeny(i *Identity) (ingress, egress bool) {
	switch enforcementMode(e.settings) {
	case "never":
		return false, false
	case "always":
		return true, true
	}
	for _, s := range e.Selections(i) {
		ingress = ingress || s.Ingress == v1alpha1.EffectDefaultDeny
		egress = egress || s.Egress == v1alpha1.EffectDefaultDeny
	}
	return ingress, egress
}
