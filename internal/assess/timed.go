package assess

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// overdueAfter is how late the controllers may be before that is called wrong: they take seconds.
const overdueAfter = time.Minute

// WhenEnded is the model after something has ended by itself, all else staying as it is.
func WhenEnded(m *model.Model, t v1alpha1.Timed) (*model.Model, error) {
	return without(m, t.Policies)
}

func without(m *model.Model, ended []v1alpha1.PolicyReference) (*model.Model, error) {
	gone := map[v1alpha1.PolicyReference]bool{}
	for _, ref := range ended {
		gone[ref] = true
	}
	return m.With(slices.DeleteFunc(slices.Clone(m.Inventory().Policies), func(p inventory.Policy) bool { return gone[p.PolicyReference] }))
}

// TimedOf is what ends by itself of a cluster, in the order in which it ends; without the posture that it has then.
func TimedOf(m *model.Model, c *model.Cluster) []v1alpha1.Timed {
	var out []v1alpha1.Timed
	for _, p := range Managed(m, c) {
		t, ends := policyset.TimerOf(p)
		if !ends {
			continue
		}
		at := slices.IndexFunc(out, func(have v1alpha1.Timed) bool { return have.Name == t.Name })
		if at < 0 {
			out = append(out, timedBy(m.Inventory(), p, t))
			at = len(out) - 1
		}
		out[at].Policies = append(out[at].Policies, v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: p.Namespace, Name: p.Name})
		if g, err := policyset.GrantOf(p); err == nil && out[at].Kind == v1alpha1.TimedGrant {
			out[at].Clients = append(out[at].Clients, command.Quote(g.Flag()...))
		}
	}
	slices.SortStableFunc(out, func(a, b v1alpha1.Timed) int {
		if a.Until == nil || b.Until == nil {
			return 0
		}
		return cmp.Or(a.Until.Compare(b.Until.Time), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// timedBy is what is known of a timer and of the first policy that ends with it.
func timedBy(inv *inventory.Inventory, p *ciliumv2.CiliumNetworkPolicy, t policyset.Timer) v1alpha1.Timed {
	out := v1alpha1.Timed{
		Name: t.Name, Kind: v1alpha1.TimedLockdown, Policies: []v1alpha1.PolicyReference{},
		RequestedBy: p.Annotations[policyset.AnnotationRequestedBy], Reason: p.Annotations[policyset.AnnotationReason],
	}
	switch policyset.Role(p.Labels[policyset.LabelPolicy]) {
	case policyset.DefaultDeny, policyset.EgressDefaultDeny:
	case policyset.GrantedAccess:
		out.Kind = v1alpha1.TimedGrant
	default:
		// Of a lockdown, nothing but default deny ends by itself.
		out.Kind = v1alpha1.TimedRehearsal
	}
	at := slices.IndexFunc(inv.Timers, func(job inventory.Timer) bool {
		return job.Namespace == p.Namespace && job.Name == t.Name && job.UID == t.UID
	})
	switch {
	case t.Lost:
		out.Overdue, out.Message = true, "it does not end: somebody has taken its owner reference away"
	case at >= 0:
		runsOut(&out, inv.Timers[at], inv.Now)
	case t.UID == "":
		out.Message = "its Job is not there yet"
	case inv.AllTimers:
		out.Overdue, out.Message = true, "its time is over, and the garbage collector has not deleted it, which takes seconds where a kube-controller-manager runs"
	case inv.Origin == inventory.Manifests:
		out.Message = "its Job is not among the manifests"
	default:
		out.Message = "its Job could not be read"
		for _, missing := range inv.Unseen {
			if missing.Plural() == "jobs" && missing.Covers(p.Namespace) {
				out.Message = missing.Message
			}
		}
	}
	return out
}

// runsOut says when a timer ends.
func runsOut(out *v1alpha1.Timed, job inventory.Timer, now time.Time) {
	until, known := job.Deadline()
	switch {
	case !job.Limited:
		out.Overdue, out.Message = true, "it does not end: somebody has taken the time limit of its Job away"
		return
	case !known:
		out.Message = "its Job is not complete yet"
		return
	}
	out.Until = &metav1.Time{Time: until}
	if now.IsZero() {
		return
	}
	remaining := until.Sub(now)
	out.Remaining = &metav1.Duration{Duration: remaining}
	if remaining < -overdueAfter {
		out.Overdue = true
		out.Message = fmt.Sprintf("it should have ended at %s: is a kube-controller-manager running?", until.UTC().Format(time.RFC3339))
	}
}

// overdueFindings are about what should have ended, or never will.
func overdueFindings(_ *model.Model, c *model.Cluster, r *v1alpha1.IsolationReport) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	for _, t := range r.Timed {
		if !t.Overdue {
			continue
		}
		what := "the lockdown that nobody has confirmed is still there"
		remedy := command.Words("Keep it or end it:").Run(
			command.Plugin("confirm", c.Object.Name).In(c.Object.Namespace), command.Plugin("unlock", c.Object.Name).In(c.Object.Namespace))
		switch t.Kind {
		case v1alpha1.TimedLockdown:
		case v1alpha1.TimedRehearsal:
			what = "the rehearsal that nobody has confirmed is still there"
		case v1alpha1.TimedGrant:
			what = fmt.Sprintf("the access that was granted as %q is still there", t.Name)
			remedy = command.Run(command.Plugin("revoke", c.Object.Name, t.Name).In(c.Object.Namespace))
		}
		out = append(out, finding(v1alpha1.AccessOverdue, v1alpha1.SeverityError, what+": "+t.Message, remedy))
	}
	return out
}
