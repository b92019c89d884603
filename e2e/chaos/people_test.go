package chaos

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// testTwoAtOnce lets two people do different things to the same cluster: both have read what there is before either of
// them writes.
func (l *lab) testTwoAtOnce(t *testing.T) {
	words := strings.Fields
	backends := words("lockdown orders -n shop --yes --allow-pods role=backend")
	frontends := words("lockdown orders -n shop --yes --allow-pods role=frontend --allow-kubectl-cnpg")
	for name, tc := range map[string]struct {
		before [][]string
		first  []string
		second []string
	}{
		"two lockdowns":            {nil, backends, frontends},
		"two lockdowns, again":     {[][]string{backends}, frontends, words("lockdown orders -n shop --yes --allow-namespace backend")},
		"the same lockdown":        {nil, backends, backends},
		"a lockdown, an unlock":    {[][]string{backends}, frontends, words("unlock orders -n shop --yes")},
		"two unlocks":              {[][]string{backends}, words("unlock orders -n shop --yes"), words("unlock orders -n shop --yes")},
		"a lockdown and a trial":   {nil, backends, words("lockdown orders -n shop --yes --confirm-within 1h")},
		"an unlock and a grant":    {[][]string{backends}, words("unlock orders -n shop --yes"), words("grant orders -n shop --yes --allow-pods role=frontend --for 1h")},
		"an undo and a lockdown":   {[][]string{backends}, words("lockdown orders -n shop --undo --yes"), frontends},
		"neighbours share a deny":  {nil, words("lockdown orders -n shop --yes --scope namespace"), words("lockdown stock -n shop --yes --scope namespace")},
		"neighbours leave":         {[][]string{words("lockdown orders stock -n shop --yes --scope namespace")}, words("unlock orders stock -n shop --yes"), words("unlock stock -n shop --yes")},
		"confirmed and unlocked":   {[][]string{words("lockdown orders -n shop --yes --confirm-within 1h")}, words("confirm orders -n shop"), words("unlock orders -n shop --yes")},
		"two that confirm at once": {[][]string{words("lockdown orders -n shop --yes --confirm-within 1h")}, words("confirm orders -n shop"), words("confirm orders -n shop")},
	} {
		t.Run(name, func(t *testing.T) {
			l.begin(t, verb{before: tc.before})
			l.proxy.Strike(meeting(2))
			l.figures.faults++
			var both [2]outcome
			var running sync.WaitGroup
			for i, args := range [][]string{tc.first, tc.second} {
				command, out := l.command(t, args...)
				if err := command.Start(); err != nil {
					t.Fatal(err)
				}
				running.Go(func() { both[i] = out.wait(t, command) })
			}
			running.Wait()
			l.expectSound(t, "after both")
			l.proxy.Strike(nil)
			for i, args := range [][]string{tc.first, tc.second} {
				if both[i].code != 0 && !strings.Contains(both[i].stderr, "error: ") {
					l.figures.untrue++
					t.Errorf("%q fails and does not say why", args)
				}
				// Whoever comes again gets what they want, but what is gone can't be confirmed or undone.
				if args[0] == "confirm" || strings.Contains(strings.Join(args, " "), "--undo") {
					continue
				}
				again := l.run(t, args...)
				l.expectSound(t, "once more")
				refused := args[0] == "grant" && strings.Contains(again.stderr, "is OPEN") || strings.Contains(again.stderr, "only a lockdown that begins can end by itself")
				if again.code != 0 && !refused {
					l.figures.unfinished++
					t.Errorf("%q once more: %s", args, again.said())
				}
			}
			if t.Failed() {
				t.Logf("%q: %s\n%q: %s", tc.first, both[0].said(), tc.second, both[1].said())
			}
		})
	}
}

// meeting holds the first write of each of some plugins until all have come so far, or seem not to.
func meeting(of int) func(int, *http.Request) Fault {
	var mu sync.Mutex
	arrived, all := 0, make(chan struct{})
	return func(_ int, r *http.Request) Fault {
		if !(Request{Method: r.Method, Path: r.URL.Path, DryRun: r.URL.Query().Get("dryRun") != ""}).Writes() {
			return nil
		}
		mu.Lock()
		arrived++
		if arrived == of {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
		case <-time.After(5 * time.Second):
		}
		return nil
	}
}

// testReverted lets a controller put back a field of lockdown's policies every 200 ms.
func (l *lab) testReverted(t *testing.T) {
	words := strings.Fields
	for name, tc := range map[string]struct {
		policy, patch string
		args          []string
		harmful       bool
	}{
		"a description":              {"orders-internal-access", `{"spec":{"description":"theirs"}}`, words("lockdown orders -n shop --yes --allow-pods role=backend"), false},
		"what lets the operator in":  {"orders-internal-access", `{"spec":{"ingress":[{}]}}`, words("lockdown orders -n shop --yes --allow-pods role=backend"), true},
		"default deny itself":        {"orders-default-deny", `{"spec":{"ingress":[{"fromEndpoints":[{}]}]}}`, words("lockdown orders -n shop --yes --allow-pods role=backend"), false},
		"a label, while it unlocks":  {"orders-default-deny", `{"metadata":{"labels":{"team":"theirs"}}}`, words("unlock orders -n shop --yes"), false},
		"a rule, while it is undone": {"orders-postgres-access-role-backend", `{"spec":{"description":"theirs"}}`, words("lockdown orders -n shop --undo --yes"), false},
	} {
		t.Run(name, func(t *testing.T) {
			v := verb{args: tc.args}
			if tc.args[0] == "unlock" || strings.Contains(name, "undone") {
				v.before = [][]string{words("lockdown orders -n shop --yes --allow-pods role=backend")}
			}
			l.begin(t, v)
			l.figures.faults++
			stop := make(chan struct{})
			var running sync.WaitGroup
			running.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(200 * time.Millisecond):
						// Where there is no such policy, there is nothing to put back.
						_, _ = l.clients.Cilium.CiliumV2().CiliumNetworkPolicies(namespace).Patch(t.Context(), tc.policy, types.MergePatchType, []byte(tc.patch), metav1.PatchOptions{FieldManager: "theirs"})
					}
				}
			})
			o := l.run(t, v.args...)
			close(stop)
			running.Wait()
			// Who takes away what lets the operator in, again and again, does so also after the last look at it.
			if !tc.harmful || o.code != 0 {
				l.expectSound(t, "after the run")
			}
			if again := l.run(t, words("lockdown orders -n shop --yes --allow-pods role=backend")...); again.code != 0 {
				l.figures.unfinished++
				t.Errorf("once more: %s", again.said())
			}
			l.expectSound(t, "once more")
			if t.Failed() {
				t.Log(o.said())
			}
		})
	}
}

// testEdited lets somebody edit what the preview has shown, before anything is applied.
func (l *lab) testEdited(t *testing.T) {
	words := strings.Fields
	lockdown := words("lockdown orders -n shop --yes --allow-pods role=backend")
	on := l.clients.Cilium.CiliumV2().CiliumNetworkPolicies(namespace)
	edit := func(policy, patch string) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			if _, err := on.Patch(t.Context(), policy, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "somebody"}); err != nil {
				t.Error(err)
			}
		}
	}
	remove := func(policy string) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			if err := on.Delete(t.Context(), policy, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		}
	}
	const rule, label = `{"spec":{"description":"edited"}}`, `{"metadata":{"labels":{"team":"edited"}}}`
	for name, tc := range map[string]struct {
		v verb
		// first is done before the plugin begins, and edit when it is about to write.
		first, edit func(*testing.T)
		// says is what it must say; empty when it may go on.
		says string
		// keeps is the policy whose edit must be there afterwards.
		keeps string
	}{
		"what is to be deleted":              {verb{before: [][]string{lockdown}, args: words("unlock orders -n shop --yes")}, nil, edit("orders-default-deny", rule), "changed by somebody else", "orders-default-deny"},
		"a label of what is to be deleted":   {verb{before: [][]string{lockdown}, args: words("unlock orders -n shop --yes")}, nil, edit("orders-default-deny", label), "", ""},
		"what is to be updated":              {verb{before: [][]string{lockdown}, args: lockdown}, edit("orders-default-deny", `{"spec":{"description":"drifted"}}`), edit("orders-default-deny", rule), "changed by somebody else", "orders-default-deny"},
		"what is to be created is there":     {verb{before: [][]string{lockdown}, args: lockdown}, remove("orders-default-deny"), func(t *testing.T) { l.create(t, "orders-default-deny") }, "onflict", "orders-default-deny"},
		"what lets the operator in is taken": {verb{before: [][]string{lockdown}, args: lockdown}, remove("orders-default-deny"), edit("orders-internal-access", `{"spec":{"description":"edited","ingress":[{}]}}`), "rolled back", "orders-internal-access"},
		"what is to be undone":               {verb{before: [][]string{lockdown}, args: words("lockdown orders -n shop --undo --yes")}, nil, edit("orders-default-deny", rule), "changed by somebody else", "orders-default-deny"},
	} {
		t.Run(name, func(t *testing.T) {
			l.begin(t, tc.v)
			if tc.first != nil {
				tc.first(t)
			}
			l.figures.faults++
			l.proxy.Strike(atFirstWrite(func() { tc.edit(t) }))
			o := l.run(t, tc.v.args...)
			l.proxy.Strike(nil)
			l.expectSound(t, "after the run")
			if tc.says == "" && o.code != 0 || tc.says != "" && (o.code == 0 || !strings.Contains(o.stderr, tc.says)) {
				l.figures.untrue++
				t.Errorf("it does not say %q", tc.says)
			}
			if tc.keeps != "" {
				kept, err := on.Get(t.Context(), tc.keeps, metav1.GetOptions{})
				if err != nil || kept.Spec.Description != "edited" {
					l.figures.lost++
					t.Errorf("the edit of %s is lost: %v", tc.keeps, err)
				}
			}
			if t.Failed() {
				t.Log(o.said())
			}
		})
	}
}

// create makes a policy of somebody else's with a name of the set.
func (l *lab) create(t *testing.T, name string) {
	t.Helper()
	on := l.clients.Cilium.CiliumV2().CiliumNetworkPolicies(namespace)
	theirs, err := on.Get(t.Context(), "theirs", metav1.GetOptions{})
	if err != nil {
		t.Error(err)
		return
	}
	mine := theirs.DeepCopy()
	mine.ObjectMeta = metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{"app": "somebody"}}
	mine.Spec.Description = "edited"
	if _, err := on.Create(t.Context(), mine, metav1.CreateOptions{FieldManager: "somebody"}); err != nil {
		t.Error(err)
	}
}
