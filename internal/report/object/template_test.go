package object_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/object"
)

func twoReports() v1alpha1.IsolationReportList {
	return v1alpha1.IsolationReportList{Items: []v1alpha1.IsolationReport{
		{
			Metadata: v1alpha1.Metadata{Namespace: "shop", Name: "orders"}, Posture: v1alpha1.PostureLocked,
			RequiredFlows: []v1alpha1.RequiredFlow{{Name: v1alpha1.FlowOperator, Port: 8000}, {Name: v1alpha1.FlowPooler, Port: 5432}},
		},
		{Metadata: v1alpha1.Metadata{Namespace: "billing", Name: "in\x1b[2Jvoices"}, Posture: v1alpha1.PostureOpen},
	}, Findings: []v1alpha1.Finding{{Code: v1alpha1.OrphanedPolicy}}}
}

func templated(t *testing.T, template string, value any) (string, error) {
	t.Helper()
	var printer printers.ResourcePrinter
	var err error
	if spec, columns := strings.CutPrefix(template, "custom-columns="); columns {
		printer, err = object.NewColumns(spec)
	} else {
		printer, err = genericclioptions.NewKubeTemplatePrintFlags().ToPrinter(template)
	}
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = object.Template(&out, printer, value)
	return out.String(), err
}

// kubectl's printers see what -o json prints, numbers and lists included, and nothing of it reaches a terminal raw.
func TestTemplates(t *testing.T) {
	for template, want := range map[string]string{
		"jsonpath={.kind} {.apiVersion}":                                                 "IsolationReportList cnpg-netpol/v1alpha1",
		`jsonpath={range .items[*]}{.metadata.name}{"\t"}{.posture}{"\n"}{end}`:          "orders\tLOCKED\nin\\x1b[2Jvoices\tOPEN\n",
		"jsonpath={.items[0].requiredFlows[?(@.port==8000)].name}":                       "operator",
		"jsonpath={.items[0].nothing}":                                                   "",
		"jsonpath={.findings[*].code}":                                                   "ORPHANED_POLICY",
		"jsonpath-as-json={.items[0].metadata.name}":                                     "[\n    \"orders\"\n]\n",
		"go-template={{range .items}}{{.posture}} {{len .requiredFlows}};{{end}}":        "LOCKED 2;OPEN 0;",
		"go-template={{(index .items 0).kind}}":                                          "IsolationReport",
		"custom-columns=NAME:.metadata.name,PORTS:{.requiredFlows[*].port},X:missing.it": "NAME              PORTS       X\norders            8000,5432   <none>\nin\\x1b[2Jvoices   <none>      <none>\n",
	} {
		got, err := templated(t, template, twoReports())
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", template, got, err, want)
		}
	}
	explanation := v1alpha1.Explanation{Metadata: v1alpha1.Metadata{Name: "orders"}, Verdict: v1alpha1.VerdictDenied}
	if got, err := templated(t, "custom-columns=KIND:kind,VERDICT:.verdict", explanation); err != nil || got != "KIND          VERDICT\nExplanation   denied\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// What a template can't make of a report is one line, and nothing is printed.
func TestTemplatesThatFail(t *testing.T) {
	for template, want := range map[string]string{
		"jsonpath={.items[9].posture}":                "array index out of bounds: index 9, length 2",
		"go-template={{.items.posture}}":              `template: output:1:8: executing "output" at <.items.posture>: can't evaluate field posture in type interface {}`,
		"go-template={{/* \": */}}{{template \"x\"}}": `template: output:1:23: executing "output" at <{{template "x"}}>: template "x" not defined`,
		"custom-columns=FLOW:.requiredFlows[4].name":  `column "FLOW": array index out of bounds: index 4, length 2`,
	} {
		got, err := templated(t, template, twoReports())
		if want = "the template of -o can't be applied: " + want; err == nil || err.Error() != want || got != "" {
			t.Errorf("%s: printed %q, error %v; want %s", template, got, err, want)
		}
	}
}

// Every bad column is named.
func TestColumnsThatAreNone(t *testing.T) {
	for spec, want := range map[string]string{
		"NAME,A:.b,":          "\"NAME\" is no column: write HEADER:JSONPATH, as in NAME:.metadata.name\n\"\" is no column: write HEADER:JSONPATH, as in NAME:.metadata.name",
		"A:{.b}{.c},B:.d[":    "column \"A\": \"{.b}{.c}\" is no JSONPath: write one as in .metadata.name\ncolumn \"B\": unterminated array",
		"A:":                  `column "A": "" is no JSONPath: write one as in .metadata.name`,
		"file:":               "headers in the first line: 0, paths in the second: 0; write one path below each header",
		"file:A B\n.a\n.b .c": "headers in the first line: 2, paths in the second: 1; write one path below each header",
	} {
		_, err := object.NewColumns(spec)
		if content, isFile := strings.CutPrefix(spec, "file:"); isFile {
			_, err = object.NewColumnsFromFile(content)
		}
		if err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", spec, err, want)
		}
	}
	columns, err := object.NewColumnsFromFile("NAME  POSTURE\n{.metadata.name} posture\nand what follows is ignored\n")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := object.Template(&out, columns, twoReports()); err != nil || !strings.HasPrefix(out.String(), "NAME              POSTURE\norders            LOCKED\n") {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

func TestAStreamThatIsClosed(t *testing.T) {
	columns, err := object.NewColumns("NAME:.metadata.name")
	if err != nil {
		t.Fatal(err)
	}
	if err := object.Template(closed{}, columns, twoReports()); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

var errClosed = errors.New("closed")

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errClosed }
