package change_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// walk follows a plan step by step and asks the engine after each of them.
func walk(t *testing.T, m *model.Model, policies []inventory.Policy, plan change.Plan) []inventory.Policy {
	t.Helper()
	for n := range len(plan.Steps) + 1 {
		then, err := m.With(plan.After(policies, n))
		if err != nil {
			t.Fatal(err)
		}
		expectFlows(t, then, fmt.Sprintf("after %d of %q", n, fixture.Steps(plan)))
	}
	problems, err := change.CheckOrder(m, policies, plan)
	if err != nil || len(problems) > 0 {
		t.Errorf("%q: %q, %v", fixture.Steps(plan), problems, err)
	}
	return after(policies, plan)
}

// Wherever an apply or a removal is interrupted, operator, peers and poolers are connected. That holds
// for every combination of client flags, for both scopes, and for an agent whose option
// enable-non-default-deny-policies is off: every policy brings default deny there.
func TestEveryPrefixKeepsWhatTheClusterNeeds(t *testing.T) {
	for _, nonDefaultDeny := range []bool{true, false} {
		for _, scope := range []policyset.Scope{policyset.ScopeCluster, policyset.ScopeNamespace} {
			t.Run(fmt.Sprintf("scope %s, enable-non-default-deny-policies %v", scope, nonDefaultDeny), func(t *testing.T) {
				inv := fixture.Load(t, fixture.Recording("live-open"))
				inv.Settings.NonDefaultDeny = nonDefaultDeny
				m := newModel(t, inv)
				expectFlows(t, m, "before")
				for bits := range 1 << len(fixture.ClientFlags()) {
					flags := fixture.Combination(bits, scope)
					locked := walk(t, m, inv.Policies, fixture.Lockdown(t, inv.Policies, fixture.Options(t, example, flags)))
					if left := walk(t, m, locked, change.Unlock(locked, []types.NamespacedName{example})); len(left) != len(inv.Policies) {
						t.Errorf("%+v: unlock leaves %d policies", flags, len(left))
					}
				}
			})
		}
	}
}

// The same holds on the way from any set to any other, here from each flag to each, in both scopes.
func TestEveryPrefixOfAConvergence(t *testing.T) {
	var sets []policyset.FlagValues
	for _, scope := range []policyset.Scope{policyset.ScopeCluster, policyset.ScopeNamespace} {
		sets = append(sets, fixture.Combination(0, scope))
		for i := range fixture.ClientFlags() {
			sets = append(sets, fixture.Combination(1<<i, scope))
		}
	}
	for _, nonDefaultDeny := range []bool{true, false} {
		t.Run(fmt.Sprintf("enable-non-default-deny-policies %v", nonDefaultDeny), func(t *testing.T) {
			inv := fixture.Load(t, fixture.Recording("live-open"))
			inv.Settings.NonDefaultDeny = nonDefaultDeny
			m := newModel(t, inv)
			for i, from := range sets {
				policies := after(inv.Policies, fixture.Lockdown(t, inv.Policies, fixture.Options(t, example, from)))
				for j, to := range sets {
					if i != j {
						walk(t, m, policies, fixture.Lockdown(t, policies, fixture.Options(t, example, to)))
					}
				}
			}
		})
	}
}

// An order that would interrupt a flow is found, and so is the step at which it happens.
func TestCheckOrderFindsAnInterruption(t *testing.T) {
	inv := fixture.Load(t, fixture.Recording("live-open"))
	m := newModel(t, inv)
	plan := fixture.Lockdown(t, inv.Policies, fixture.Options(t, example, policyset.FlagValues{}))
	slices.Reverse(plan.Steps)
	problems, err := change.CheckOrder(m, inv.Policies, plan)
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) != 4 {
		t.Fatalf("%d problems, want one for each required flow: %q", len(problems), problems)
	}
	for _, p := range problems {
		if p.Reason != v1alpha1.RefusalFlowInterrupted || !strings.Contains(p.Message, `after the step "cluster-example-default-deny" (create)`) {
			t.Errorf("%+v does not name the step", p)
		}
	}
}

// A plan that breaks a flow for good has no step to blame: that is the preview's business.
func TestCheckOrderIsSilentWhenTheEndIsBroken(t *testing.T) {
	inv := fixture.Load(t, fixture.Recording("live-open"))
	plan := fixture.Lockdown(t, inv.Policies, fixture.Options(t, example, policyset.FlagValues{OperatorOnly: true}))
	problems, err := change.CheckOrder(newModel(t, inv), inv.Policies, plan)
	if err != nil || len(problems) > 0 {
		t.Errorf("%q, %v", problems, err)
	}
}

// Where every policy brings default deny, a client policy before internal-access cuts off operator
// and peers; elsewhere it does not matter which of the two comes first.
func TestAllowsAreInOrderToo(t *testing.T) {
	for _, nonDefaultDeny := range []bool{true, false} {
		inv := fixture.Load(t, fixture.Recording("live-open"))
		inv.Settings.NonDefaultDeny = nonDefaultDeny
		plan := fixture.Lockdown(t, inv.Policies, fixture.Options(t, example, policyset.FlagValues{Allow: []string{"--allow-pods=role=backend"}}))
		plan.Steps[0], plan.Steps[1] = plan.Steps[1], plan.Steps[0]
		problems, err := change.CheckOrder(newModel(t, inv), inv.Policies, plan)
		if err != nil || (len(problems) == 0) != nonDefaultDeny {
			t.Errorf("enable-non-default-deny-policies %v: %q, %v", nonDefaultDeny, problems, err)
		}
	}
}
