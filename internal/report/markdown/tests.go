package markdown

import (
	"io"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// Tests writes what came of expectations: those that are not met or have no answer one by one, and a table of all,
// folded.
func Tests(w io.Writer, t v1alpha1.TestReport) error {
	var d Document
	d.Heading(2, Text(heading(t)))
	for _, r := range t.Results {
		if r.Outcome != v1alpha1.OutcomeMet {
			unmet(&d, r)
		}
	}
	d.Details(words.TestTotals(t), func() {
		var rows [][]Inline
		for _, r := range t.Results {
			result := Text(words.Outcome(r.Outcome))
			if r.Outcome != v1alpha1.OutcomeMet {
				result = Bold(result)
			}
			rows = append(rows, []Inline{result, Code(words.TestedFrom(r)), Code(words.TestedTo(r)), Text(r.Expected), Text(r.Actual), Text(r.Because)})
		}
		d.Table([]Inline{"Result", "From", "To", "Expected", "Is", "Because"}, rows)
	})
	_, err := d.WriteTo(w)
	return err
}

func heading(t v1alpha1.TestReport) string {
	if t.NotMet+t.Unknown == 0 {
		return "All expectations of the databases are met"
	}
	return "Expectations of the databases: " + words.TestCounts(t)
}

func unmet(d *Document, r v1alpha1.TestResult) {
	d.Heading(3, Join(" ", Text(words.Outcome(r.Outcome)+":"), Code(words.Expectation(r))))
	items := []Inline{Text(words.Found(r))}
	if r.Because != "" {
		items = append(items, Text("because: "+r.Because))
	}
	for _, note := range r.Notes {
		items = append(items, Text(note))
	}
	d.List(append(items, Join(" ", "at", Code(words.PlaceOf(r))))...)
	if !r.Remedy.IsZero() {
		d.Fence("sh", r.Remedy.String())
	}
}
