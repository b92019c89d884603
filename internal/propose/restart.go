package propose

import (
	"slices"

	"github.com/cilium/cilium/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Whom Cilium does not manage, the agents know by the address alone (end): rules by labels let it in
// nowhere, and let nobody out to it. The cure is a restart, and never a policy for everybody.

// toRestart are the pods that Cilium does not manage and that are denied for it, as a source or as a target.
func toRestart(q *explain.Question) []int {
	var pods []int
	for _, o := range q.Origins {
		for _, t := range q.Goals {
			if t.Port == 0 || !o.Asks(t) {
				continue
			}
			ingress, egress := q.Directions(o, t)
			if ingress.Verdict == v1alpha1.VerdictDenied && o.Identity.Entity() == labels.IDNameUnmanaged {
				pods = append(pods, o.Pods...)
			}
			if egress.Verdict == v1alpha1.VerdictDenied && q.Model.IsUnmanaged(t.Member.Pod) {
				pods = append(pods, t.Member.Pod)
			}
		}
	}
	slices.Sort(pods)
	return slices.Compact(pods)
}

// restarted is the question in a model in which Cilium manages the pods.
func restarted(q *explain.Question, pods []int) *explain.Question {
	other := *q
	other.Model, other.Origins = q.Model.Restarted(pods), nil
	at := map[*engine.Identity]int{}
	for _, o := range q.Origins {
		if o.Identity.Entity() == labels.IDNameUnmanaged && slices.Contains(pods, o.Pods[0]) {
			for _, i := range o.Pods {
				other.AddPod(at, explain.Origin{Identity: q.Model.IdentityOf(i)}, i)
			}
			continue
		}
		at[o.Identity] = len(other.Origins)
		o.Pods = slices.Clone(o.Pods)
		other.Origins = append(other.Origins, o)
	}
	return &other
}

// restartStep says what to restart, and why.
func restartStep(q *explain.Question, pods []int) command.Text { return restartPods(q.Model, pods) }

func restartPods(m *model.Model, pods []int) command.Text {
	names := make([]string, 0, len(pods))
	for _, i := range pods {
		names = append(names, m.Pod(i).Namespace+"/pod/"+m.Pod(i).Name)
	}
	if len(names) == 1 {
		return command.Wordsf("Restart %s: Cilium does not manage it, so that no rule by labels knows it.", names[0])
	}
	return command.Wordsf("Restart %s: Cilium does not manage them, so that no rule by labels knows them.", inWords(names, "and"))
}
