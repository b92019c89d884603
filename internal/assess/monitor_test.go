package assess_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Whatever happens, a monitor says what an evaluation of everything says.
func TestTheMonitorMissesNothing(t *testing.T) {
	worlds, events := 20, 40
	for seed := range uint64(worlds) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			w := newChangingWorld(rand.New(rand.NewPCG(seed, 0)))
			monitor := assess.NewMonitor(model.Options{})
			evaluated, all := 0, 0
			var happened string
			for range events {
				inv := w.inventory()
				got, touched, err := monitor.Evaluate(inv)
				if err != nil {
					t.Fatal(err)
				}
				m, err := model.New(inv, model.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(assess.Evaluate(m), got); d != "" {
					t.Fatalf("after: %s\ntouched: %v\n%s", happened, touched, d)
				}
				evaluated, all = evaluated+len(touched), all+len(got.Items)
				happened = w.happen()
			}
			if evaluated == all {
				t.Errorf("all clusters were evaluated after each of %d events", events)
			}
		})
	}
}

// quietWorld has two locked clusters, in shop and web, an open one in jobs, and in tools a client of the
// one in shop.
func quietWorld(t *testing.T) *changingWorld {
	t.Helper()
	w := newChangingWorld(rand.New(rand.NewPCG(1, 1)))
	clear(w.clusters)
	clear(w.policies)
	clear(w.pods)
	for _, namespace := range []string{"shop", "web", "jobs"} {
		c := w.clusterIn(namespace, "db")
		if c.Namespace != "jobs" {
			w.policy(0, "lock", namespace, "")
		}
	}
	w.policy(2, "clients", "shop", "")
	w.podIn("tools", "api", "frontend")
	w.restartOperator()
	return w
}

func TestAChangeCostsOnlyTheClustersThatItTouches(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*changingWorld)
		want   []string
	}{
		{"nothing", func(*changingWorld) {}, nil},
		{"a policy beside a cluster", func(w *changingWorld) { w.policy(0, "more", "shop", "") }, []string{"shop/db"}},
		{"a pod beside a cluster", func(w *changingWorld) { w.podIn("web", "x", "frontend") }, []string{"web/db"}},
		{"a pod beside a client", func(w *changingWorld) { w.podIn("tools", "site", "frontend") }, []string{"shop/db"}},
		{"a client in a namespace without any", func(w *changingWorld) { w.podIn("lab", "api", "frontend") }, []string{"shop/db"}},
		{"a pod that nothing names, elsewhere", func(w *changingWorld) {
			w.podIn("lab", "x", "frontend")
		}, nil},
		{"a policy for the egress of pods elsewhere", func(w *changingWorld) {
			w.policy(6, "egress", "lab", "")
		}, []string{"jobs/db"}},
		{"a policy without a namespace", func(w *changingWorld) { w.policy(14, "wide", "", "web") }, []string{"jobs/db", "shop/db", "web/db"}},
		{"the operator's pod", func(w *changingWorld) { w.restartOperator() }, []string{"jobs/db", "shop/db", "web/db"}},
		{"a cluster's own object", func(w *changingWorld) { w.clusterIn("shop", "db") }, []string{"shop/db"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := quietWorld(t)
			monitor := assess.NewMonitor(model.Options{})
			if _, touched, err := monitor.Evaluate(w.inventory()); err != nil || len(touched) != 3 {
				t.Fatal(touched, err)
			}
			tc.change(w)
			list, touched, err := monitor.Evaluate(w.inventory())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, key := range touched {
				got = append(got, key.String())
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
			m, err := model.New(w.inventory(), model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(assess.Evaluate(m), list); d != "" {
				t.Error(d)
			}
		})
	}
}

// The identities of pods that are gone are given up in the end.
func TestTheMonitorForgets(t *testing.T) {
	w := quietWorld(t)
	monitor := assess.NewMonitor(model.Options{})
	fresh := 0
	for i := range 1500 {
		w.podIn("shop", "x", fmt.Sprintf("role-%d", i))
		_, touched, err := monitor.Evaluate(w.inventory())
		if err != nil {
			t.Fatal(err)
		}
		if len(touched) == 3 {
			fresh++
		}
	}
	if fresh != 2 {
		t.Errorf("everything was evaluated %d times, want at first and once more", fresh)
	}
}

func (w *changingWorld) podIn(namespace, name, role string) {
	w.put(inventory.Pod{
		Namespace: namespace, Name: name, Labels: map[string]string{"app": name, "role": role}, ServiceAccount: "default",
		Phase: "Running", Workload: inventory.Workload{Kind: "pod", Name: name},
	})
}

// policy adds the policy of this position in worldPolicies.
func (w *changingWorld) policy(at int, name, namespace, other string) {
	template := worldPolicies[at]
	p := w.read(template.kind, fmt.Sprintf(template.text, name, namespace, other))
	w.policies[p.PolicyReference] = p
}
