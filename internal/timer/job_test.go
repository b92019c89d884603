package timer_test

import (
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/timer"
)

func TestNamesFitAJob(t *testing.T) {
	long := strings.Repeat("a", 50)
	for cluster, want := range map[string]string{"orders": "orders-lockdown-timer", long: long + "-loc-454ee355"} {
		if got := timer.LockdownName(cluster); len(validation.IsDNS1123Label(got)) > 0 || got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if timer.LockdownName(long+"a") == timer.LockdownName(long+"b") {
		t.Error("two clusters have one timer")
	}
}

// Nothing ends before it was said to.
func TestSecondsAreRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]int32{time.Second: 1, time.Second + 1: 2, 10 * time.Minute: 600} {
		if got := timer.Seconds(d); got != want {
			t.Errorf("%s: %d", d, got)
		}
	}
}

func TestTheDeadlineCountsFromTheCondition(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	spec := timer.Spec{Name: "a", Cluster: types.NamespacedName{Namespace: "shop", Name: "orders"}, Purpose: timer.Lockdown, For: time.Minute}
	for name, tc := range map[string]struct {
		change func(*batchv1.Job)
		want   string
	}{
		"not complete": {func(*batchv1.Job) {}, ""},
		"complete": {func(j *batchv1.Job) {
			j.Status.CompletionTime = &metav1.Time{Time: at.Add(-time.Hour)}
			j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Time{Time: at}}}
		}, "12:01:00"},
		"extended": {func(j *batchv1.Job) {
			j.Spec.TTLSecondsAfterFinished = ptr.To[int32](120)
			j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Time{Time: at}}}
		}, "12:02:00"},
		"without a limit": {func(j *batchv1.Job) {
			j.Spec.TTLSecondsAfterFinished = nil
			j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Time{Time: at}}}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			job := spec.Job()
			tc.change(job)
			until, known := timer.Read(job).Deadline()
			if known != (tc.want != "") || known && until.Format("15:04:05") != tc.want {
				t.Errorf("%s, %t", until, known)
			}
			if !timer.IsTimer(job.Labels, "orders") || timer.IsTimer(job.Labels, "stock") {
				t.Error("it is another cluster's")
			}
		})
	}
}
