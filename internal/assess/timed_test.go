package assess_test

import (
	"testing"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// A lockdown on trial says when it ends and what is left then; what should have ended is an error.
func TestWhatEndsByItself(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	job := inventory.Timer{Namespace: "shop", Name: "pg-timer", UID: "1", Completed: at, TTL: 10 * time.Minute, Limited: true}
	for name, tc := range map[string]struct {
		timers  []inventory.Timer
		all     bool
		now     time.Time
		uid     string
		overdue bool
		message string
		left    time.Duration
	}{
		"in ten minutes":               {[]inventory.Timer{job}, true, at, "1", false, "", 10 * time.Minute},
		"over, and to be collected":    {[]inventory.Timer{job}, true, at.Add(10*time.Minute + 30*time.Second), "1", false, "", -30 * time.Second},
		"overdue":                      {[]inventory.Timer{job}, true, at.Add(12 * time.Minute), "1", true, "it should have ended at 2026-03-01T12:10:00Z: is a kube-controller-manager running?", -2 * time.Minute},
		"of a clock that is not known": {[]inventory.Timer{job}, true, time.Time{}, "1", false, "", 0},
		"the Job is gone":              {nil, true, at, "1", true, "its time is over, and the garbage collector has not deleted it, which takes seconds where a kube-controller-manager runs", 0},
		"another Job of that name":     {[]inventory.Timer{job}, true, at, "2", true, "its time is over, and the garbage collector has not deleted it, which takes seconds where a kube-controller-manager runs", 0},
		"Jobs were not read":           {nil, false, at, "1", false, "its Job is not among the manifests", 0},
		"nobody owns it":               {[]inventory.Timer{job}, true, at, "", true, "it does not end: somebody has taken its owner reference away", 0},
		"without a limit":              {[]inventory.Timer{{Namespace: "shop", Name: "pg-timer", UID: "1", Completed: at}}, true, at, "1", true, "it does not end: somebody has taken the time limit of its Job away", 0},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.Locked(t, policyset.FlagValues{})
			inv.Timers, inv.AllTimers, inv.Now = tc.timers, tc.all, tc.now
			for i := range inv.Policies {
				p, ok := inv.Policies[i].Object.(*ciliumv2.CiliumNetworkPolicy)
				if !ok || policyset.Role(p.Labels[policyset.LabelPolicy]) != policyset.DefaultDeny {
					continue
				}
				p = policyset.EndingWith(p, policyset.Timer{Name: "pg-timer", UID: "1"})
				if p.OwnerReferences[0].UID = "1"; tc.uid != "1" {
					p.OwnerReferences[0].UID = "2"
				}
				if tc.uid == "" {
					p.OwnerReferences = nil
				}
				inv.Policies[i].Object, inv.Policies[i].Annotations = p, p.Annotations
			}
			m, err := model.New(inv, model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := assess.Evaluate(m).Items[0]
			if len(r.Timed) != 1 {
				t.Fatalf("%+v", r.Timed)
			}
			got := r.Timed[0]
			if got.Kind != v1alpha1.TimedLockdown || got.Overdue != tc.overdue || got.Message != tc.message || got.Then != v1alpha1.PostureOpen || len(got.Policies) != 1 {
				t.Errorf("%+v", got)
			}
			if left := got.Remaining; (left != nil) != (tc.left != 0) || left != nil && left.Duration != tc.left {
				t.Errorf("remaining %v", left)
			}
			overdue := false
			for _, f := range r.Findings {
				overdue = overdue || f.Code == v1alpha1.AccessOverdue && f.Severity == v1alpha1.SeverityError
				if f.Code == v1alpha1.SetDrifted || f.Code == v1alpha1.SetIncomplete {
					t.Errorf("a timer is taken for a change: %+v", f)
				}
			}
			if overdue != tc.overdue {
				t.Errorf("findings %+v", r.Findings)
			}
		})
	}
}

// A Job that could not be read is neither over nor for good: nothing is known of its end, for a reason that is told.
func TestATimerThatCouldNotBeRead(t *testing.T) {
	for name, tc := range map[string]struct {
		unseen  []inventory.Missing
		message string
	}{
		"forbidden":              {[]inventory.Missing{{Resource: "jobs.batch", Message: "Jobs can't be read: that is forbidden"}}, "Jobs can't be read: that is forbidden"},
		"in another namespace":   {[]inventory.Missing{{Resource: "jobs.batch", Scope: inventory.Scope{Namespace: "billing"}, Message: "forbidden"}}, "its Job could not be read"},
		"nobody says why":        {nil, "its Job could not be read"},
		"what has nothing to do": {[]inventory.Missing{{Resource: "backups.postgresql.cnpg.io", Message: "forbidden"}}, "its Job could not be read"},
	} {
		inv := fixture.Locked(t, policyset.FlagValues{})
		inv.Origin, inv.Unseen = inventory.Live, tc.unseen
		for i := range inv.Policies {
			if p, ok := inv.Policies[i].Object.(*ciliumv2.CiliumNetworkPolicy); ok && policyset.Role(p.Labels[policyset.LabelPolicy]) == policyset.DefaultDeny {
				p = policyset.EndingWith(p, policyset.Timer{Name: "pg-timer", UID: "1"})
				inv.Policies[i].Object, inv.Policies[i].Annotations = p, p.Annotations
			}
		}
		m, err := model.New(inv, model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := assess.Evaluate(m).Items[0]
		if len(r.Timed) != 1 || r.Timed[0].Overdue || r.Timed[0].Until != nil || r.Timed[0].Message != tc.message {
			t.Errorf("%s: %+v", name, r.Timed)
		}
		for _, f := range r.Findings {
			if f.Code == v1alpha1.AccessOverdue {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}
