// Package suites turns reports into suites of test cases, for the pipelines that show those: whether a database passes, and whether
// what is expected of it holds. It
// takes values of v1alpha1 and returns values, which package junit writes.
package suites

import (
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/junit"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// Of is a suite for each namespace, with a case for each cluster. A case fails by a finding that is as severe as least or worse,
// and by a posture BROKEN; it has an error when the posture is UNKNOWN. Each case says all of its findings, those that others
// have as well, because readers show one case at a time. What belongs to no cluster, and contexts that failed, are cases of
// suites of their own.
func Of(list v1alpha1.IsolationReportList, least v1alpha1.Severity) junit.Report {
	report := junit.Report{Name: command.Plugin("status").String()}
	add := func(suite string, c junit.Case) {
		i := slices.IndexFunc(report.Suites, func(s junit.Suite) bool { return s.Name == suite })
		if i < 0 {
			i, report.Suites = len(report.Suites), append(report.Suites, junit.Suite{Name: suite})
		}
		report.Suites[i].Cases = append(report.Suites[i].Cases, c)
	}
	for _, r := range list.Items {
		suite := r.Metadata.Namespace
		if r.Metadata.Context != "" {
			suite = r.Metadata.Context + ": " + suite
		}
		add(suite, caseOf(suite, r, least))
	}
	for _, f := range list.Findings {
		c := junit.Case{Name: string(f.Code) + ": " + f.Message}
		if fails(f, least) {
			c.Failure = &junit.Problem{Type: string(f.Code), Message: f.Message, Text: lines([]v1alpha1.Finding{f})}
		}
		add("without a cluster", c)
	}
	for _, failed := range list.Errors {
		add("contexts", junit.Case{Name: failed.Context, Error: &junit.Problem{Type: "ERROR", Message: failed.Message}})
	}
	return report
}

func caseOf(suite string, r v1alpha1.IsolationReport, least v1alpha1.Severity) junit.Case {
	c := junit.Case{
		Class: suite, Name: r.Metadata.Name,
		Output: string(r.Posture) + ": " + words.Meaning(r.Posture) + "\nClients: " + words.ShortClients(r),
	}
	shown, _ := words.Visible(r.Findings, false)
	problem := &junit.Problem{Type: string(r.Posture), Message: string(r.Posture) + ": " + words.Meaning(r.Posture), Text: lines(shown)}
	if i := slices.IndexFunc(shown, func(f v1alpha1.Finding) bool { return fails(f, least) }); i >= 0 {
		problem.Message = string(r.Posture) + ": " + shown[i].Message
		if at := shown[i].At; len(at) > 0 {
			c.File, c.Line = at[0].File, at[0].Line
		}
		c.Failure = problem
	}
	switch r.Posture {
	case v1alpha1.PostureUnknown:
		problem.Message = "UNKNOWN: " + words.WhyUnknown(r)
		c.Failure, c.Error = nil, problem
	case v1alpha1.PostureBroken:
		c.Failure = problem
	case v1alpha1.PostureLocked, v1alpha1.PosturePartial, v1alpha1.PostureOpen:
	}
	if c.Failure == nil && c.Error == nil && len(shown) > 0 {
		c.Output += "\n\n" + problem.Text
	}
	return c
}

// fails tells whether a finding is at least so severe.
func fails(f v1alpha1.Finding, least v1alpha1.Severity) bool {
	return f.Severity == v1alpha1.SeverityError || f.Severity == v1alpha1.SeverityWarning && least == v1alpha1.SeverityWarning
}

// lines are findings as text: code, sentence, remedy.
func lines(findings []v1alpha1.Finding) string {
	var out []string
	for _, f := range findings {
		out = append(out, strings.ToUpper(string(f.Severity))+"  "+string(f.Code), "    "+f.Message)
		if !f.Remedy.IsZero() {
			out = append(out, "    → "+f.Remedy.String())
		}
	}
	return strings.Join(out, "\n")
}
