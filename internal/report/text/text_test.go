package text_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// The table writer counts "…" and "→" as two columns under an East Asian locale; the golden files
// are written without.
func TestMain(m *testing.M) {
	twwidth.SetEastAsian(false)
	m.Run()
}

// both are the reports of two lists.
func both(a, b v1alpha1.IsolationReportList) v1alpha1.IsolationReportList {
	return v1alpha1.IsolationReportList{Items: slices.Concat(a.Items, b.Items)}
}

func always() terminal.Colors { return terminal.NewColors(terminal.ModeAlways, false, nil) }

func render(t *testing.T, l v1alpha1.IsolationReportList, o text.Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := text.Reports(&out, l, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPrint(t *testing.T) {
	for name, tc := range map[string]struct {
		list    v1alpha1.IsolationReportList
		options text.Options
	}{
		"open.txt":             {list: example.Open(t)},
		"open-color.txt":       {list: example.Open(t), options: text.Options{Colors: always()}},
		"locked.txt":           {list: example.Locked(t)},
		"locked-wide.txt":      {list: example.Locked(t), options: text.Options{Wide: true}},
		"locked-color.txt":     {list: example.Locked(t), options: text.Options{Colors: always()}},
		"recorded.txt":         {list: example.Recorded(t)},
		"partial.txt":          {list: example.Partial(t)},
		"partial-wide.txt":     {list: example.Partial(t), options: text.Options{Wide: true}},
		"broken.txt":           {list: example.Broken(t)},
		"broken-color.txt":     {list: example.Broken(t), options: text.Options{Colors: always()}},
		"unknown.txt":          {list: example.Unknown(t)},
		"document-literal.txt": {list: example.DocumentLiteral(t)},
		"crowded.txt":          {list: example.Crowded(t)},
		"crowded-wide.txt":     {list: example.Crowded(t), options: text.Options{Wide: true}},
		"overcrowded.txt":      {list: example.Overcrowded(t)},
		"roles.txt":            {list: example.Roles(t)},
		"several.txt":          {list: example.Several(t)},
		"several-wide.txt":     {list: example.Several(t), options: text.Options{Wide: true}},
		"several-color.txt":    {list: example.Several(t), options: text.Options{Colors: always()}},
		"without-operator.txt": {list: example.WithoutOperator(t)},
		"contexts.txt":         {list: example.Contexts(t)},
		"contexts-wide.txt":    {list: example.Contexts(t), options: text.Options{Wide: true}},
		"contexts-failed.txt":  {list: v1alpha1.IsolationReportList{Errors: example.Contexts(t).Errors}},
		"long.txt":             {list: example.LongNames(t)},
		"long-wide.txt":        {list: example.LongNames(t), options: text.Options{Wide: true}},
		"long-several.txt":     {list: both(example.LongNames(t), example.Open(t))},
		"hostile.txt":          {list: example.Hostile(t)},
		"hostile-several.txt":  {list: both(example.Hostile(t), example.Hostile(t))},
		"empty.txt":            {},
	} {
		t.Run(name, func(t *testing.T) {
			tc.options.Width = 100
			golden.Compare(t, "testdata/"+name, []byte(render(t, tc.list, tc.options)))
		})
	}
}

// Where nobody looks at a terminal, no name is cut or broken, so that the output can be searched; what fits into 100
// columns without that does.
func TestNoTerminal(t *testing.T) {
	for name, list := range map[string]v1alpha1.IsolationReportList{"contexts": example.Contexts(t), "partial": example.Partial(t), "long": example.LongNames(t)} {
		t.Run(name, func(t *testing.T) {
			out := render(t, list, text.Options{})
			golden.Compare(t, "testdata/"+name+"-piped.txt", []byte(out))
			if strings.Contains(out, "…") {
				t.Error("something is shortened")
			}
			for _, r := range list.Items {
				for _, p := range r.Policies {
					if len(list.Items) == 1 && !strings.Contains(out, p.Name) {
						t.Errorf("policy %s is not to be found", p.Name)
					}
				}
			}
		})
	}
	for _, list := range []v1alpha1.IsolationReportList{example.Open(t), example.Several(t), example.DocumentLiteral(t)} {
		checkLines(t, render(t, list, text.Options{}), 100)
	}
}

// checkLines fails on lines that are too wide, end in a space or hold anything that a terminal
// would act on, remedies exempt from the first only.
func checkLines(t *testing.T, out string, width int) {
	t.Helper()
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		trimmed := strings.TrimSpace(line)
		isRemedy := strings.HasPrefix(trimmed, "→ ") || strings.HasPrefix(trimmed, "kubectl ")
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
		"open": example.Open(t), "locked": example.Locked(t), "partial": example.Partial(t), "broken": example.Broken(t),
		"unknown": example.Unknown(t), "document-literal": example.DocumentLiteral(t), "crowded": example.Crowded(t),
		"contexts": example.Contexts(t), "several": example.Several(t), "long": example.LongNames(t),
		"long, several": both(example.LongNames(t), example.LongNames(t)), "hostile": example.Hostile(t), "hostile, several": both(example.Hostile(t), example.Hostile(t)),
	}
	widths := map[int]int{20: 40, 40: 40, 60: 60, 79: 79, 80: 80, 100: 100, 132: 132, 1000: 160}
	for name, l := range lists {
		for _, wide := range []bool{false, true} {
			for given, want := range widths {
				t.Run(name, func(t *testing.T) {
					checkLines(t, render(t, l, text.Options{Wide: wide, Width: given}), want)
				})
			}
		}
	}
}

// Where the locale has ASCII alone, nothing else is printed, and nothing moves.
func TestASCII(t *testing.T) {
	colors := terminal.NewColors(terminal.ModeNever, false, func(name string) (string, bool) { return map[string]string{"LANG": "C"}[name], name == "LANG" })
	for name, l := range map[string]v1alpha1.IsolationReportList{"one": example.Broken(t), "crowded": example.Crowded(t), "several": example.Several(t), "hostile": example.Hostile(t), "long": example.LongNames(t)} {
		out, plain := render(t, l, text.Options{Colors: colors}), render(t, l, text.Options{})
		if i := strings.IndexFunc(out, func(r rune) bool { return r > unicode.MaxASCII }); i >= 0 {
			t.Errorf("%s: %q is not ASCII", name, out[i:i+4])
		}
		if got, want := len([]rune(out)), len([]rune(plain)); got != want {
			t.Errorf("%s: %d characters, and %d without", name, got, want)
		}
	}
}

// Colors must not move anything: without the codes, the output is the same.
func TestColorsOnlyAddCodes(t *testing.T) {
	codes := strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[1;31m", "")
	for name, l := range map[string]v1alpha1.IsolationReportList{"one": example.Broken(t), "several": example.Several(t), "hostile": example.Hostile(t)} {
		t.Run(name, func(t *testing.T) {
			plain, painted := render(t, l, text.Options{}), render(t, l, text.Options{Colors: always()})
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
	list := example.LongNames(t)
	out := render(t, list, text.Options{Width: 80})
	if want := "    → " + list.Items[0].Findings[0].Remedy.String() + "\n"; !strings.Contains(out, want) {
		t.Errorf("no line %q in\n%s", want, out)
	}
}

func TestWideShowsWholeNames(t *testing.T) {
	list := example.LongNames(t)
	squeezed := strings.Join(strings.Fields(render(t, list, text.Options{Wide: true, Width: 100})), "")
	if strings.Contains(squeezed, "…") {
		t.Error("a name is shortened")
	}
	if narrow := render(t, list, text.Options{Width: 100}); !strings.Contains(narrow, "…") {
		t.Error("no name is shortened in the table: the test has lost its subject")
	}
}
