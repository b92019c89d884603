package suites

import (
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/junit"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// Tests are what came of expectations: a suite for each file, a case for each expectation. One that has no answer is an
// error, and no failure.
func Tests(t v1alpha1.TestReport) junit.Report {
	report := junit.Report{Name: command.Plugin("test").String()}
	for _, r := range t.Results {
		if n := len(report.Suites); n == 0 || report.Suites[n-1].Name != r.File {
			report.Suites = append(report.Suites, junit.Suite{Name: r.File})
		}
		suite := &report.Suites[len(report.Suites)-1]
		suite.Cases = append(suite.Cases, tested(r))
	}
	return report
}

func tested(r v1alpha1.TestResult) junit.Case {
	c := junit.Case{Class: strings.TrimPrefix(r.Metadata.Namespace+"."+r.Metadata.Name, "."), Name: words.Expectation(r), File: r.File}
	problem := &junit.Problem{Type: r.Actual, Message: words.Found(r)}
	lines := []string{words.Found(r)}
	if r.Because != "" {
		lines = append(lines, "because: "+r.Because)
	}
	lines = append(append(lines, "at: "+words.PlaceOf(r)), r.Notes...)
	if !r.Remedy.IsZero() {
		lines = append(lines, "look: "+r.Remedy.String())
	}
	problem.Text = strings.Join(lines, "\n")
	switch r.Outcome {
	case v1alpha1.OutcomeNotMet:
		c.Failure = problem
	case v1alpha1.OutcomeUnknown:
		problem.Type = string(r.Outcome)
		c.Error = problem
	case v1alpha1.OutcomeMet:
	}
	return c
}
