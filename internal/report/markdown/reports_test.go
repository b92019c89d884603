package markdown_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	gmhtml "github.com/yuin/goldmark/renderer/html"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/markdown"
)

func reports(t *testing.T, list v1alpha1.IsolationReportList) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := markdown.Reports(&out, list); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReports(t *testing.T) {
	for name, list := range map[string]v1alpha1.IsolationReportList{
		"locked": example.Locked(t), "partial": example.Partial(t), "broken": example.Broken(t), "unknown": example.Unknown(t),
		"several": example.Several(t), "without-operator": example.WithoutOperator(t), "contexts": example.Contexts(t),
		"hostile": example.Hostile(t), "injecting": example.Injecting(t), "empty": {},
	} {
		t.Run(name, func(t *testing.T) {
			text := reports(t, list)
			golden.Compare(t, "testdata/"+name+".md", text)
			onlyOurs(t, text)
		})
	}
}

// onlyOurs makes sure that a parser of Markdown finds no elements but those that the renderer has written.
func onlyOurs(t *testing.T, text []byte) {
	t.Helper()
	var out bytes.Buffer
	render := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(gmhtml.WithUnsafe()))
	if err := render.Convert(text, &out); err != nil {
		t.Fatal(err)
	}
	for _, tag := range elements.FindAllString(out.String(), -1) {
		if !ours.MatchString(tag) && tag != "<br>" && tag != `<code class="language-diff">` && tag != "<h2>" && tag != "</h2>" && tag != "<pre>" && tag != "</pre>" {
			t.Errorf("there is an element %s", tag)
		}
	}
}

// A repository in which all is well fits a screen, and one in which nothing is fits a comment.
func TestManyDatabases(t *testing.T) {
	locked := example.Locked(t).Items[0]
	locked.Findings = nil
	var good, bad v1alpha1.IsolationReportList
	for i := range 300 {
		locked.Metadata.Name = fmt.Sprintf("db-%d", i)
		good.Items = append(good.Items, locked)
		broken := example.Broken(t).Items[0]
		broken.Metadata.Name = locked.Metadata.Name
		for j := range broken.Findings {
			broken.Findings[j].Message += broken.Metadata.Name
		}
		bad.Items = append(bad.Items, broken)
	}
	text := string(reports(t, good))
	open, _, _ := strings.Cut(text, "<details>")
	if lines := strings.Count(open, "\n"); lines > 10 || !strings.Contains(text, "300 databases LOCKED without a finding") || !strings.Contains(text, "`default/db-299`") {
		t.Errorf("%d lines:\n%s", lines, open)
	}
	text = string(reports(t, bad))
	if len(text) > 65_536 || !strings.Contains(text, "more databases are left out") || !strings.Contains(text, "`default/db-299`") {
		t.Errorf("%d bytes, ending in %s", len(text), text[len(text)-300:])
	}
}
