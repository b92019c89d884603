package rollout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	ciliumclient "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned/typed/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// The policies of the example, and clients that they can let in.
const (
	exampleInternal  = "cluster-example-internal-access"
	exampleBackends  = "cluster-example-postgres-access-role-backend"
	exampleFrontends = "cluster-example-postgres-access-role-frontend"
)

// word is what Cilium says of a policy.
type word struct {
	status  corev1.ConditionStatus
	message string
}

var (
	valid   = word{status: corev1.ConditionTrue}
	refused = word{corev1.ConditionFalse, "port 99999 is out of range"}
	silent  = word{}
)

// watchful is a server that notes what it is asked for. It keeps to what a real one keeps to:
// preconditions, the managers of fields, dry-run, and that nobody is answered whose time is over. Cilium
// calls each policy valid, unless something else is said.
type watchful struct {
	*unreliable
	// requests are like "apply NAME", "delete NAME", and "ask NAME" for its state.
	requests []string
	// says is what Cilium says of a policy, one word for each time somebody asks; the last one stays.
	says map[string][]word
	// meanwhile is what somebody else does just before a request is served.
	meanwhile map[string]func()
}

func newWatchful() *watchful {
	return &watchful{unreliable: newUnreliable(), says: map[string][]word{}, meanwhile: map[string]func(){}}
}

func (w *watchful) CiliumNetworkPolicies(string) ciliumclient.CiliumNetworkPolicyInterface { return w }

func (w *watchful) note(ctx context.Context, verb, name string) error {
	request := verb + " " + name
	w.requests = append(w.requests, request)
	if other := w.meanwhile[request]; other != nil {
		delete(w.meanwhile, request)
		other()
	}
	return ctx.Err()
}

func (w *watchful) Get(ctx context.Context, name string, options metav1.GetOptions) (*ciliumv2.CiliumNetworkPolicy, error) {
	if err := w.note(ctx, "ask", name); err != nil {
		return nil, err
	}
	p, err := w.unreliable.Get(ctx, name, options)
	if err != nil {
		return nil, err
	}
	says := valid
	if words := w.says[name]; len(words) > 0 {
		says = words[0]
		w.says[name] = words[min(1, len(words)-1):]
	}
	if says != silent {
		p.Status.Conditions = []ciliumv2.NetworkPolicyCondition{{Type: ciliumv2.PolicyConditionValid, Status: says.status, Message: says.message}}
	}
	return p, nil
}

func (w *watchful) Patch(ctx context.Context, name string, kind types.PatchType, data []byte, options metav1.PatchOptions, sub ...string) (*ciliumv2.CiliumNetworkPolicy, error) {
	if err := w.note(ctx, "apply", name); err != nil {
		return nil, err
	}
	is := w.objects[name]
	switch {
	case is != nil && kind == types.ApplyPatchType && (options.Force == nil || !*options.Force):
		return nil, conflict(name) // Its fields belong to whoever made it.
	case len(options.DryRun) > 0:
		return w.policy(name), nil
	}
	if _, err := w.unreliable.Patch(ctx, name, kind, data, options, sub...); err != nil {
		return nil, err
	}
	w.objects[name].Generation = 1
	if is != nil {
		w.objects[name].Generation += is.Generation
	}
	return w.objects[name].DeepCopy(), nil
}

func (w *watchful) Delete(ctx context.Context, name string, options metav1.DeleteOptions) error {
	if err := w.note(ctx, "delete", name); err != nil {
		return err
	}
	if is, only := w.objects[name], options.Preconditions; is != nil && only != nil {
		if only.UID != nil && *only.UID != is.UID || only.ResourceVersion != nil && *only.ResourceVersion != is.ResourceVersion {
			return conflict(name)
		}
	}
	if len(options.DryRun) > 0 {
		return nil
	}
	return w.unreliable.Delete(ctx, name, options)
}

func nothingThere(*testing.T) *watchful { return newWatchful() }

// policy is a policy with nothing in it.
func (w *watchful) policy(name string) *ciliumv2.CiliumNetworkPolicy {
	p := &ciliumv2.CiliumNetworkPolicy{}
	p.Name, p.Namespace = name, example.Namespace
	return p
}

// statusWritten is Cilium, which writes the status of a policy: a new version with the same content.
func (w *watchful) statusWritten(name string) func() {
	return func() { w.store(w.objects[name]) }
}

// edited is somebody who changes a policy.
func (w *watchful) edited(name string) func() {
	return func() {
		p := w.objects[name].DeepCopy()
		p.Generation++
		p.Spec = &api.Rule{Description: "somebody else's"}
		w.store(p)
	}
}

// replaced is somebody who deletes a policy and makes one of the same name.
func (w *watchful) replaced(name string) func() {
	return func() {
		p := w.policy(name)
		p.UID, p.Generation, p.Spec = "another", 1, &api.Rule{Description: "somebody else's"}
		w.store(p)
	}
}

// joined is another cluster that needs a policy from now on: its labels change, and its generation does not.
func (w *watchful) joined(name string) func() {
	return func() {
		p := w.objects[name].DeepCopy()
		p.Labels[policyset.LabelUserPrefix+"other"] = "true"
		w.store(p)
	}
}

// labelled is somebody who marks a policy for themselves.
func (w *watchful) labelled(name string) func() {
	return func() {
		p := w.objects[name].DeepCopy()
		p.Labels["team"] = "theirs"
		w.store(p)
	}
}

func (w *watchful) removed(name string) func() {
	return func() { delete(w.objects, name) }
}

func (w *watchful) names() []string { return slices.Sorted(maps.Keys(w.objects)) }

// ofOthers are the policies that somebody else has made or changed.
func (w *watchful) ofOthers() []string {
	return slices.DeleteFunc(w.names(), func(name string) bool {
		return w.objects[name].Spec.Description != "somebody else's" && len(policyset.Users(w.objects[name].Labels)) == 0
	})
}

// backendsLocked is a server on which a lockdown has ended well.
func backendsLocked(t *testing.T) *watchful {
	t.Helper()
	w := newWatchful()
	if _, err := (Runner{Client: w}).Run(t.Context(), fixture.Lockdown(t, nil, backendsOnly(t))); err != nil {
		t.Fatal(err)
	}
	w.requests = nil
	return w
}

func (w *watchful) expectRequests(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(w.requests, want) {
		t.Errorf("requests\n  %s\nwant\n  %s", strings.Join(w.requests, "\n  "), strings.Join(want, "\n  "))
	}
}

// run carries out the plan. Time passes at once.
func (w *watchful) run(t *testing.T, plan change.Plan, adjust ...func(*Runner)) (err error) {
	t.Helper()
	r := Runner{Client: w, Wait: true, Timeout: time.Minute}
	for _, f := range adjust {
		f(&r)
	}
	synctest.Test(t, func(t *testing.T) { _, err = r.Run(t.Context(), plan) })
	return err
}

func backendsOnly(t *testing.T) policyset.Options {
	return fixture.Options(t, example, fixture.Flags(fixture.Backends))
}

// Cilium's word on what lets somebody in is heard before default deny comes, and before anything goes.
func TestWhatLetsInIsCiliumsFirst(t *testing.T) {
	for _, tc := range []struct {
		name string
		on   func(*testing.T) *watchful
		plan func(*testing.T, *watchful) change.Plan
		want []string
	}{
		{"nothing is there", nothingThere,
			func(t *testing.T, w *watchful) change.Plan { return fixture.Lockdown(t, w.policies(), backendsOnly(t)) },
			[]string{
				"apply " + exampleInternal, "apply " + exampleBackends,
				"ask " + exampleInternal, "ask " + exampleBackends,
				"apply " + exampleDefaultDeny, "ask " + exampleDefaultDeny,
			}},
		{"interrupted before default deny", func(t *testing.T) *watchful {
			w := backendsLocked(t)
			delete(w.objects, exampleDefaultDeny)
			return w
		},
			func(t *testing.T, w *watchful) change.Plan { return fixture.Lockdown(t, w.policies(), backendsOnly(t)) },
			[]string{
				"ask " + exampleInternal, "ask " + exampleBackends,
				"apply " + exampleDefaultDeny, "ask " + exampleDefaultDeny,
			}},
		{"other clients", backendsLocked,
			func(t *testing.T, w *watchful) change.Plan {
				return fixture.Lockdown(t, w.policies(), fixture.Options(t, example, fixture.Flags(fixture.Frontends)))
			},
			[]string{
				// All of them say from then on what the set is made with.
				"apply " + exampleInternal, "apply " + exampleFrontends, "ask " + exampleInternal, "ask " + exampleFrontends,
				"apply " + exampleDefaultDeny, "ask " + exampleDefaultDeny,
				"delete " + exampleBackends,
			}},
		{"everything is there", backendsLocked,
			func(t *testing.T, w *watchful) change.Plan { return fixture.Lockdown(t, w.policies(), backendsOnly(t)) },
			[]string{"ask " + exampleInternal, "ask " + exampleBackends, "ask " + exampleDefaultDeny}},
		{"unlock", backendsLocked,
			func(_ *testing.T, w *watchful) change.Plan {
				return change.Unlock(w.policies(), []types.NamespacedName{example})
			},
			[]string{"delete " + exampleDefaultDeny, "delete " + exampleBackends, "delete " + exampleInternal}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := tc.on(t)
			if err := w.run(t, tc.plan(t, w)); err != nil {
				t.Fatal(err)
			}
			w.expectRequests(t, tc.want...)
		})
	}
}

// While Cilium has not accepted what lets somebody in, default deny does not come.
func TestNoDefaultDenyBeforeCiliumsYes(t *testing.T) {
	for name, tc := range map[string]struct {
		says []word
		want string
	}{
		"refused":        {[]word{refused}, `policy "` + exampleInternal + `" is refused by Cilium: port 99999 is out of range`},
		"refused later":  {[]word{silent, silent, refused}, "is refused by Cilium"},
		"never answered": {[]word{silent}, "no word from Cilium within 1m0s on whether it accepts " + exampleInternal},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatchful()
			w.says[exampleInternal] = tc.says
			err := w.run(t, fixture.Lockdown(t, nil, backendsOnly(t)))
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "rolled back") {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if slices.Contains(w.requests, "apply "+exampleDefaultDeny) {
				t.Errorf("default deny was applied: %q", w.requests)
			}
			if len(w.objects) > 0 {
				t.Errorf("left on the server: %v", w.names())
			}
		})
	}
}

// What Cilium says of a policy that was just updated can be about what it was before.
func TestRefusalsOfAnUpdatedPolicy(t *testing.T) {
	for name, tc := range map[string]struct {
		says []word
		want string
	}{
		"of the former content":        {[]word{refused, refused, valid}, ""},
		"of the former, and then none": {[]word{refused, silent, valid}, ""},
		"that stay":                    {[]word{refused}, "is refused by Cilium"},
	} {
		t.Run(name, func(t *testing.T) {
			w := backendsLocked(t)
			w.objects[exampleBackends].Spec.Description = "drifted"
			w.says[exampleBackends] = tc.says
			err := w.run(t, fixture.Lockdown(t, w.policies(), backendsOnly(t)))
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// A policy that goes while Cilium's word on it is waited for protects nobody, and is no reason to go on.
func TestAPolicyThatGoesDuringTheWait(t *testing.T) {
	for name, happens := range map[string]func(*watchful) func(){
		"removed":            func(w *watchful) func() { return w.removed(exampleInternal) },
		"removed and remade": func(w *watchful) func() { return w.replaced(exampleInternal) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatchful()
			w.meanwhile["ask "+exampleInternal] = happens(w)
			err := w.run(t, fixture.Lockdown(t, nil, backendsOnly(t)))
			if want := `policy "` + exampleInternal + `" was removed by somebody else in the meantime`; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
			if slices.Contains(w.requests, "apply "+exampleDefaultDeny) {
				t.Errorf("default deny was applied: %q", w.requests)
			}
		})
	}
}

// What somebody else did since the plan was made stands; that Cilium wrote a status means nothing.
func TestWhatHappenedSinceThePlan(t *testing.T) {
	unlock := func(_ *testing.T, w *watchful) change.Plan {
		return change.Unlock(w.policies(), []types.NamespacedName{example})
	}
	repair := func(t *testing.T, w *watchful) change.Plan {
		w.objects[exampleBackends].Spec.Description = "drifted"
		return fixture.Lockdown(t, w.policies(), backendsOnly(t))
	}
	const changed = "it was changed by somebody else in the meantime"
	for _, tc := range []struct {
		name    string
		plan    func(*testing.T, *watchful) change.Plan
		happens func(*watchful, string) func()
		before  string
		want    string
	}{
		{"status before a deletion", unlock, (*watchful).statusWritten, "delete", ""},
		{"status before an update", repair, (*watchful).statusWritten, "apply", ""},
		{"edited before a deletion", unlock, (*watchful).edited, "delete", changed},
		{"edited before an update", repair, (*watchful).edited, "apply", changed},
		{"remade before a deletion", unlock, (*watchful).replaced, "delete", changed},
		{"remade before an update", repair, (*watchful).replaced, "apply", changed},
		{"removed before a deletion", unlock, (*watchful).removed, "delete", ""},
		{"joined before a deletion", unlock, (*watchful).joined, "delete", changed},
		{"joined before an update", repair, (*watchful).joined, "apply", changed},
		{"labelled before a deletion", unlock, (*watchful).labelled, "delete", ""},
		{"labelled before an update", repair, (*watchful).labelled, "apply", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := backendsLocked(t)
			plan := tc.plan(t, w)
			w.meanwhile[tc.before+" "+exampleBackends] = tc.happens(w, exampleBackends)
			err := w.run(t, plan)
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			// It is known that the step was not made: nobody looks it up.
			if err != nil && strings.Contains(err.Error(), "between two states") {
				t.Error(err)
			}
			if got := w.ofOthers(); !slices.Equal(got, []string{exampleBackends}) {
				t.Errorf("policies of others %v: theirs is gone", got)
			}
		})
	}
}

// A policy that somebody has made since the plan is theirs.
func TestANewPolicyIsNotForcedUponOthers(t *testing.T) {
	w := newWatchful()
	w.meanwhile["apply "+exampleDefaultDeny] = w.replaced(exampleDefaultDeny)
	err := w.run(t, fixture.Lockdown(t, nil, backendsOnly(t)))
	if err == nil || !strings.Contains(err.Error(), "creating "+fmt.Sprintf("%q", exampleDefaultDeny)) {
		t.Errorf("error %v", err)
	}
	if got := w.names(); !slices.Equal(got, []string{exampleDefaultDeny}) || len(w.ofOthers()) != 1 {
		t.Errorf("on the server are %v, of others %v", got, w.ofOthers())
	}
}

// Undoing begins with default deny: what makes it bearable goes after it.
func TestUndoingRunsBackwards(t *testing.T) {
	for name, tc := range map[string]struct {
		on   func(*testing.T) *watchful
		plan func(*testing.T, *watchful) change.Plan
		want []string
	}{
		"lockdown": {
			nothingThere,
			func(t *testing.T, w *watchful) change.Plan { return fixture.Lockdown(t, w.policies(), backendsOnly(t)) },
			[]string{"delete " + exampleDefaultDeny, "delete " + exampleBackends, "delete " + exampleInternal},
		},
		"unlock": {
			backendsLocked,
			func(_ *testing.T, w *watchful) change.Plan {
				return change.Unlock(w.policies(), []types.NamespacedName{example})
			},
			[]string{"apply " + exampleInternal, "apply " + exampleBackends, "apply " + exampleDefaultDeny},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := tc.on(t)
			before := w.names()
			err := w.run(t, tc.plan(t, w), func(r *Runner) {
				r.Verify = func(context.Context) error {
					w.requests = nil
					return errors.New("not what the preview said")
				}
			})
			if err == nil || !strings.Contains(err.Error(), "not what the preview said") {
				t.Errorf("error %v", err)
			}
			w.expectRequests(t, tc.want...)
			if got := w.names(); !slices.Equal(got, before) {
				t.Errorf("on the server are %v, before there were %v", got, before)
			}
		})
	}
}

// Whoever interrupts a lockdown gets back what was there before.
func TestAnInterruptedLockdownIsUndone(t *testing.T) {
	for _, when := range []string{"ask " + exampleInternal, "ask " + exampleDefaultDeny, "apply " + exampleDefaultDeny} {
		t.Run(when, func(t *testing.T) {
			w := newWatchful()
			synctest.Test(t, func(t *testing.T) {
				ctx, interrupt := context.WithCancelCause(t.Context())
				w.meanwhile[when] = func() { interrupt(errors.New("interrupted")) }
				_, err := Runner{Client: w, Wait: true, Timeout: time.Minute}.Run(ctx, fixture.Lockdown(t, nil, backendsOnly(t)))
				if err == nil || !strings.Contains(err.Error(), "rolled back") {
					t.Errorf("error %v", err)
				}
			})
			if len(w.objects) > 0 {
				t.Errorf("left on the server: %v", w.names())
			}
		})
	}
}

// A dry run asks the server for its opinion, and changes, waits for and undoes nothing.
func TestADryRunChangesNothing(t *testing.T) {
	dry := func(r *Runner) {
		r.DryRun = true
		r.Verify = func(context.Context) error { return errors.New("there is nothing to verify") }
	}
	for name, tc := range map[string]struct {
		on   func(*testing.T) *watchful
		plan func(*testing.T, *watchful) change.Plan
		want []string
	}{
		"lockdown": {
			nothingThere,
			func(t *testing.T, w *watchful) change.Plan { return fixture.Lockdown(t, w.policies(), backendsOnly(t)) },
			[]string{"apply " + exampleInternal, "apply " + exampleBackends, "apply " + exampleDefaultDeny},
		},
		"unlock": {
			backendsLocked,
			func(_ *testing.T, w *watchful) change.Plan {
				return change.Unlock(w.policies(), []types.NamespacedName{example})
			},
			[]string{"delete " + exampleDefaultDeny, "delete " + exampleBackends, "delete " + exampleInternal},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := tc.on(t)
			before := w.version
			names := w.names()
			if err := w.run(t, tc.plan(t, w), dry); err != nil {
				t.Error(err)
			}
			w.expectRequests(t, tc.want...)
			if w.version != before || !slices.Equal(w.names(), names) {
				t.Errorf("on the server are %v, before there were %v", w.names(), names)
			}
		})
	}
}
