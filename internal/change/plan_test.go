package change_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// orders and stock are two clusters of one namespace.
var (
	orders = types.NamespacedName{Namespace: "shop", Name: "orders"}
	stock  = types.NamespacedName{Namespace: "shop", Name: "stock"}
)

// locked are the policies after a lockdown of an empty namespace.
func locked(t *testing.T, o ...policyset.Options) []inventory.Policy {
	t.Helper()
	return after(nil, fixture.Lockdown(t, nil, o...))
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
	plan := fixture.Lockdown(t, nil, fixture.Options(t, orders, fixture.Flags(fixture.Backends, fixture.Metrics)))
	expectSteps(t, plan,
		"create orders-internal-access", "create orders-postgres-access-role-backend",
		"create orders-metrics-access-monitoring", "create orders-default-deny")
	if len(plan.Changing()) != 4 || len(plan.Conflicts) != 0 || len(plan.Settled()) != 0 {
		t.Errorf("%d changing, conflicts %q, %d settled", len(plan.Changing()), plan.Conflicts, len(plan.Settled()))
	}
}

func TestTheSameAgainChangesNothing(t *testing.T) {
	o := fixture.Options(t, orders, fixture.Flags(fixture.Backends))
	plan := fixture.Lockdown(t, locked(t, o), o)
	expectSteps(t, plan, "unchanged orders-internal-access", "unchanged orders-postgres-access-role-backend", "unchanged orders-default-deny")
	if len(plan.Changing()) != 0 || len(plan.Settled()) != 3 {
		t.Errorf("%d changing, %d settled", len(plan.Changing()), len(plan.Settled()))
	}
}

// What is not asked for any more goes last, when what replaces it is there.
func TestOtherFlagsConverge(t *testing.T) {
	plan := fixture.Lockdown(t, locked(t, fixture.Options(t, orders, fixture.Flags(fixture.Backends))), fixture.Options(t, orders, fixture.Flags(fixture.Metrics)))
	expectSteps(t, plan,
		"update orders-internal-access", "create orders-metrics-access-monitoring", "update orders-default-deny",
		"delete orders-postgres-access-role-backend")
	operatorOnly := fixture.Lockdown(t, locked(t, fixture.Options(t, orders, fixture.Flags())), fixture.Options(t, orders, policyset.FlagValues{OperatorOnly: true}))
	expectSteps(t, operatorOnly,
		"create orders-operator-access", "update orders-default-deny", "delete orders-internal-access")
}

// A part of the set, as an interrupted run leaves it, is completed to the same end state.
func TestEveryInterruptedRunIsCompleted(t *testing.T) {
	for _, v := range []policyset.FlagValues{fixture.Flags(fixture.Backends, fixture.Metrics), fixture.Flags(fixture.Backends, fixture.WholeNamespace)} {
		o := fixture.Options(t, orders, v)
		plan := fixture.Lockdown(t, nil, o)
		want := after(nil, plan)
		for n := range plan.Steps {
			rest := plan.After(nil, n)
			again := fixture.Lockdown(t, rest, o)
			if got := after(rest, again); !sameNames(got, want) || len(again.Settled()) != n {
				t.Errorf("after %d steps, %q leads to %v, want %v", n, fixture.Steps(again), names(got), names(want))
			}
			if left := after(rest, change.Unlock(rest, []types.NamespacedName{orders})); len(left) != 0 {
				t.Errorf("after %d steps, unlock leaves %v", n, names(left))
			}
		}
	}
}

func TestWhatSomebodyChangedIsUpdated(t *testing.T) {
	o := fixture.Options(t, orders, fixture.Flags())
	policies := locked(t, o)
	changed := policies[slices.IndexFunc(policies, func(p inventory.Policy) bool { return p.Name == "orders-internal-access" })]
	changed.Object.(*ciliumv2.CiliumNetworkPolicy).Spec.Ingress[0].ToPorts = nil
	plan := fixture.Lockdown(t, policies, o)
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
			plan := fixture.Lockdown(t, []inventory.Policy{namesake(tc.labels)}, fixture.Options(t, orders, fixture.Flags()))
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
	if plan := fixture.Lockdown(t, []inventory.Policy{p}, fixture.Options(t, orders, fixture.Flags())); len(plan.Conflicts) != 1 {
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
	plan := fixture.Lockdown(t, others, fixture.Options(t, orders, fixture.Flags()))
	expectSteps(t, plan, "create orders-internal-access", "create orders-default-deny")
	policies := after(others, plan)
	removal := change.Unlock(policies, []types.NamespacedName{orders})
	expectSteps(t, removal, "delete orders-default-deny", "delete orders-internal-access")
	if left := after(policies, removal); len(left) != 2 {
		t.Errorf("left: %v", names(left))
	}
}

// The shared default deny is one object with one mark for each cluster, whoever comes and goes first.
func TestTheSharedDefaultDeny(t *testing.T) {
	forOrders, forStock := fixture.Options(t, orders, fixture.Flags(fixture.WholeNamespace)), fixture.Options(t, stock, fixture.Flags(fixture.WholeNamespace))
	together := fixture.Lockdown(t, nil, forOrders, forStock)
	expectSteps(t, together, "create orders-internal-access", "create stock-internal-access", "create default-deny")
	both := after(nil, together)
	if got := together.Steps[2].Clusters; !slices.Equal(got, []types.NamespacedName{orders, stock}) {
		t.Errorf("default-deny belongs to %v", got)
	}

	one := locked(t, forStock)
	joined := fixture.Lockdown(t, one, forOrders)
	expectSteps(t, joined, "create orders-internal-access", "update default-deny")
	if got := after(one, joined); !sameNames(got, both) || !slices.Equal(users(got), []string{"orders", "stock"}) {
		t.Errorf("one after the other: %v, used by %v", names(got), users(got))
	}
	expectSteps(t, fixture.Lockdown(t, both, forOrders), "unchanged orders-internal-access", "unchanged default-deny")

	removal := change.Unlock(both, []types.NamespacedName{orders})
	expectSteps(t, removal, "update default-deny", "delete orders-internal-access")
	rest := after(both, removal)
	if !slices.Equal(users(rest), []string{"stock"}) {
		t.Errorf("used by %v", users(rest))
	}
	expectSteps(t, change.Unlock(rest, []types.NamespacedName{stock}), "delete default-deny", "delete stock-internal-access")
	expectSteps(t, change.Unlock(both, []types.NamespacedName{stock, orders}),
		"delete default-deny", "delete stock-internal-access", "delete orders-internal-access")
}

// From the wide scope to the narrow one, there is no moment without default deny.
func TestAnotherScope(t *testing.T) {
	wide := locked(t, fixture.Options(t, orders, fixture.Flags(fixture.WholeNamespace)))
	expectSteps(t, fixture.Lockdown(t, wide, fixture.Options(t, orders, fixture.Flags())),
		"update orders-internal-access", "create orders-default-deny", "delete default-deny")
}

// Each cluster of a run is shown the steps that concern it.
func TestTheStepsOfOneCluster(t *testing.T) {
	plan := fixture.Lockdown(t, nil, fixture.Options(t, orders, fixture.Flags(fixture.WholeNamespace)), fixture.Options(t, stock, fixture.Flags(fixture.WholeNamespace)))
	var got []string
	for _, s := range plan.For(stock) {
		if s.Action != v1alpha1.PolicyCreate {
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
	o := fixture.Options(t, orders, fixture.Flags())
	o.DetectedOperators = nil
	if _, err := change.Lockdown(nil, []policyset.Options{o}); err == nil || !strings.Contains(err.Error(), `cluster "orders"`) {
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

// The name of a cluster may be what the name of another one's policy begins with.
func TestSetsWithANameInCommon(t *testing.T) {
	options, err := policyset.Parse(policyset.FlagValues{Allow: []string{"--allow-pods=x=default-deny"}})
	if err != nil {
		t.Fatal(err)
	}
	operators := []policyset.Operator{{Namespace: "cnpg-system"}}
	plan, err := change.Lockdown(nil, []policyset.Options{
		options.For(types.NamespacedName{Namespace: "db", Name: "pg"}, operators),
		options.For(types.NamespacedName{Namespace: "db", Name: "pg-postgres-access-x"}, operators),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Conflicts) != 1 || !strings.Contains(plan.Conflicts[0], `"pg" and "pg-postgres-access-x"`) || !strings.Contains(plan.Conflicts[0], `"pg-postgres-access-x-default-deny"`) {
		t.Errorf("conflicts: %q", plan.Conflicts)
	}
}
