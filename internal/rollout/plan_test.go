package rollout

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// orders and stock are two clusters of one namespace.
var (
	orders = types.NamespacedName{Namespace: "shop", Name: "orders"}
	stock  = types.NamespacedName{Namespace: "shop", Name: "stock"}
)

func flags(change ...func(*policyset.FlagValues)) policyset.FlagValues {
	var v policyset.FlagValues
	for _, c := range change {
		c(&v)
	}
	return v
}

func backends(v *policyset.FlagValues)       { v.Allow = append(v.Allow, "--allow-pods=role=backend") }
func metrics(v *policyset.FlagValues)        { v.Allow = append(v.Allow, "--allow-metrics=monitoring") }
func wholeNamespace(v *policyset.FlagValues) { v.Scope = string(policyset.ScopeNamespace) }

// locked are the policies after a lockdown of an empty namespace.
func locked(t *testing.T, o ...policyset.Options) []inventory.Policy {
	t.Helper()
	return after(nil, lockdown(t, nil, o...))
}

// namesake is a live policy that has the name of orders' default deny and these labels, and does
// something else.
func namesake(labels map[string]string) inventory.Policy {
	const name = "orders-default-deny"
	object := &ciliumv2.CiliumNetworkPolicy{}
	object.Namespace, object.Name, object.Labels = "shop", name, labels
	return inventory.Policy{
		PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: "shop", Name: name},
		Object:          object, Labels: labels,
	}
}

func TestLockdownCreatesTheSetInASafeOrder(t *testing.T) {
	plan := lockdown(t, nil, options(t, orders, flags(backends, metrics)))
	expectSteps(t, plan,
		"create orders-internal-access", "create orders-postgres-access-role-backend",
		"create orders-metrics-access-monitoring", "create orders-default-deny")
	if len(plan.Changing()) != 4 || len(plan.Conflicts) != 0 || len(plan.settled()) != 0 {
		t.Errorf("%d changing, conflicts %q, %d settled", len(plan.Changing()), plan.Conflicts, len(plan.settled()))
	}
}

func TestTheSameAgainChangesNothing(t *testing.T) {
	o := options(t, orders, flags(backends))
	plan := lockdown(t, locked(t, o), o)
	expectSteps(t, plan, "unchanged orders-internal-access", "unchanged orders-postgres-access-role-backend", "unchanged orders-default-deny")
	if len(plan.Changing()) != 0 || len(plan.settled()) != 3 {
		t.Errorf("%d changing, %d settled", len(plan.Changing()), len(plan.settled()))
	}
}

// What is not asked for any more goes last, when what replaces it is there.
func TestOtherFlagsConverge(t *testing.T) {
	plan := lockdown(t, locked(t, options(t, orders, flags(backends))), options(t, orders, flags(metrics)))
	expectSteps(t, plan,
		"unchanged orders-internal-access", "create orders-metrics-access-monitoring", "unchanged orders-default-deny",
		"delete orders-postgres-access-role-backend")
	operatorOnly := lockdown(t, locked(t, options(t, orders, flags())), options(t, orders, policyset.FlagValues{OperatorOnly: true}))
	expectSteps(t, operatorOnly,
		"create orders-operator-access", "unchanged orders-default-deny", "delete orders-internal-access")
}

// A part of the set, as an interrupted run leaves it, is completed to the same end state.
func TestEveryInterruptedRunIsCompleted(t *testing.T) {
	for _, v := range []policyset.FlagValues{flags(backends, metrics), flags(backends, wholeNamespace)} {
		o := options(t, orders, v)
		plan := lockdown(t, nil, o)
		want := after(nil, plan)
		for n := range plan.Steps {
			rest := plan.After(nil, n)
			again := lockdown(t, rest, o)
			if got := after(rest, again); !sameNames(got, want) || len(again.settled()) != n {
				t.Errorf("after %d steps, %q leads to %v, want %v", n, steps(again), names(got), names(want))
			}
			if left := after(rest, Unlock(rest, []types.NamespacedName{orders})); len(left) != 0 {
				t.Errorf("after %d steps, unlock leaves %v", n, names(left))
			}
		}
	}
}

func TestWhatSomebodyChangedIsUpdated(t *testing.T) {
	o := options(t, orders, flags())
	policies := locked(t, o)
	changed := policies[slices.IndexFunc(policies, func(p inventory.Policy) bool { return p.Name == "orders-internal-access" })]
	changed.Object.(*ciliumv2.CiliumNetworkPolicy).Spec.Ingress[0].ToPorts = nil
	plan := lockdown(t, policies, o)
	expectSteps(t, plan, "update orders-internal-access", "unchanged orders-default-deny")
	if c := plan.Steps[0]; c.Takeover || c.Before == nil || c.After == nil {
		t.Errorf("takeover %v, live %v, desired %v", c.Takeover, c.Before, c.After)
	}
}

func TestConflicts(t *testing.T) {
	ours := map[string]string{
		policyset.LabelManagedBy: policyset.FieldManager, policyset.LabelCluster: "orders", policyset.LabelPolicy: "default-deny",
	}
	without := func(key string) map[string]string {
		labels := map[string]string{}
		for k, v := range ours {
			if k != key {
				labels[k] = v
			}
		}
		return labels
	}
	other := without("")
	other[policyset.LabelCluster] = "stock"
	for name, tc := range map[string]struct {
		labels   map[string]string
		conflict bool
	}{
		"ours":                   {ours, false},
		"no labels":              {nil, true},
		"no managed-by":          {without(policyset.LabelManagedBy), true},
		"no cluster":             {without(policyset.LabelCluster), true},
		"no role":                {without(policyset.LabelPolicy), true},
		"ours, of other cluster": {other, true},
	} {
		t.Run(name, func(t *testing.T) {
			plan := lockdown(t, []inventory.Policy{namesake(tc.labels)}, options(t, orders, flags()))
			expectSteps(t, plan, "create orders-internal-access", "update orders-default-deny")
			if plan.Steps[1].Takeover != tc.conflict || (len(plan.Conflicts) > 0) != tc.conflict {
				t.Errorf("takeover %v, conflicts %q", plan.Steps[1].Takeover, plan.Conflicts)
			}
			if tc.conflict && !strings.Contains(plan.Conflicts[0], `"orders-default-deny" exists in namespace "shop"`) {
				t.Errorf("conflict %q", plan.Conflicts[0])
			}
		})
	}
}

// A policy that cannot be read is there all the same: it is in the way by its name.
func TestAnUnreadablePolicyIsInTheWay(t *testing.T) {
	p := namesake(nil)
	p.Object = nil
	if plan := lockdown(t, []inventory.Policy{p}, options(t, orders, flags())); len(plan.Conflicts) != 1 {
		t.Errorf("conflicts %q", plan.Conflicts)
	}
}

// Names of other namespaces and kinds are nobody's conflict, and not removed.
func TestOthersAreLeftAlone(t *testing.T) {
	elsewhere := namesake(map[string]string{
		policyset.LabelManagedBy: policyset.FieldManager, policyset.LabelCluster: "orders", policyset.LabelPolicy: "default-deny",
	})
	elsewhere.Object.(*ciliumv2.CiliumNetworkPolicy).Namespace, elsewhere.Namespace = "other", "other"
	wide := namesake(nil)
	wide.Kind, wide.Namespace = v1alpha1.CiliumClusterwideNetworkPolicy, ""
	others := []inventory.Policy{elsewhere, wide}
	plan := lockdown(t, others, options(t, orders, flags()))
	expectSteps(t, plan, "create orders-internal-access", "create orders-default-deny")
	policies := after(others, plan)
	removal := Unlock(policies, []types.NamespacedName{orders})
	expectSteps(t, removal, "delete orders-default-deny", "delete orders-internal-access")
	if left := after(policies, removal); len(left) != 2 {
		t.Errorf("left: %v", names(left))
	}
}

// The shared default deny is one object with one mark for each cluster, whoever comes and goes first.
func TestTheSharedDefaultDeny(t *testing.T) {
	forOrders, forStock := options(t, orders, flags(wholeNamespace)), options(t, stock, flags(wholeNamespace))
	together := lockdown(t, nil, forOrders, forStock)
	expectSteps(t, together, "create orders-internal-access", "create stock-internal-access", "create default-deny")
	both := after(nil, together)
	if got := together.Steps[2].Clusters; !slices.Equal(got, []types.NamespacedName{orders, stock}) {
		t.Errorf("default-deny belongs to %v", got)
	}

	one := locked(t, forStock)
	joined := lockdown(t, one, forOrders)
	expectSteps(t, joined, "create orders-internal-access", "update default-deny")
	if got := after(one, joined); !sameNames(got, both) || !slices.Equal(users(got), []string{"orders", "stock"}) {
		t.Errorf("one after the other: %v, used by %v", names(got), users(got))
	}
	expectSteps(t, lockdown(t, both, forOrders), "unchanged orders-internal-access", "unchanged default-deny")

	removal := Unlock(both, []types.NamespacedName{orders})
	expectSteps(t, removal, "update default-deny", "delete orders-internal-access")
	rest := after(both, removal)
	if !slices.Equal(users(rest), []string{"stock"}) {
		t.Errorf("used by %v", users(rest))
	}
	expectSteps(t, Unlock(rest, []types.NamespacedName{stock}), "delete default-deny", "delete stock-internal-access")
	expectSteps(t, Unlock(both, []types.NamespacedName{stock, orders}),
		"delete default-deny", "delete stock-internal-access", "delete orders-internal-access")
}

// From the wide scope to the narrow one, there is no moment without default deny.
func TestAnotherScope(t *testing.T) {
	wide := locked(t, options(t, orders, flags(wholeNamespace)))
	expectSteps(t, lockdown(t, wide, options(t, orders, flags())),
		"update orders-internal-access", "create orders-default-deny", "delete default-deny")
}

// Each cluster of a run is shown the steps that concern it.
func TestTheStepsOfOneCluster(t *testing.T) {
	plan := lockdown(t, nil, options(t, orders, flags(wholeNamespace)), options(t, stock, flags(wholeNamespace)))
	var got []string
	for _, s := range plan.For(stock) {
		if s.Action != change.Create {
			t.Errorf("%s is %s", s.Policy.Name, s.Action)
		}
		got = append(got, s.Policy.Name)
	}
	if want := []string{"stock-internal-access", "default-deny"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Options that no sound set can be made from name their cluster.
func TestLockdownWithoutAnOperator(t *testing.T) {
	o := options(t, orders, flags())
	o.DetectedOperatorNamespaces = nil
	if _, err := Lockdown(nil, []policyset.Options{o}); err == nil || !strings.Contains(err.Error(), `cluster "orders"`) {
		t.Errorf("error %v", err)
	}
}

func names(policies []inventory.Policy) []string {
	out := make([]string, len(policies))
	for i, p := range policies {
		out[i] = p.Name
	}
	return out
}

func sameNames(a, b []inventory.Policy) bool { return slices.Equal(names(a), names(b)) }

// users are the clusters that have their mark on the shared default deny.
func users(policies []inventory.Policy) []string {
	for _, p := range policies {
		if p.Name == policyset.SharedDefaultDenyName {
			return policyset.Users(p.Labels)
		}
	}
	return nil
}
