package report_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
)

// Each format is another medium.
func TestFormats(t *testing.T) {
	list := v1alpha1.IsolationReportList{Items: []v1alpha1.IsolationReport{{Metadata: v1alpha1.Metadata{Namespace: "shop", Name: "orders"}}}}
	begins := map[report.Format]string{
		report.Table: "Cluster   shop/orders", report.Wide: "Cluster   shop/orders", report.JSON: "{", report.YAML: "apiVersion:",
		report.DOT: "digraph", report.Mermaid: "flowchart", report.HTML: "<!DOCTYPE html>",
		report.Markdown: "## Network isolation", report.SARIF: "{", report.JUnit: "<?xml",
	}
	for _, format := range report.Formats() {
		var out bytes.Buffer
		if err := report.Print(&out, report.Output{Format: format}, list, text.Options{}); err != nil || !strings.HasPrefix(out.String(), begins[format]) {
			t.Errorf("%s: %v, %.40q", format, err, out.String())
		}
	}
	begins[report.Table], begins[report.Wide], begins[report.YAML] = "Source", "Source", "answers:"
	for _, format := range report.ExplanationFormats() {
		var out bytes.Buffer
		if err := report.PrintExplanation(&out, report.Output{Format: format}, v1alpha1.Explanation{}, text.Options{}); err != nil || !strings.HasPrefix(out.String(), begins[format]) {
			t.Errorf("%s: %v, %.40q", format, err, out.String())
		}
	}
}

var errTemplate = errors.New("no")

type template struct{}

func (template) PrintObj(runtime.Object, io.Writer) error { return errTemplate }

func TestTemplates(t *testing.T) {
	const want = "the template of -o can't be applied: no"
	output := report.Output{Template: template{}}
	if err := report.Print(io.Discard, output, v1alpha1.IsolationReportList{}, text.Options{}); err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
	if err := report.PrintExplanation(io.Discard, output, v1alpha1.Explanation{}, text.Options{}); err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}

func TestAnUnknownFormat(t *testing.T) {
	output := report.Output{Format: "xml"}
	const want = `unknown output format "xml": use one of table, wide, json, yaml, `
	if err := report.Print(io.Discard, output, v1alpha1.IsolationReportList{}, text.Options{}); err == nil || err.Error() != want+"dot, mermaid, html, markdown, sarif, junit" {
		t.Errorf("error %v", err)
	}
	if err := report.PrintExplanation(io.Discard, output, v1alpha1.Explanation{}, text.Options{}); err == nil || err.Error() != want+"mermaid" {
		t.Errorf("error %v", err)
	}
}
