package report_test

import (
	"bytes"
	gocmp "cmp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// The table writer counts "…" and "→" as two columns under an East Asian locale; the golden files
// are written without.
func TestMain(m *testing.M) {
	twwidth.SetEastAsian(false)
	m.Run()
}

func always() terminal.Colors { return terminal.NewColors(terminal.ModeAlways, false, nil) }

// options are a format and what is for people only; the zero value is the default of both.
type options struct {
	Format report.Format
	Colors terminal.Colors
	Width  int
}

func (o options) output() report.Output {
	return report.Output{Format: gocmp.Or(o.Format, report.Table)}
}

func (o options) text() text.Options {
	return text.Options{Wide: o.Format == report.Wide, Colors: o.Colors, Width: o.Width}
}

func render(t *testing.T, l v1alpha1.IsolationReportList, o options) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.Print(&out, o.output(), l, o.text()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPrint(t *testing.T) {
	for name, tc := range map[string]struct {
		list    v1alpha1.IsolationReportList
		options options
	}{
		"open.txt":             {list: list(open())},
		"open-color.txt":       {list: list(open()), options: options{Colors: always()}},
		"locked.txt":           {list: list(locked())},
		"locked-wide.txt":      {list: list(locked()), options: options{Format: report.Wide}},
		"locked-color.txt":     {list: list(locked()), options: options{Colors: always()}},
		"partial.txt":          {list: list(partial())},
		"broken.txt":           {list: list(broken())},
		"broken-color.txt":     {list: list(broken()), options: options{Colors: always()}},
		"unknown.txt":          {list: list(unknown())},
		"document-literal.txt": {list: list(documentLiteral())},
		"no-findings.txt":      {list: list(noFindings())},
		"manifests.txt":        {list: list(fromManifests())},
		"manifests-wide.txt":   {list: list(fromManifests()), options: options{Format: report.Wide}},
		"many.txt":             {list: manyClusters()},
		"many-wide.txt":        {list: manyClusters(), options: options{Format: report.Wide}},
		"many-unknown.txt":     {list: list(unknown(), named(alsoOpen(), "shop", "search"))},
		"many-color.txt":       {list: manyClusters(), options: options{Colors: always()}},
		"contexts.txt":         {list: severalContexts()},
		"contexts-wide.txt":    {list: severalContexts(), options: options{Format: report.Wide}},
		"contexts.json":        {list: severalContexts(), options: options{Format: report.JSON}},
		"contexts-failed.txt":  {list: v1alpha1.IsolationReportList{Errors: severalContexts().Errors}},
		"long.txt":             {list: list(longNames())},
		"long-wide.txt":        {list: list(longNames()), options: options{Format: report.Wide}},
		"long-many.txt":        {list: list(longNames(), open())},
		"hostile.txt":          {list: list(hostile())},
		"hostile-many.txt":     {list: list(hostile(), hostile())},
		"locked.json":          {list: list(locked()), options: options{Format: report.JSON}},
		"locked.yaml":          {list: list(locked()), options: options{Format: report.YAML}},
		"hostile.json":         {list: list(hostile()), options: options{Format: report.JSON}},
		"hostile.yaml":         {list: list(hostile()), options: options{Format: report.YAML}},
		"empty.json":           {list: list(), options: options{Format: report.JSON}},
		"empty.yaml":           {list: list(), options: options{Format: report.YAML}},
		"empty.txt":            {list: list()},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name, []byte(render(t, tc.list, tc.options)))
		})
	}
}

// checkLines fails on lines that are too wide, end in a space or hold anything that a terminal
// would act on, remedies exempt from the first only.
func checkLines(t *testing.T, out string, width int) {
	t.Helper()
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		isRemedy := strings.HasPrefix(strings.TrimSpace(line), "→ ")
		if got := terminal.Width(line); got > width && !isRemedy {
			t.Errorf("%d columns, more than %d: %q", got, width, line)
		}
		if strings.HasSuffix(line, " ") {
			t.Errorf("trailing space: %q", line)
		}
		if terminal.Escape(line) != line {
			t.Errorf("not safe to print: %q", line)
		}
	}
}

func TestLinesFitAndAreHarmless(t *testing.T) {
	lists := map[string]v1alpha1.IsolationReportList{
		"open": list(open()), "locked": list(locked()), "partial": list(partial()), "broken": list(broken()),
		"unknown": list(unknown()), "document-literal": list(documentLiteral()), "no findings": list(noFindings()),
		"contexts": severalContexts(), "manifests": list(fromManifests()), "many": manyClusters(), "long": list(longNames()),
		"long, several": list(longNames(), longNames()), "hostile": list(hostile()), "hostile, several": list(hostile(), hostile()),
	}
	widths := map[int]int{0: 100, 20: 80, 80: 80, 100: 100, 132: 132, 1000: 160}
	for name, l := range lists {
		for _, format := range []report.Format{report.Table, report.Wide} {
			for given, want := range widths {
				t.Run(name, func(t *testing.T) {
					checkLines(t, render(t, l, options{Format: format, Width: given}), want)
				})
			}
		}
	}
}

// Colors must not move anything: without the codes, the output is the same.
func TestColorsOnlyAddCodes(t *testing.T) {
	codes := strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[1;31m", "")
	for name, l := range map[string]v1alpha1.IsolationReportList{"one": list(broken()), "many": manyClusters(), "hostile": list(hostile())} {
		t.Run(name, func(t *testing.T) {
			plain, painted := render(t, l, options{}), render(t, l, options{Colors: always()})
			if plain == painted {
				t.Error("nothing is painted")
			}
			if diff := cmp.Diff(plain, codes.Replace(painted)); diff != "" {
				t.Errorf("-plain +painted without codes\n%s", diff)
			}
		})
	}
}

func TestRemediesStayInOnePiece(t *testing.T) {
	r := longNames()
	out := render(t, list(r), options{Width: 80})
	if want := "    → " + r.Findings[0].Remedy + "\n"; !strings.Contains(out, want) {
		t.Errorf("no line %q in\n%s", want, out)
	}
}

func TestWideShowsWholeNames(t *testing.T) {
	r := longNames()
	squeezed := strings.Join(strings.Fields(render(t, list(r), options{Format: report.Wide})), "")
	if strings.Contains(squeezed, "…") {
		t.Error("a name is shortened")
	}
	if narrow := render(t, list(r), options{}); !strings.Contains(narrow, "…") {
		t.Error("no name is shortened in the table: the test has lost its subject")
	}
}

func TestAnUnknownFormat(t *testing.T) {
	const want = `unknown output format "xml": use one of table, wide, json, yaml, dot, mermaid, html`
	if err := report.Print(&bytes.Buffer{}, report.Output{Format: "xml"}, list(), text.Options{}); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
