package explain

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// doubtUnsettled is for pods at which the agent is still at work: what the policies deny there may be allowed all
// the same, for all that is known, and a pod without an identity is not who the other one's policies would take
// it for. Seen with Cilium v1.18: a new replica that let in everybody for 14 s.
func doubtUnsettled(m *model.Model, from, to model.End, d engine.Decision) engine.Decision {
	if !m.Enforces() {
		return d
	}
	if d.Egress.Verdict == v1alpha1.VerdictDenied && from.Unsettled != "" {
		d.Egress = unsettled(d.Egress, from)
	}
	restricted := d.Ingress.Verdict == v1alpha1.VerdictDenied || len(d.Ingress.Rules) > 0
	switch {
	case d.Ingress.Verdict == v1alpha1.VerdictDenied && to.Unsettled != "":
		d.Ingress = unsettled(d.Ingress, to)
	case restricted && from.Unidentified:
		d.Ingress = engine.Direction{
			Verdict: v1alpha1.VerdictUnknown, Rules: d.Ingress.Rules, DefaultDeny: d.Ingress.DefaultDeny,
			Reason: fmt.Sprintf("Cilium has not given %s an identity yet, by which policies at the target would know it", from.Name),
		}
	}
	return engine.Join(d.Ingress, d.Egress)
}

func unsettled(d engine.Direction, at model.End) engine.Direction {
	return engine.Direction{
		Verdict: v1alpha1.VerdictUnknown, Rules: d.Rules, DefaultDeny: d.DefaultDeny,
		Reason: fmt.Sprintf("policies deny it, and whether Cilium enforces them at %s already can't be told: its endpoint is not ready (%s)", at.Name, at.Unsettled),
	}
}

// withDoubt is the verdict on all answers: denied is none where one of them hangs on a pod at which the agent is
// still at work, as whoever is shut out may connect to it.
func withDoubt(verdict v1alpha1.Verdict, answers []v1alpha1.Answer, ends []model.End) v1alpha1.Verdict {
	open := slices.ContainsFunc(answers, func(a v1alpha1.Answer) bool { return a.Verdict == v1alpha1.VerdictUnknown && !a.Advisory })
	atWork := slices.ContainsFunc(ends, func(e model.End) bool { return e.Unsettled != "" })
	if verdict == v1alpha1.VerdictDenied && open && atWork {
		return v1alpha1.VerdictUnknown
	}
	return verdict
}

// ends are the pods of a question, as far as they are there.
func (q *Question) ends() []model.End {
	var out []model.End
	for _, t := range q.Goals {
		out = append(out, q.Model.EndOf(t.Member.Pod, t.Pod.Name))
	}
	for _, o := range q.Origins {
		if o.far != nil && o.far.question != nil {
			out = append(out, o.far.end())
		}
		for _, i := range o.Pods {
			out = append(out, q.Model.EndOf(i, q.Model.Pod(i).Name))
		}
	}
	return out
}
