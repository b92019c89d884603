package expect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// posture compares a cluster's posture.
func (a *asker) posture(r *v1alpha1.TestResult, x *Asked) {
	report, err := a.report(x.Key)
	if err != nil {
		x.Err = err
		r.Outcome, r.Message = v1alpha1.OutcomeUnknown, err.Error()
		return
	}
	r.Actual, r.Outcome = string(report.Posture), v1alpha1.OutcomeNotMet
	if report.Posture == x.Posture {
		r.Outcome = v1alpha1.OutcomeMet
	}
	if report.Posture == v1alpha1.PostureUnknown {
		r.Outcome = v1alpha1.OutcomeUnknown
	}
	r.Message = whyPosture(report)
}

// whyPosture is the first of what keeps a cluster from being LOCKED; empty when nothing is known that does.
func whyPosture(report v1alpha1.IsolationReport) string {
	if report.Posture == v1alpha1.PostureUnknown {
		for _, f := range report.Findings {
			if f.Code.LacksEvidence() && f.Severity == v1alpha1.SeverityError {
				return fmt.Sprintf("%s: %s", f.Code, f.Message)
			}
		}
		for _, f := range report.RequiredFlows {
			if f.Verdict == v1alpha1.VerdictUnknown && !f.Advisory {
				return f.Message
			}
		}
		return "evidence is missing"
	}
	for _, f := range report.Findings {
		if report.Posture != v1alpha1.PostureLocked && f.Severity != v1alpha1.SeverityInfo {
			return fmt.Sprintf("%s: %s", f.Code, f.Message)
		}
	}
	return ""
}

// verdict compares the verdict on a connection.
func (a *asker) verdict(r *v1alpha1.TestResult, i int, x *Asked) {
	e, err := a.explain(i, x)
	if err != nil {
		x.Err = err
		r.Outcome, r.Message = v1alpha1.OutcomeUnknown, err.Error()
		return
	}
	r.From, r.Target, r.Port = &e.Source, &e.Target, e.Port
	r.Actual = string(e.Verdict)
	r.Outcome = judge(e, x.Verdict)
	r.Message, r.Policies = because(e, x.Verdict)
	if x.Note != "" {
		r.Notes = append(r.Notes, x.Note)
	}
	if r.Notes = append(r.Notes, e.Notes...); len(r.Notes) == 0 {
		r.Notes = nil
	}
	if r.Outcome == v1alpha1.OutcomeNotMet && mixed(e) {
		r.Actual = Differs
	}
}

// Differs is the Actual of an expectation about pods for which different verdicts hold.
const Differs = "differs"

// counted are the answers that count for the verdict.
func counted(e v1alpha1.Explanation) []v1alpha1.Answer {
	return slices.DeleteFunc(slices.Clone(e.Answers), func(a v1alpha1.Answer) bool { return a.Advisory })
}

// judge tells whether a verdict holds for all that is asked about. What is unknown for some of it does not
// hide that the opposite holds for others.
func judge(e v1alpha1.Explanation, expected v1alpha1.Verdict) v1alpha1.TestOutcome {
	answers := counted(e)
	if len(answers) == 0 {
		return v1alpha1.OutcomeUnknown
	}
	outcome := v1alpha1.OutcomeMet
	for _, a := range answers {
		switch a.Verdict {
		case expected:
		case v1alpha1.VerdictUnknown:
			outcome = v1alpha1.OutcomeUnknown
		default:
			return v1alpha1.OutcomeNotMet
		}
	}
	return outcome
}

// mixed tells whether both verdicts occur.
func mixed(e v1alpha1.Explanation) bool {
	has := func(v v1alpha1.Verdict) bool {
		return slices.ContainsFunc(counted(e), func(a v1alpha1.Answer) bool { return a.Verdict == v })
	}
	return has(v1alpha1.VerdictAllowed) && has(v1alpha1.VerdictDenied)
}

// because says what decided. Of answers that differ it tells the one that stands against what is expected, and
// for whom it holds.
func because(e v1alpha1.Explanation, expected v1alpha1.Verdict) (string, []v1alpha1.PolicyReference) {
	answers := counted(e)
	against := slices.DeleteFunc(slices.Clone(answers), func(a v1alpha1.Answer) bool { return a.Verdict == expected })
	if len(against) == 0 {
		against = answers
	} else if known := slices.DeleteFunc(slices.Clone(against), func(a v1alpha1.Answer) bool { return a.Verdict == v1alpha1.VerdictUnknown }); len(known) > 0 {
		against = known
	}
	var sentences []string
	var policies []v1alpha1.PolicyReference
	for _, a := range against {
		sentence, deciding := decided(e, a)
		if len(answers) > 1 && len(against) < len(answers) {
			sentence = fmt.Sprintf("%s → %s is %s: %s", few(a.Sources), few(a.Targets), a.Verdict, sentence)
		}
		if !slices.Contains(sentences, sentence) {
			sentences = append(sentences, sentence)
		}
		for _, p := range deciding {
			if !slices.Contains(policies, p) {
				policies = append(policies, p)
			}
		}
	}
	slices.SortFunc(policies, v1alpha1.PolicyReference.Compare)
	return strings.Join(sentences, "; "), append([]v1alpha1.PolicyReference{}, policies...)
}

// few names the first of many.
func few(names []string) string {
	const most = 3
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// decided says what decided an answer, and which policies.
func decided(e v1alpha1.Explanation, a v1alpha1.Answer) (string, []v1alpha1.PolicyReference) {
	ways := []struct {
		v1alpha1.ExplainedDirection
		where string
	}{{a.Ingress, "into " + few(a.Targets)}, {a.Egress, "out of " + outOf(e, a)}}
	if a.Verdict == v1alpha1.VerdictAllowed {
		var policies []v1alpha1.PolicyReference
		for _, way := range ways {
			policies = append(policies, rules(way.ExplainedDirection)...)
		}
		if len(policies) > 0 {
			return "allowed by " + listed(policies), policies
		}
		// What is said of the database's end is what the question is about.
		way := ways[0]
		if e.Outbound {
			way = ways[1]
		}
		if way.Reason != "" {
			return way.Reason, nil
		}
		return "no policy restricts it", nil
	}
	for _, way := range ways {
		if way.Verdict != a.Verdict {
			continue
		}
		deciding := rules(way.ExplainedDirection)
		switch {
		case a.Verdict == v1alpha1.VerdictUnknown:
			return way.Reason, deciding
		case len(deciding) > 0:
			return fmt.Sprintf("denied %s by %s", way.where, listed(deciding)), deciding
		case len(way.DefaultDeny) > 0 && way.Reason == "":
			return fmt.Sprintf("nothing allows it %s, and by default all is denied by %s", way.where, listed(way.DefaultDeny)), way.DefaultDeny
		case way.Reason != "":
			return fmt.Sprintf("denied %s: %s", way.where, way.Reason), way.DefaultDeny
		}
		return "nothing allows it " + way.where, nil
	}
	return "", nil
}

// outOf is who connects, where its own end decided.
func outOf(e v1alpha1.Explanation, a v1alpha1.Answer) string {
	if e.Outbound {
		return few(a.Sources)
	}
	return e.Source.Name
}

// rules are the policies of the rules that decided.
func rules(d v1alpha1.ExplainedDirection) []v1alpha1.PolicyReference {
	var out []v1alpha1.PolicyReference
	for _, rule := range d.Rules {
		if !slices.Contains(out, rule.PolicyReference) {
			out = append(out, rule.PolicyReference)
		}
	}
	return out
}

// listed are policies in a sentence: the first of many.
func listed(policies []v1alpha1.PolicyReference) string {
	names := make([]string, len(policies))
	for i, p := range policies {
		names[i] = p.String()
	}
	const most = 3
	if last := len(names) - 1; last > 0 && last <= most {
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return strings.Replace(few(names), fmt.Sprintf(" and %d more", len(names)-most), fmt.Sprintf(" and %d more policies", len(names)-most), 1)
}
