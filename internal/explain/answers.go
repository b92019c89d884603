package explain

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// answers asks about every source and every target, and puts together what is decided alike: first
// the targets of one source, then the sources with the same answers.
func (q *Question) answers() []v1alpha1.Answer {
	// Whether an address is in a group that was not seen is said of each.
	hidden := slices.ContainsFunc(q.Model.Outside(), func(id *engine.Identity) bool { _, ok := id.Entity().CIDRGroup(); return ok })
	var apart []Origin
	var names [][]string
	at := map[*engine.Identity]int{}
	for _, o := range q.Origins {
		standIn := q.Model.Engine().StandIn(o.Identity)
		i, known := at[standIn]
		if !known || !o.Prefix.IsValid() || hidden {
			i = len(apart)
			apart, names = append(apart, o), append(names, nil)
			if o.Prefix.IsValid() {
				at[standIn] = i
			}
		}
		names[i] = append(names[i], q.namesOf(o)...)
	}
	return together(len(apart), func(i int) []string { return names[i] }, func(i int) []v1alpha1.Answer { return q.answersFor(apart[i]) })
}

// together puts together the sources with the same answers, which come without Sources.
func together(sources int, namesOf func(source int) []string, answersFor func(source int) []v1alpha1.Answer) []v1alpha1.Answer {
	type block struct {
		sources []string
		answers []v1alpha1.Answer
	}
	var blocks []block
	known := map[string]int{}
	for source := range sources {
		answers := answersFor(source)
		if len(answers) == 0 {
			continue
		}
		key := ""
		for _, a := range answers {
			key += answerKey(a) + strings.Join(a.Targets, ",") + ";"
		}
		at, ok := known[key]
		if !ok {
			at = len(blocks)
			known[key], blocks = at, append(blocks, block{answers: answers})
		}
		blocks[at].sources = append(blocks[at].sources, namesOf(source)...)
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
func (q *Question) answersFor(o Origin) []v1alpha1.Answer {
	var answers []v1alpha1.Answer
	for _, t := range q.Goals {
		if !o.Asks(t) {
			continue
		}
		a := q.answer(o, t)
		same := slices.IndexFunc(answers, func(other v1alpha1.Answer) bool { return answerKey(other) == answerKey(a) })
		if same < 0 {
			same = len(answers)
			answers = append(answers, a)
		}
		answers[same].Targets = append(answers[same].Targets, t.Pod.Name)
	}
	if len(answers) == 1 && len(q.Origins) > 1 && !o.node {
		answers[0].Targets = nil
		for _, t := range q.Goals {
			answers[0].Targets = append(answers[0].Targets, t.Pod.Name)
		}
	}
	return answers
}

// is tells whether the source is this very pod.
func (o Origin) is(t Goal) bool { return len(o.Pods) == 1 && o.Pods[0] == t.Member.Pod }

// isTarget tells whether the source is one of the pods that are asked about, and nothing else.
func (q *Question) isTarget() bool {
	return slices.ContainsFunc(q.Goals, func(t Goal) bool {
		return !slices.ContainsFunc(q.Origins, func(o Origin) bool { return !o.is(t) })
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

func (q *Question) namesOf(o Origin) []string {
	switch {
	case o.name != "":
		return []string{o.name}
	case o.far != nil:
		return o.far.question.namesOf(o.far.origin)
	}
	var names []string
	for _, i := range o.Pods {
		names = append(names, strings.TrimSuffix(q.Model.Pod(i).Name+" "+o.where, " "))
	}
	return names
}

func (q *Question) answer(o Origin, t Goal) v1alpha1.Answer {
	if t.Port == 0 {
		unknown := v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictUnknown, Reason: "the pod has no port of this name", Rules: []v1alpha1.DecidingRule{}, DefaultDeny: []v1alpha1.PolicyReference{}}
		return v1alpha1.Answer{Verdict: v1alpha1.VerdictUnknown, Ingress: unknown, Egress: unknown}
	}
	ingress, egress := q.Directions(o, t)
	at := q // Where the source's own policies are.
	if o.far != nil && o.far.question != nil {
		at = o.far.question
	}
	a := v1alpha1.Answer{Port: t.Port, Ingress: q.explained(ingress), Egress: at.explained(egress), Verdict: ingress.Verdict}
	if egress.Verdict.WorseThan(a.Verdict) {
		a.Verdict = egress.Verdict
	}
	return a
}
