package text

import (
	"fmt"
	"io"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// Tests writes what came of expectations: a line for each, then those that are not met or have no answer, with what
// decided and where to look. It ends with one line that sums all up.
func Tests(w io.Writer, t v1alpha1.TestReport, o Options) error {
	p := newPage(o)
	if err := p.tests(t); err != nil {
		return fmt.Errorf("render what came of expectations: %w", err)
	}
	return p.writeTo(w)
}

func (p *page) tests(t v1alpha1.TestReport) error {
	g := grid{columns: []column{
		{header: "RESULT"}, {header: "FROM", flexible: true, limit: p.limit(2)}, {header: "TO", flexible: true, limit: p.limit(2)},
		{header: "EXPECTED"}, {header: "IS"},
	}}
	for _, r := range t.Results {
		g.add(painted(words.Outcome(r.Outcome), p.outcome(r.Outcome)), text(orDash(words.TestedFrom(r))), text(words.TestedTo(r)), text(r.Expected), text(orDash(r.Actual)))
	}
	if err := p.table(0, g); err != nil {
		return err
	}
	for _, r := range t.Results {
		if r.Outcome != v1alpha1.OutcomeMet {
			p.unmet(r)
		}
	}
	var tried []v1alpha1.Probe
	for _, r := range t.Results {
		for _, one := range r.Probes {
			if !slices.Contains(tried, one) {
				tried = append(tried, one)
			}
		}
	}
	if err := p.probes(tried, nil); err != nil {
		return err
	}
	p.out.WriteByte('\n')
	p.paragraph(0, words.TestTotals(t), p.outcome(worst(t)))
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// unmet writes why an expectation is not met, or has no answer.
func (p *page) unmet(r v1alpha1.TestResult) {
	p.out.WriteByte('\n')
	p.paragraph(0, words.Outcome(r.Outcome)+": "+words.Expectation(r), p.outcome(r.Outcome))
	p.paragraph(2, words.PlaceOf(r), nil)
	if r.Because != "" {
		p.paragraph(2, "because: "+r.Because, nil)
	}
	p.paragraph(2, words.Found(r), nil)
	for _, note := range r.Notes {
		p.bullet(2, note)
	}
	p.remedy(2, r.Remedy)
}

func (p *page) outcome(o v1alpha1.TestOutcome) style {
	switch o {
	case v1alpha1.OutcomeMet:
		return p.colors.Good
	case v1alpha1.OutcomeNotMet:
		return p.colors.Alarm
	default:
		return p.colors.Warn
	}
}

// worst is the outcome of all together.
func worst(t v1alpha1.TestReport) v1alpha1.TestOutcome {
	switch {
	case t.NotMet > 0:
		return v1alpha1.OutcomeNotMet
	case t.Unknown > 0:
		return v1alpha1.OutcomeUnknown
	}
	return v1alpha1.OutcomeMet
}
