package change

import (
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Step is one change of one policy. It has both states, so that it can be turned round.
type Step struct {
	Action v1alpha1.PolicyAction
	Policy v1alpha1.PolicyReference
	// Why says what the policy is for, in a few words: "operator and peers".
	Why string
	// Clusters are those for whose sake it happens; the shared default deny has several.
	Clusters []types.NamespacedName
	// Before is the policy as it is, nil when there is none. With a UID it was seen on the server, and
	// only this very object is changed; without one it is what was asked for, and is looked up first.
	Before *ciliumv2.CiliumNetworkPolicy
	// After is the policy as it shall be, nil when it is deleted. In a journal, it is what the server
	// has made of it.
	After *ciliumv2.CiliumNetworkPolicy
	// Takeover is true when Before is somebody else's, which only --force overwrites.
	Takeover bool
	// Restore is true when After once was there and is put back exactly, what belongs to other field
	// managers included. Otherwise it is applied, which leaves alone what is theirs.
	Restore bool
	// Unanswered is true when the server was asked for the step and its answer never came: Before or
	// After is there.
	Unanswered bool
}

// Reverse is the step that leads back.
func (s Step) Reverse() Step {
	switch s.Action {
	case v1alpha1.PolicyCreate:
		s.Action = v1alpha1.PolicyDelete
	case v1alpha1.PolicyDelete:
		s.Action = v1alpha1.PolicyCreate
	case v1alpha1.PolicyUpdate, v1alpha1.PolicyUnchanged:
	}
	s.Before, s.After = s.After, s.Before
	s.Restore = !s.Restore
	return s
}

// IsDefaultDeny tells whether the policy that the step leaves is a default deny of lockdown's: what bears it
// has to be in force before.
func (s Step) IsDefaultDeny() bool {
	return s.After != nil && policyset.Role(s.After.Labels[policyset.LabelPolicy]).Denies()
}

// Reverse is the plan that undoes the first done steps of this one, the last of them first: what made
// another step bearable goes after it. Policies that were not changed are not in it.
func (plan Plan) Reverse(done int) Plan {
	var out Plan
	for _, s := range slices.Backward(plan.Steps[:done]) {
		if s.Action != v1alpha1.PolicyUnchanged {
			out.Steps = append(out.Steps, s.Reverse())
		}
	}
	return out
}
