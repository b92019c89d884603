package rollout

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// neighbour is a second cluster of the example's namespace.
var neighbour = types.NamespacedName{Namespace: "default", Name: "neighbour"}

// someSets are the sets of the tests of the order: all combinations of client flags in both scopes.
func someSets() []policyset.FlagValues {
	var sets []policyset.FlagValues
	for _, scope := range []policyset.Scope{policyset.ScopeCluster, policyset.ScopeNamespace} {
		for bits := range 1 << len(clientFlags()) {
			sets = append(sets, combination(bits, scope))
		}
	}
	return append(sets, policyset.FlagValues{OperatorOnly: true})
}

// scenario is a plan, and what is on the server before it.
type scenario struct {
	before []*ciliumv2.CiliumNetworkPolicy
	plan   func(t *testing.T, policies []inventory.Policy) Plan
}

// everyChange are the kinds of plans of these tests: from nothing to each set and back, from each of some sets
// to each other, the shared default deny that others need too, and policies that somebody has changed or made.
func everyChange(t *testing.T) map[string]scenario {
	t.Helper()
	to := func(v policyset.FlagValues, clusters ...types.NamespacedName) func(*testing.T, []inventory.Policy) Plan {
		return func(t *testing.T, policies []inventory.Policy) Plan {
			var all []policyset.Options
			for _, c := range clusters {
				all = append(all, options(t, c, v))
			}
			return lockdown(t, policies, all...)
		}
	}
	unlock := func(clusters ...types.NamespacedName) func(*testing.T, []inventory.Policy) Plan {
		return func(_ *testing.T, policies []inventory.Policy) Plan { return Unlock(policies, clusters) }
	}
	set := func(v policyset.FlagValues, clusters ...types.NamespacedName) []*ciliumv2.CiliumNetworkPolicy {
		var out []*ciliumv2.CiliumNetworkPolicy
		for _, s := range to(v, clusters...)(t, nil).Steps {
			out = append(out, s.After)
		}
		return out
	}
	changed := func(policies []*ciliumv2.CiliumNetworkPolicy, how func(*ciliumv2.CiliumNetworkPolicy)) []*ciliumv2.CiliumNetworkPolicy {
		for i := range policies {
			policies[i] = policies[i].DeepCopy()
			how(policies[i])
		}
		return policies
	}
	out := map[string]scenario{}
	for _, v := range someSets() {
		out[fmt.Sprintf("lockdown %+v", v)] = scenario{nil, to(v, example)}
		out[fmt.Sprintf("unlock %+v", v)] = scenario{set(v, example), unlock(example)}
	}
	some := []policyset.FlagValues{{}, flags(backends), flags(metrics, wholeNamespace), {OperatorOnly: true}}
	for i, from := range some {
		for j, then := range some {
			out[fmt.Sprintf("from %d to %d", i, j)] = scenario{set(from, example), to(then, example)}
		}
	}
	wide := flags(backends, wholeNamespace)
	out["two clusters at once"] = scenario{nil, to(wide, example, neighbour)}
	out["joins the shared default deny"] = scenario{set(wide, neighbour), to(wide, example)}
	out["leaves the shared default deny"] = scenario{set(wide, example, neighbour), unlock(example)}
	out["leaves it with the last"] = scenario{set(wide, example, neighbour), unlock(example, neighbour)}
	out["repairs what has drifted"] = scenario{changed(set(flags(backends), example), func(p *ciliumv2.CiliumNetworkPolicy) {
		p.Spec.Description = "drifted"
		p.Spec.Egress = []api.EgressRule{{}}
		p.Labels["team"] = "shop"
		delete(p.Annotations, policyset.AnnotationScope)
	}), to(flags(backends, metrics), example)}
	out["repairs rules that let in nobody"] = scenario{changed(set(flags(backends), example), func(p *ciliumv2.CiliumNetworkPolicy) {
		p.Spec.Ingress[0].FromEndpoints = []api.EndpointSelector{}
	}), to(flags(backends), example)}
	out["takes over"] = scenario{changed(set(flags(backends), example), func(p *ciliumv2.CiliumNetworkPolicy) {
		p.Labels, p.Annotations = map[string]string{"app": "other"}, nil
		p.Specs, p.Spec = api.Rules{p.Spec}, nil
		p.Specs[0].Description = "somebody else's"
	}), to(flags(backends), example)}
	return out
}

// contents are what users see of the policies of a server.
func (u *unreliable) contents(t *testing.T) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for name, p := range u.objects {
		content, err := policyset.Unstructured(policyset.Policy{Object: WithoutServerFields(p)})
		if err != nil {
			t.Fatal(err)
		}
		out[name] = content.Object
	}
	return out
}

// stored is a journal that was written as JSON and read again.
func stored(t *testing.T, journal Plan) (read Plan) {
	t.Helper()
	text, err := json.Marshal(journal)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(read); err != nil || string(again) != string(text) {
		t.Errorf("written\n%s\nand, when it was read, error %v and\n%s", text, err, again)
	}
	return read
}

// Every prefix of every plan is undone by the reverse plan, which the same runner carries out: from the journal,
// from a journal that was stored,
// from the plan alone, and when the answer to the last step was lost.
func TestReverseUndoesEveryPrefix(t *testing.T) {
	ways := map[string]func(t *testing.T, u *unreliable, prefix Plan){
		"journal": func(t *testing.T, u *unreliable, prefix Plan) {
			journal, err := u.carryOut(t, prefix)
			if err != nil || !slices.Equal(steps(journal), steps(Plan{Steps: prefix.Changing()})) {
				t.Fatalf("%q, error %v", steps(journal), err)
			}
			if _, err := u.carryOut(t, journal.Reverse(len(journal.Steps))); err != nil {
				t.Error(err)
			}
		},
		"stored journal": func(t *testing.T, u *unreliable, prefix Plan) {
			journal, err := u.carryOut(t, prefix)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := u.carryOut(t, stored(t, journal).Reverse(len(journal.Steps))); err != nil {
				t.Error(err)
			}
		},
		"plan": func(t *testing.T, u *unreliable, prefix Plan) {
			if _, err := u.carryOut(t, prefix); err != nil {
				t.Fatal(err)
			}
			if _, err := u.carryOut(t, prefix.Reverse(len(prefix.Steps))); err != nil {
				t.Error(err)
			}
		},
		"lost answer": func(t *testing.T, u *unreliable, prefix Plan) {
			last := prefix.Steps[len(prefix.Steps)-1]
			u.loseAnswerTo = last.Policy.Name
			journal, err := u.carryOut(t, prefix)
			if changing := last.Action != "unchanged"; changing != (err != nil) || changing && len(journal.Steps) > 0 {
				t.Errorf("%s: error %v, left %q", last.Action, err, steps(journal))
			}
			if _, err := u.carryOut(t, journal.Reverse(len(journal.Steps))); err != nil {
				t.Error(err)
			}
		},
	}
	changes := everyChange(t)
	for name, undo := range ways {
		t.Run(name, func(t *testing.T) {
			for _, title := range slices.Sorted(maps.Keys(changes)) {
				c := changes[title]
				whole := c.plan(t, newUnreliable(c.before...).policies())
				for n := 1; n <= len(whole.Steps); n++ {
					u := newUnreliable(c.before...)
					before := u.contents(t)
					undo(t, u, Plan{Steps: whole.Steps[:n]})
					if got := u.contents(t); !reflect.DeepEqual(got, before) {
						t.Errorf("%s, after %d of %q:\n%v\nbefore\n%v", title, n, steps(whole), got, before)
					}
				}
			}
		})
	}
}

// Turned round twice, a plan is what it was.
func TestReverseTwice(t *testing.T) {
	for title, c := range everyChange(t) {
		plan := c.plan(t, newUnreliable(c.before...).policies())
		back := plan.Reverse(len(plan.Steps))
		if got := back.Reverse(len(back.Steps)); len(got.Steps)+len(plan.Changing()) > 0 && !reflect.DeepEqual(got.Steps, plan.Changing()) {
			t.Errorf("%s: %q, want %q", title, steps(got), steps(plan))
		}
	}
}
