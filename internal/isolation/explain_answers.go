package isolation

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// answers asks about every source and every target, and puts together what is decided alike: first
// the targets of one source, then the sources with the same answers.
func (m *Model) answers(c *cluster, targets []goal) []v1alpha1.Answer {
	type block struct {
		key     string
		sources []string
		answers []v1alpha1.Answer
	}
	var blocks []block
	for _, o := range m.origins {
		answers := m.answersFor(c, o, targets)
		if len(answers) == 0 {
			continue
		}
		key := ""
		for _, a := range answers {
			key += answerKey(a) + strings.Join(a.Targets, ",") + ";"
		}
		at := slices.IndexFunc(blocks, func(b block) bool { return b.key == key })
		if at < 0 {
			at = len(blocks)
			blocks = append(blocks, block{key: key, answers: answers})
		}
		blocks[at].sources = append(blocks[at].sources, m.namesOf(o)...)
	}
	out := []v1alpha1.Answer{}
	for _, b := range blocks {
		slices.Sort(b.sources)
		for _, a := range b.answers {
			a.Sources = b.sources
			out = append(out, a)
		}
	}
	return out
}

// answersFor are the answers for one identity of the source, without Sources. A pod that is a target
// itself always reaches itself: it takes no part in the question, nor in what tells answers apart.
func (m *Model) answersFor(c *cluster, o origin, targets []goal) []v1alpha1.Answer {
	var answers []v1alpha1.Answer
	for _, t := range targets {
		if !o.asks(t) {
			continue
		}
		a := m.answer(c, o, t)
		same := slices.IndexFunc(answers, func(other v1alpha1.Answer) bool { return answerKey(other) == answerKey(a) })
		if same < 0 {
			same = len(answers)
			answers = append(answers, a)
		}
		answers[same].Targets = append(answers[same].Targets, t.pod.Name)
	}
	if len(answers) == 1 && len(m.origins) > 1 && !o.node {
		answers[0].Targets = nil
		for _, t := range targets {
			answers[0].Targets = append(answers[0].Targets, t.pod.Name)
		}
	}
	return answers
}

// is tells whether the source is this very pod.
func (o origin) is(t goal) bool { return len(o.pods) == 1 && o.pods[0] == t.member.pod }

// isTarget tells whether the source is one of the pods that are asked about, and nothing else.
func (m *Model) isTarget(targets []goal) bool {
	return slices.ContainsFunc(targets, func(t goal) bool {
		return !slices.ContainsFunc(m.origins, func(o origin) bool { return !o.is(t) })
	})
}

// answerKey is equal for answers that differ in their pods only.
func answerKey(a v1alpha1.Answer) string {
	a.Sources, a.Targets = nil, nil
	text, err := json.Marshal(a)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (m *Model) namesOf(o origin) []string {
	if o.name != "" {
		return []string{o.name}
	}
	var names []string
	for _, i := range o.pods {
		names = append(names, strings.TrimSuffix(m.inv.Pods[i].Name+" "+o.where, " "))
	}
	return names
}

func (m *Model) answer(c *cluster, o origin, t goal) v1alpha1.Answer {
	if t.port == 0 {
		unknown := v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictUnknown, Reason: "the pod has no port of this name", Rules: []v1alpha1.DecidingRule{}, DefaultDeny: []v1alpha1.PolicyReference{}}
		return v1alpha1.Answer{Verdict: v1alpha1.VerdictUnknown, Ingress: unknown, Egress: unknown}
	}
	ingress, egress := m.directions(c, o, t)
	a := v1alpha1.Answer{Port: t.port, Ingress: m.explained(ingress), Egress: m.explained(egress), Verdict: ingress.Verdict}
	if worse(egress.Verdict, a.Verdict) {
		a.Verdict = egress.Verdict
	}
	return a
}
