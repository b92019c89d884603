package change_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// stored is what was recorded of a plan, as the next one who comes reads it.
func stored(t *testing.T, plan change.Plan, clusters ...types.NamespacedName) []change.LastChange {
	t.Helper()
	var out []change.LastChange
	for _, c := range clusters {
		text, err := (change.Record{Verb: "lockdown"}).Of(plan, c).Text()
		if err != nil {
			t.Fatal(err)
		}
		r, err := change.ReadRecord(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		out = append(out, change.LastChange{Cluster: c, Record: r})
	}
	return out
}

// clustersOf are those for whose sake a plan is.
func clustersOf(plan change.Plan) []types.NamespacedName {
	var out []types.NamespacedName
	for _, s := range plan.Steps {
		for _, c := range s.Clusters {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// whatIsThere are policies by name, as somebody would apply them.
func whatIsThere(t *testing.T, policies []inventory.Policy) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, p := range policies {
		object, ok := p.Object.(*ciliumv2.CiliumNetworkPolicy)
		if !ok {
			continue
		}
		content, err := policyset.Unstructured(policyset.Policy{Object: policyset.WithoutServerFields(object)})
		if err != nil {
			t.Fatal(err)
		}
		out[p.Name] = content.Object
	}
	return out
}

// Every kind of change can be undone, and what was there before is there again, to the letter where lockdown has changed it.
// Undone once more, it is what the change has left.
func TestEveryChangeCanBeUndone(t *testing.T) {
	for title, c := range fixture.Changes(t) {
		before := fixture.Policies(c.Before...)
		plan := c.Plan(t, before)
		clusters := clustersOf(plan)
		then := after(before, plan)
		back, left := change.Undo(then, stored(t, plan, clusters...))
		if len(left) > 0 {
			t.Errorf("%s: left %v", title, left)
		}
		again := after(then, back)
		if title == "repairs what has drifted" {
			// The label of somebody else stays, and is no part of what is put back.
			for i := range again {
				labels := again[i].Object.(*ciliumv2.CiliumNetworkPolicy).Labels
				if _, still := labels["team"]; still {
					t.Errorf("%s: an apply would claim a label of others", title)
				}
				labels["team"] = "shop"
			}
		}
		if got, want := whatIsThere(t, again), whatIsThere(t, before); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: after %q\n%v\nwant\n%v", title, fixture.Steps(back), got, want)
		}
		redone, left := change.Undo(again, stored(t, back, clusters...))
		if len(left) > 0 || title == "repairs what has drifted" {
			continue
		}
		if got, want := whatIsThere(t, after(again, redone)), whatIsThere(t, then); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: undone twice\n%v\nwant\n%v", title, got, want)
		}
	}
}

// Wherever an undo is interrupted, what the cluster needs is connected, and the same once more leads to its end.
func TestEveryPrefixOfAnUndo(t *testing.T) {
	sets := []policyset.FlagValues{fixture.Flags(), fixture.Flags(fixture.Backends, fixture.Metrics), fixture.Flags(fixture.Frontends, fixture.WholeNamespace)}
	for _, nonDefaultDeny := range []bool{true, false} {
		inv := fixture.Load(t, fixture.Recording("live-open"))
		inv.Settings.NonDefaultDeny = nonDefaultDeny
		m := newModel(t, inv)
		undone := func(title string, policies []inventory.Policy, plan change.Plan) {
			then := after(policies, plan)
			changes := stored(t, plan, example)
			back, left := change.Undo(then, changes)
			if len(left) > 0 {
				t.Errorf("%s: left %v", title, left)
			}
			end := walk(t, m, then, back)
			for n := range back.Steps {
				rest, _ := change.Undo(back.After(then, n), changes)
				if got := after(back.After(then, n), rest); !reflect.DeepEqual(whatIsThere(t, got), whatIsThere(t, end)) {
					t.Errorf("%s: interrupted after %d of %q, it ends elsewhere", title, n, fixture.Steps(back))
				}
			}
		}
		for i, from := range sets {
			policies := after(inv.Policies, fixture.Lockdown(t, inv.Policies, fixture.Options(t, example, from)))
			undone(fmt.Sprint("lockdown ", i), inv.Policies, fixture.Lockdown(t, inv.Policies, fixture.Options(t, example, from)))
			undone(fmt.Sprint("unlock ", i), policies, change.Unlock(policies, []types.NamespacedName{example}))
			for j, to := range sets {
				undone(fmt.Sprint("from ", i, " to ", j), policies, fixture.Lockdown(t, policies, fixture.Options(t, example, to)))
			}
		}
	}
}

// What is not as the change has left it stays as it is, and is named.
func TestAnUndoLeavesWhatIsNotAsItWasLeft(t *testing.T) {
	backends := fixture.Options(t, orders, fixture.Flags(fixture.Backends))
	edited := func(name string, how func(*ciliumv2.CiliumNetworkPolicy)) func([]inventory.Policy) []inventory.Policy {
		return func(policies []inventory.Policy) []inventory.Policy {
			return slices.DeleteFunc(policies, func(p inventory.Policy) bool {
				if p.Name != name {
					return false
				}
				if how == nil {
					return true
				}
				how(p.Object.(*ciliumv2.CiliumNetworkPolicy))
				return false
			})
		}
	}
	timed := func(p *ciliumv2.CiliumNetworkPolicy) {
		*p = *policyset.EndingWith(p, policyset.Timer{Name: "orders-lockdown-timer", UID: "first"})
	}
	rehearsed := func(o policyset.Options) policyset.Options {
		o.RehearsedSince = rehearsalBegan()
		return o
	}
	unlock := func(policies []inventory.Policy) change.Plan {
		return change.Unlock(policies, []types.NamespacedName{orders})
	}
	lockdown := func(o policyset.Options) func([]inventory.Policy) change.Plan {
		return func(policies []inventory.Policy) change.Plan { return fixture.Lockdown(t, policies, o) }
	}
	for title, tc := range map[string]struct {
		before []inventory.Policy
		plan   func([]inventory.Policy) change.Plan
		since  func([]inventory.Policy) []inventory.Policy
		steps  []string
		left   []string
	}{
		"edited since": {
			nil, lockdown(backends), edited("orders-postgres-access-role-backend", func(p *ciliumv2.CiliumNetworkPolicy) { p.Spec.Egress = []api.EgressRule{{}} }),
			[]string{"delete orders-default-deny", "delete orders-internal-access"},
			[]string{`policy "orders-postgres-access-role-backend": somebody has changed it since`},
		},
		"removed since": {
			locked(t, backends), lockdown(fixture.Options(t, orders, policyset.FlagValues{OperatorOnly: true})), edited("orders-operator-access", nil),
			[]string{"create orders-internal-access", "create orders-postgres-access-role-backend", "update orders-default-deny"}, nil,
		},
		"other clients, with the shared default deny": {
			locked(t, fixture.Options(t, orders, fixture.Flags(fixture.WholeNamespace))), lockdown(fixture.Options(t, orders, fixture.Flags(fixture.WholeNamespace, fixture.Backends))), nil,
			[]string{"update orders-internal-access", "update default-deny", "delete orders-postgres-access-role-backend"}, nil,
		},
		"an update of what was removed since": {
			edited("orders-default-deny", func(p *ciliumv2.CiliumNetworkPolicy) { p.Spec.Description = "drifted" })(locked(t, backends)), lockdown(backends),
			edited("orders-default-deny", nil), nil, []string{`policy "orders-default-deny": somebody has removed it since`},
		},
		"a label of others is no change": {
			nil, lockdown(backends), edited("orders-default-deny", func(p *ciliumv2.CiliumNetworkPolicy) { p.Labels["team"] = "shop" }),
			[]string{"delete orders-default-deny", "delete orders-postgres-access-role-backend", "delete orders-internal-access"}, nil,
		},
		"confirmed since": {
			nil, lockdown(withTimer(backends)), edited("orders-default-deny", func(p *ciliumv2.CiliumNetworkPolicy) { *p = *policyset.ForGood(p) }),
			[]string{"delete orders-default-deny", "delete orders-postgres-access-role-backend", "delete orders-internal-access"}, nil,
		},
		"ended by itself since": {
			nil, lockdown(withTimer(backends)), edited("orders-default-deny", nil),
			[]string{"delete orders-postgres-access-role-backend", "delete orders-internal-access"}, nil,
		},
		"a trial that was unlocked": {
			edited("orders-default-deny", timed)(locked(t, backends)), unlock, nil,
			[]string{"create orders-internal-access", "create orders-postgres-access-role-backend"},
			[]string{`policy "orders-default-deny": it was to end by itself, and does not come back for good`},
		},
		"a trial that is for good now": {
			edited("orders-default-deny", timed)(locked(t, backends)), lockdown(backends), nil,
			nil, []string{`policy "orders-default-deny": it was to end by itself, and is for good now`},
		},
		"a rehearsal that ends by itself now": {
			locked(t, rehearsed(backends)), lockdown(withTimer(rehearsed(backends))), nil,
			nil, []string{
				`policy "orders-internal-access": it was for good, and ends by itself now: confirm keeps it`,
				`policy "orders-postgres-access-role-backend": it was for good, and ends by itself now: confirm keeps it`,
			},
		},
		"what was granted": {
			granted(t), unlock, nil,
			[]string{"create orders-internal-access", "create orders-default-deny"},
			[]string{`policy "orders-granted-access-role-backend": what was granted for a time has ended`},
		},
		"made anew by somebody else": {
			locked(t, backends), unlock, func([]inventory.Policy) []inventory.Policy { return []inventory.Policy{namesake(nil)} },
			[]string{"create orders-internal-access", "create orders-postgres-access-role-backend"},
			[]string{`policy "orders-default-deny": somebody has changed it since`},
		},
	} {
		t.Run(title, func(t *testing.T) {
			plan := tc.plan(tc.before)
			then := after(tc.before, plan)
			for i := range then {
				then[i].Object = then[i].Object.(*ciliumv2.CiliumNetworkPolicy).DeepCopy()
			}
			if tc.since != nil {
				then = tc.since(then)
			}
			back, left := change.Undo(then, stored(t, plan, orders))
			var words []string
			for _, l := range left {
				words = append(words, l.String())
			}
			if got := fixture.Steps(back); !slices.Equal(got, tc.steps) || !slices.Equal(words, tc.left) {
				t.Errorf("steps %q, want %q\nleft %q, want %q", got, tc.steps, words, tc.left)
			}
		})
	}
}

func withTimer(o policyset.Options) policyset.Options {
	o.Timer = "orders-lockdown-timer"
	return o
}

// granted are the policies of a lockdown with a grant beside it.
func granted(t *testing.T) []inventory.Policy {
	t.Helper()
	policies := locked(t, fixture.Options(t, orders, fixture.Flags()))
	plan, err := change.Grant(policies, policyset.Granted{Options: fixture.Options(t, orders, fixture.Flags(fixture.Backends)), Timer: "orders-grant"})
	if err != nil {
		t.Fatal(err)
	}
	return after(policies, plan)
}

// Of the default deny that clusters share, an undo takes back one cluster's part, whatever the others have done since.
func TestAnUndoOfTheSharedDefaultDeny(t *testing.T) {
	of := func(c types.NamespacedName) policyset.Options {
		return fixture.Options(t, c, fixture.Flags(fixture.WholeNamespace))
	}
	users := func(policies []inventory.Policy) string {
		for _, p := range policies {
			if p.Name == policyset.SharedDefaultDenyName {
				return strings.Join(policyset.Users(p.Object.(*ciliumv2.CiliumNetworkPolicy).Labels), " ")
			}
		}
		return "none"
	}
	both := fixture.Lockdown(t, nil, of(orders), of(stock))
	policies := after(nil, both)
	for _, tc := range []struct {
		clusters []types.NamespacedName
		want     string
	}{{[]types.NamespacedName{orders}, "stock"}, {[]types.NamespacedName{stock}, "orders"}, {[]types.NamespacedName{orders, stock}, "none"}} {
		back, left := change.Undo(policies, stored(t, both, tc.clusters...))
		if got := users(after(policies, back)); got != tc.want || len(left) > 0 {
			t.Errorf("%v: %s is left, want %s (%v)", tc.clusters, got, tc.want, left)
		}
	}
	// An unlock comes back also when the other one has joined or left in between.
	alone := locked(t, of(orders))
	unlock := change.Unlock(alone, []types.NamespacedName{orders})
	joined := after(after(alone, unlock), fixture.Lockdown(t, after(alone, unlock), of(stock)))
	back, left := change.Undo(joined, stored(t, unlock, orders))
	if got := users(after(joined, back)); got != "orders stock" || len(left) > 0 {
		t.Errorf("%s is left, want both (%v)", got, left)
	}
	for i := range joined {
		if p := joined[i].Object.(*ciliumv2.CiliumNetworkPolicy); p.Name == policyset.SharedDefaultDenyName {
			p.Spec.Description = "edited"
		}
	}
	if _, left = change.Undo(joined, stored(t, unlock, orders)); len(left) != 1 || left[0].Why != "somebody has changed it since" {
		t.Errorf("%v", left)
	}
}

// What is stored may have been written by anybody: an undo makes and removes only what lockdown manages for the cluster.
func TestAnUndoTouchesOnlyTheSet(t *testing.T) {
	mine := locked(t, fixture.Options(t, orders, fixture.Flags()))
	theirs := namesake(map[string]string{"app": "other"})
	plan := change.Unlock(mine, []types.NamespacedName{orders})
	for title, forge := range map[string]func(*change.Step){
		"a policy of others": func(s *change.Step) { s.Before = theirs.Object.(*ciliumv2.CiliumNetworkPolicy) },
		"another cluster's": func(s *change.Step) {
			s.Before = s.Before.DeepCopy()
			s.Before.Labels[policyset.LabelCluster] = "stock"
		},
		"another namespace":   func(s *change.Step) { s.Policy.Namespace = "kube-system" },
		"what was taken over": func(s *change.Step) { s.Before, s.Takeover = theirs.Object.(*ciliumv2.CiliumNetworkPolicy), true },
		"removal of others'":  func(s *change.Step) { s.Before, s.After = nil, theirs.Object.(*ciliumv2.CiliumNetworkPolicy) },
		"removal of another's": func(s *change.Step) {
			s.After = s.Before.DeepCopy()
			s.After.Labels[policyset.LabelCluster] = "stock"
			s.Before = nil
		},
		"removal of a neighbor": func(s *change.Step) { s.After, s.Before = s.Before, nil; s.Policy.Namespace = "kube-system" },
	} {
		changes := stored(t, plan, orders)
		step := changes[0].Record.Steps[0]
		forge(&step)
		changes[0].Record.Steps = []change.Step{step}
		back, left := change.Undo([]inventory.Policy{theirs}, changes)
		if len(back.Steps) != 0 || len(left) != 1 {
			t.Errorf("%s: %q, left %v", title, fixture.Steps(back), left)
		}
	}
}

// A lockdown that was interrupted is a part of the one that completes it.
func TestAnInterruptedChangeIsUndoneWithTheNext(t *testing.T) {
	first := fixture.Options(t, orders, fixture.Flags(fixture.Backends))
	second := fixture.Options(t, orders, fixture.Flags(fixture.Frontends))
	plan := fixture.Lockdown(t, nil, first)
	for n := range len(plan.Steps) + 1 {
		half := plan.After(nil, n)
		former := stored(t, plan, orders)[0].Record
		next := fixture.Lockdown(t, half, second)
		record := (change.Record{Verb: "lockdown"}).Of(next, orders).Completing(former, half)
		end := after(half, next)
		back, left := change.Undo(end, []change.LastChange{{Cluster: orders, Record: record}})
		want := whatIsThere(t, nil)
		if n == len(plan.Steps) {
			want = whatIsThere(t, half) // It had come to its end.
		}
		if got := whatIsThere(t, after(end, back)); !reflect.DeepEqual(got, want) || len(left) > 0 {
			t.Errorf("interrupted after %d: %q leads to %v, left %v", n, fixture.Steps(back), got, left)
		}
	}
	// An undo that was interrupted goes on where it was going.
	then := after(nil, plan)
	undo, _ := change.Undo(then, stored(t, plan, orders))
	for n := range len(undo.Steps) + 1 {
		half := undo.After(then, n)
		changes := stored(t, undo, orders)
		changes[0].Record = changes[0].Record.Reversed()
		rest, left := change.Undo(half, changes)
		if got := after(half, rest); len(got) != 0 || len(left) > 0 {
			t.Errorf("interrupted after %d: %q leaves %v, left %v", n, fixture.Steps(rest), whatIsThere(t, got), left)
		}
	}
}
