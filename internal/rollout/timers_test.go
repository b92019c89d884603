package rollout

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/timer"
)

var begun = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// jobs is a server on which each Job is complete at once, as far as the controller runs.
func jobs(controller bool, objects ...runtime.Object) *kubefake.Clientset {
	fake := kubefake.NewClientset(objects...)
	fake.PrependReactor("create", "jobs", func(a clienttesting.Action) (bool, runtime.Object, error) {
		create, ok := a.(clienttesting.CreateActionImpl)
		job, isJob := create.GetObject().(*batchv1.Job)
		if !ok || !isJob {
			return false, nil, nil
		}
		if len(create.CreateOptions.DryRun) > 0 {
			return true, job, nil
		}
		job.UID = "made"
		if controller {
			complete(job)
		}
		return false, nil, nil
	})
	return fake
}

func complete(job *batchv1.Job) {
	job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Time{Time: begun}}}
}

func aTimer(change ...func(*batchv1.Job)) *batchv1.Job {
	job := aSpec().Job()
	job.UID = "there"
	complete(job)
	for _, c := range change {
		c(job)
	}
	return job
}

func aSpec() timer.Spec {
	return timer.Spec{Name: exampleTimer, Cluster: example, Purpose: timer.Lockdown, For: 10 * time.Minute}
}

// A timer runs when Begin says so; where nothing would ever end, nothing is left.
func TestTimersBegin(t *testing.T) {
	for name, tc := range map[string]struct {
		there      []runtime.Object
		controller bool
		made       bool
		uid, err   string
		left       int
	}{
		"one that is new":            {nil, true, true, "made", "", 1},
		"one that is there":          {[]runtime.Object{aTimer()}, true, false, "there", "", 1},
		"without controllers":        {nil, false, true, "", `the Job "cluster-example-lockdown-timer" was not complete within 1m0s, so nothing would end by itself: is a kube-controller-manager running?`, 0},
		"a Job of others":            {[]runtime.Object{aTimer(func(j *batchv1.Job) { j.Labels = nil })}, true, false, "", "a Job of that name is there, and is no timer of this cluster: delete it or rename it", 1},
		"a timer of another cluster": {[]runtime.Object{aTimer(func(j *batchv1.Job) { j.Labels["cnpg-netpol/cluster"] = "other" })}, true, false, "", "is no timer of this cluster", 1},
	} {
		t.Run(name, func(t *testing.T) {
			fake := jobs(tc.controller, tc.there...)
			timers := Timers{Jobs: fake.BatchV1(), Timeout: time.Minute, Now: func() time.Time { return begun.Add(5 * time.Minute) }}
			var running inventory.Timer
			var made bool
			var err error
			synctest.Test(t, func(t *testing.T) { running, made, err = timers.Begin(t.Context(), aSpec()) })
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got  %v\nwant %s", err, tc.err)
				}
			} else if err != nil || made != tc.made || string(running.UID) != tc.uid {
				t.Errorf("%+v, made %t, %v", running, made, err)
			}
			if until, known := running.Deadline(); tc.err == "" && (!known || !made && !until.Equal(begun.Add(15*time.Minute))) {
				t.Errorf("until %s", until)
			}
			list, err := fake.BatchV1().Jobs(example.Namespace).List(t.Context(), metav1.ListOptions{})
			if err != nil || len(list.Items) != tc.left {
				t.Errorf("%d Jobs are left, %v", len(list.Items), err)
			}
		})
	}
}

// Deadlines move by the server's clock, and not when it is too late.
func TestTimersMove(t *testing.T) {
	extend := func(timers Timers, of inventory.Timer) (inventory.Timer, error) {
		return timers.Extend(t.Context(), of, time.Minute)
	}
	restart := func(timers Timers, of inventory.Timer) (inventory.Timer, error) {
		return timers.Restart(t.Context(), of, time.Minute)
	}
	for name, tc := range map[string]struct {
		move  func(Timers, inventory.Timer) (inventory.Timer, error)
		now   time.Duration
		there []runtime.Object
		until time.Duration
	}{
		"extended":              {extend, 4 * time.Minute, []runtime.Object{aTimer()}, 11 * time.Minute},
		"extended when overdue": {extend, 20 * time.Minute, []runtime.Object{aTimer()}, 21 * time.Minute},
		"begun anew":            {restart, 4 * time.Minute, []runtime.Object{aTimer()}, 5 * time.Minute},
		"gone":                  {extend, 0, nil, 0},
		"another of that name":  {extend, 0, []runtime.Object{aTimer(func(j *batchv1.Job) { j.UID = "other" })}, 0},
		"being deleted":         {restart, 0, []runtime.Object{aTimer(func(j *batchv1.Job) { j.DeletionTimestamp, j.Finalizers = &metav1.Time{Time: begun}, []string{"a/b"} })}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			timers := Timers{Jobs: jobs(true, tc.there...).BatchV1(), Now: func() time.Time { return begun.Add(tc.now) }}
			moved, err := tc.move(timers, timer.Read(aTimer()))
			if tc.until == 0 {
				if !errors.Is(err, ErrTimerEnded) {
					t.Errorf("%+v, %v", moved, err)
				}
				return
			}
			if until, _ := moved.Deadline(); err != nil || !until.Equal(begun.Add(tc.until)) {
				t.Errorf("until %s, %v", until, err)
			}
		})
	}
}
