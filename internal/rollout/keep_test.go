package rollout

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/timer"
)

// exampleTimer is the Job of the example's lockdown.
const exampleTimer = "cluster-example-lockdown-timer"

// onTrial is a server on which a lockdown has ended well that ends by itself, with its Job.
func onTrial(t *testing.T) (*watchful, Timers) {
	t.Helper()
	o := backendsOnly(t)
	o.Timer = exampleTimer
	plan := fixture.Lockdown(t, nil, o).WithTimers(map[types.NamespacedName]types.UID{{Namespace: example.Namespace, Name: exampleTimer}: "job"})
	w := newWatchful()
	if _, err := (Runner{Client: w}).Run(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	w.requests = nil
	job := timer.Spec{Name: exampleTimer, Cluster: example, Purpose: timer.Lockdown}.Job()
	job.UID = "job"
	return w, Timers{Jobs: kubefake.NewClientset(job).BatchV1(), Policies: w}
}

// A policy is confirmed or collected, and never both, whoever comes first and whatever answer is lost. What is called
// confirmed is there, and nothing ends it.
func TestConfirmedOrCollected(t *testing.T) {
	const ask, patch = "ask " + exampleDefaultDeny, "apply " + exampleDefaultDeny
	for name, tc := range map[string]struct {
		meanwhile func(*watchful)
		collected bool
	}{
		"in time":                      {func(*watchful) {}, false},
		"the collector was first":      {func(w *watchful) { w.meanwhile[ask] = w.removed(exampleDefaultDeny) }, true},
		"the collector is faster":      {func(w *watchful) { w.meanwhile[patch] = w.removed(exampleDefaultDeny) }, true},
		"Cilium writes its status":     {func(w *watchful) { w.meanwhile[patch] = w.statusWritten(exampleDefaultDeny) }, false},
		"somebody else makes one anew": {func(w *watchful) { w.meanwhile[ask] = w.replaced(exampleDefaultDeny) }, true},
		"the answer is lost":           {func(w *watchful) { w.loseAnswerTo = exampleDefaultDeny }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w, timers := onTrial(t)
			seen := w.objects[exampleDefaultDeny].DeepCopy()
			tc.meanwhile(w)
			var kept bool
			var err error
			synctest.Test(t, func(t *testing.T) { kept, err = timers.Keep(t.Context(), seen) })
			if kept == tc.collected || errors.Is(err, ErrCollected) != tc.collected || !tc.collected && err != nil {
				t.Errorf("kept %t, %v", kept, err)
			}
			if !kept {
				return
			}
			if _, timed := policyset.TimerOf(w.objects[exampleDefaultDeny]); timed {
				t.Error("it is called confirmed, and ends")
			}
			if _, err := timers.Jobs.Jobs(example.Namespace).Get(t.Context(), exampleTimer, metav1.GetOptions{}); err == nil {
				t.Error("the timer is there")
			}
		})
	}
}

// An owner that is no timer stays, in a confirmation as in a roll-back.
func TestOwnersOfOthersStay(t *testing.T) {
	w, timers := onTrial(t)
	theirs := metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "theirs", UID: "theirs"}
	p := w.objects[exampleDefaultDeny].DeepCopy()
	p.OwnerReferences = append(p.OwnerReferences, theirs)
	w.store(p)
	var err error
	synctest.Test(t, func(t *testing.T) { _, err = timers.Keep(t.Context(), p) })
	if got := w.objects[exampleDefaultDeny].OwnerReferences; err != nil || len(got) != 1 || got[0] != theirs {
		t.Errorf("%v, %v", got, err)
	}
	body, err := difference(w.objects[exampleDefaultDeny], p)
	if err != nil {
		t.Fatal(err)
	}
	back, err := w.Patch(t.Context(), exampleDefaultDeny, types.MergePatchType, body, metav1.PatchOptions{})
	if err != nil || len(back.OwnerReferences) != 2 {
		t.Errorf("%s: %v, %v", body, ownersOf(back), err)
	}
}

func ownersOf(p *ciliumv2.CiliumNetworkPolicy) []metav1.OwnerReference {
	if p == nil {
		return nil
	}
	return p.OwnerReferences
}

// Without the Job, a policy is confirmed all the same, and only what is about the Job is not known.
func TestConfirmingWithoutTheJob(t *testing.T) {
	for verb, extended := range map[string]string{
		"get":    `timer "cluster-example-lockdown-timer": jobs.batch "cluster-example-lockdown-timer" is forbidden: `,
		"delete": "",
	} {
		w, timers := onTrial(t)
		seen := w.objects[exampleDefaultDeny].DeepCopy()
		job := timer.Spec{Name: exampleTimer, Cluster: example, Purpose: timer.Lockdown, For: time.Hour}.Job()
		job.UID = "job"
		complete(job)
		fake := kubefake.NewClientset(job)
		fake.PrependReactor(verb, "jobs", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Group: "batch", Resource: "jobs"}, exampleTimer, nil)
		})
		timers.Jobs = fake.BatchV1()
		_, err := timers.Extend(t.Context(), inventory.Timer{Namespace: example.Namespace, Name: exampleTimer, UID: "job"}, time.Minute)
		if (err == nil) != (extended == "") || err != nil && !strings.HasPrefix(err.Error(), extended) {
			t.Errorf("without %s: %v, want %q", verb, err, extended)
		}
		kept, err := timers.Keep(t.Context(), seen)
		if !kept || (err != nil) != (verb == "delete") {
			t.Errorf("without %s: kept %t, %v", verb, kept, err)
		}
	}
}

// rehearsed is a server on which a rehearsal has ended well that ends by itself, with its Job, and what it consists of.
func rehearsed(t *testing.T) (*watchful, Timers, *kubefake.Clientset, []*ciliumv2.CiliumNetworkPolicy) {
	t.Helper()
	o := backendsOnly(t)
	o.Timer, o.RehearsedSince = exampleTimer, time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
	plan := fixture.Lockdown(t, nil, o).WithTimers(map[types.NamespacedName]types.UID{{Namespace: example.Namespace, Name: exampleTimer}: "job"})
	w := newWatchful()
	if _, err := (Runner{Client: w}).Run(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	w.requests = nil
	job := timer.Spec{Name: exampleTimer, Cluster: example, Purpose: timer.Lockdown, For: time.Hour}.Job()
	job.UID = "job"
	complete(job)
	fake := kubefake.NewClientset(job)
	var set []*ciliumv2.CiliumNetworkPolicy
	for _, name := range w.names() {
		set = append(set, w.objects[name].DeepCopy())
	}
	return w, Timers{Jobs: fake.BatchV1(), Policies: w}, fake, set
}

// All of a rehearsal is confirmed, or none: the timer decides, and not each policy for itself.
func TestARehearsalIsConfirmedOrCollected(t *testing.T) {
	const access, backend = "cluster-example-internal-access", "cluster-example-postgres-access-role-backend"
	for name, tc := range map[string]struct {
		meanwhile func(*watchful, *kubefake.Clientset)
		// kept is whether it stays, and says what the error has.
		kept bool
		says string
	}{
		"in time":            {func(*watchful, *kubefake.Clientset) {}, true, ""},
		"the answer is lost": {func(w *watchful, _ *kubefake.Clientset) { w.loseAnswerTo = backend }, true, ""},
		"the timer is over": {func(_ *watchful, fake *kubefake.Clientset) {
			fake.PrependReactor("get", "jobs", func(clienttesting.Action) (bool, runtime.Object, error) {
				return true, nil, apierrors.NewNotFound(schema.GroupResource{Group: "batch", Resource: "jobs"}, exampleTimer)
			})
		}, false, ErrCollected.Error()},
		"somebody deletes a part of it": {func(w *watchful, _ *kubefake.Clientset) { w.meanwhile["ask "+backend] = w.removed(backend) }, false, `policy "` + backend + `" is gone, and others may be there`},
		"the Job can't be moved": {func(_ *watchful, fake *kubefake.Clientset) {
			fake.PrependReactor("patch", "jobs", func(clienttesting.Action) (bool, runtime.Object, error) {
				return true, nil, apierrors.NewForbidden(schema.GroupResource{Group: "batch", Resource: "jobs"}, exampleTimer, nil)
			})
		}, false, "is forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			w, timers, fake, set := rehearsed(t)
			tc.meanwhile(w, fake)
			var kept bool
			var err error
			synctest.Test(t, func(t *testing.T) { kept, err = timers.KeepAll(t.Context(), set) })
			if kept != tc.kept || (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("kept %t, %v", kept, err)
			}
			if tc.says == ErrCollected.Error() && len(w.requests) > 0 {
				t.Errorf("a part may be kept: %v", w.requests)
			}
			if !kept {
				return
			}
			for _, name := range []string{access, backend} {
				if _, timed := policyset.TimerOf(w.objects[name]); timed {
					t.Errorf("%s is called confirmed, and ends", name)
				}
			}
			if _, err := timers.Jobs.Jobs(example.Namespace).Get(t.Context(), exampleTimer, metav1.GetOptions{}); err == nil {
				t.Error("the timer is there")
			}
		})
	}
}

// While several policies are confirmed one after the other, their timer must not run out.
func TestTheTimerWaitsForAConfirmation(t *testing.T) {
	w, timers, fake, set := rehearsed(t)
	var left *int32
	w.meanwhile["apply "+set[0].Name] = func() {
		job, err := fake.BatchV1().Jobs(example.Namespace).Get(t.Context(), exampleTimer, metav1.GetOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		left = job.Spec.TTLSecondsAfterFinished
	}
	synctest.Test(t, func(t *testing.T) { _, _ = timers.KeepAll(t.Context(), set) })
	if left == nil || *left != timer.Seconds(time.Hour+holdFor) {
		t.Errorf("it ends after %v seconds", left)
	}
}
