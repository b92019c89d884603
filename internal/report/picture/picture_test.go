package picture_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/picture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

func pictures(t *testing.T) map[string]v1alpha1.IsolationReportList {
	t.Helper()
	contexts := example.Contexts(t)
	contexts.Findings = []v1alpha1.Finding{{Code: v1alpha1.OrphanedPolicy, Severity: v1alpha1.SeverityWarning, Message: "A policy is left over."}}
	return map[string]v1alpha1.IsolationReportList{
		"open": example.Open(t), "locked": example.Locked(t), "partial": example.Partial(t), "broken": example.Broken(t), "unknown": example.Unknown(t),
		"crowded": example.Crowded(t), "roles": example.Roles(t), "several": example.Several(t), "contexts": contexts, "empty": {}, "injecting": example.Injecting(t),
	}
}

// languages are what pictures are drawn in.
func languages() map[string]func(io.Writer, v1alpha1.IsolationReportList) error {
	return map[string]func(io.Writer, v1alpha1.IsolationReportList) error{"dot": picture.DOT, "mermaid": picture.Mermaid, "html": picture.HTML}
}

func drawn(t *testing.T, language string, list v1alpha1.IsolationReportList) string {
	t.Helper()
	var out strings.Builder
	if err := languages()[language](&out, list); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPictures(t *testing.T) {
	for name, list := range pictures(t) {
		for language := range languages() {
			t.Run(name+" "+language, func(t *testing.T) {
				got := drawn(t, language, list)
				for line := range strings.Lines(got) {
					if line = strings.TrimSuffix(line, "\n"); terminal.Escape(line) != line {
						t.Errorf("not safe to print: %q", line)
					}
				}
				golden.Compare(t, "testdata/"+name+"."+language, []byte(withoutStyle(t, language, got)))
			})
		}
	}
}

// withoutStyle leaves out the style sheet, which is a file of its own and the same in every page.
func withoutStyle(t *testing.T, language, page string) string {
	t.Helper()
	if language != "html" {
		return page
	}
	style, err := os.ReadFile("html/style.css")
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(page, string(style))
	if !found {
		t.Error("the page has no style sheet")
	}
	return before + after
}

// What is denied is dashed, what is needed besides is red, and both say it in a word.
func TestDeniedEdges(t *testing.T) {
	for language, want := range map[string][]string{
		"dot": {
			`n\d+ -> n\d+ \[label="8000 denied\\nnetpol/postgres-clients", style=dashed, color="#cf222e"`,
			`n\d+ -> n\d+ \[label="5432 denied\\nnetpol/postgres-clients", style=dashed, color="#57606a"`,
			`n\d+ -> n\d+ \[label="5432\\nccnp/office"\];`,
			`\[label="and 7 more pods denied", style=dashed\]`,
		},
		"mermaid": {
			`n\d+ -\.->\|"8000 denied<br/>netpol/postgres-clients"\| n\d+`,
			`n\d+ -\.->\|"5432 denied<br/>netpol/postgres-clients"\| n\d+`,
			`n\d+ -->\|"5432<br/>ccnp/office"\| n\d+`,
			`linkStyle 0 stroke:#cf222e`,
		},
		"html": {
			`<path class="edge blocked" `, `>DENIED, and needed · port 8000</text>`, `<path class="edge denied" `, `<span class="verdict denied">denied</span>`,
		},
	} {
		got := drawn(t, language, example.Broken(t))
		for _, pattern := range want {
			if !regexp.MustCompile(pattern).MatchString(got) {
				t.Errorf("%s: nothing matches %s in\n%s", language, pattern, got)
			}
		}
	}
}

// A picture of a fleet stays readable: what is not drawn is counted.
func TestCrowdedPictures(t *testing.T) {
	for language, want := range map[string][]string{
		"dot":     {"and 20 more workloads that can connect", "more pods denied"},
		"mermaid": {"and 20 more workloads that can connect", "more pods denied"},
		"html":    {"and 20 more workloads that can connect", "The picture shows some of the clients"},
	} {
		got := drawn(t, language, example.Crowded(t))
		for _, sentence := range want {
			if !strings.Contains(got, sentence) {
				t.Errorf("%s: lacks %q", language, sentence)
			}
		}
		if nodes := strings.Count(got, "deployment/worker"); language != "html" && nodes != 24+12 {
			t.Errorf("%s: %d workloads are drawn, want 36", language, nodes)
		}
	}
}

// Names can't leave the quotes of Graphviz' strings: every line is one statement of ours.
func TestDOTStatements(t *testing.T) {
	const text = `"(?:[^"\\]|\\\\|\\"|\\n)*"`
	statement := regexp.MustCompile(`^\s*(digraph ` + text + ` \{|subgraph cluster_\d+ \{|\}|[a-z]+=[\w.]+;|[a-z]+=` + text + `;|` +
		`(n\d+|node|edge|n\d+ -> n\d+) \[\w+=(` + text + `|\w+)(, \w+=(` + text + `|\w+))*\];)$`)
	for name, l := range pictures(t) {
		for line := range strings.Lines(drawn(t, "dot", l)) {
			if !statement.MatchString(strings.TrimSuffix(line, "\n")) {
				t.Errorf("%s: not one of our statements: %s", name, line)
			}
		}
	}
}

// Nor those of Mermaid, and nothing in them is HTML or Markdown.
func TestMermaidStatements(t *testing.T) {
	const text = "\"(?:[^\"<>&`#\\[\\]{}|\\\\]|#\\d+;|<br/>)*\""
	statement := regexp.MustCompile(`^\s*(flowchart LR|subgraph g\d+\[` + text + `\]|end|n\d+(\[|\[\(|\(\[)` + text + `(\]|\)\]|\]\))|` +
		`n\d+ (-->|-\.->)\|` + text + `\| n\d+|linkStyle \d+ [a-z0-9#:,-]+)$`)
	for name, l := range pictures(t) {
		for line := range strings.Lines(drawn(t, "mermaid", l)) {
			if !statement.MatchString(strings.TrimSuffix(line, "\n")) {
				t.Errorf("%s: not one of our statements: %s", name, line)
			}
		}
	}
}

// Nothing that comes from a cluster becomes an element or an attribute of the page, and the page
// asks for nothing.
func TestHTMLElements(t *testing.T) {
	allowed := strings.Fields("html head meta title style body a header h1 h2 h3 p main section nav div table thead tbody tr th td span " +
		"figure figcaption svg desc defs marker path g rect text ul li code pre details summary")
	attributes := strings.Fields("lang charset name content http-equiv class id href aria-labelledby aria-label role tabindex scope " +
		"viewBox width height refX refY markerWidth markerHeight orient d x y rx marker-end")
	for name, l := range pictures(t) {
		decoder := xml.NewDecoder(strings.NewReader(drawn(t, "html", l)))
		decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			element, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			if !slices.Contains(allowed, element.Name.Local) {
				t.Errorf("%s: element %s", name, element.Name.Local)
			}
			for _, a := range element.Attr {
				if !slices.Contains(attributes, a.Name.Local) {
					t.Errorf("%s: attribute %s of %s", name, a.Name.Local, element.Name.Local)
				}
				if a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") {
					t.Errorf("%s: a link out of the page: %s", name, a.Value)
				}
			}
		}
	}
}

// Whoever can't see the picture reads the same in the tables.
func TestHTMLTellsAllInTables(t *testing.T) {
	got := drawn(t, "html", example.Crowded(t))
	_, tables, found := strings.Cut(got, "</figure>")
	if !found {
		t.Fatal("no figure")
	}
	for _, c := range example.Crowded(t).Items[0].Exposure[0].Clients {
		if !strings.Contains(tables, "namespace "+c.Namespace+"</div>") || !strings.Contains(tables, c.Workload) {
			t.Errorf("no row for %s in %s", c.Workload, c.Namespace)
		}
	}
}

// fleet are so many databases, every other one open to everybody, each with clients of its own.
func fleet(t *testing.T, clusters int) v1alpha1.IsolationReportList {
	t.Helper()
	open, crowded := example.Open(t).Items[0], example.Crowded(t).Items[0]
	var list v1alpha1.IsolationReportList
	for i := range clusters {
		r := open
		if i%2 == 1 {
			r = crowded
		}
		r.Metadata = v1alpha1.Metadata{Namespace: fmt.Sprintf("team-%d", i), Name: fmt.Sprintf("db-%d", i)}
		list.Items = append(list.Items, r)
	}
	return list
}

// Mermaid draws nothing at all beyond its limits: with many databases, there is less of each.
func TestMermaidLimits(t *testing.T) {
	for clusters, want := range map[int]string{
		8: "and 20 more workloads that can connect", 35: "and 38 more workloads that can connect", 50: "not drawn#58; who can’t connect",
	} {
		got := drawn(t, "mermaid", fleet(t, clusters))
		if edges := strings.Count(got, "|"); edges/2 > 500 || len(got) > 50000 {
			t.Errorf("%d clusters: %d connections and %d characters", clusters, edges/2, len(got))
		}
		if !strings.Contains(got, want) || !strings.Contains(got, "everybody (9 workloads)") {
			t.Errorf("%d clusters: lacks %q", clusters, want)
		}
	}
	var out strings.Builder
	err := picture.Mermaid(&out, fleet(t, 200))
	if want := "200 clusters are too much for one Mermaid picture"; err == nil || !strings.HasPrefix(err.Error(), want) || out.Len() > 0 {
		t.Errorf("error %v, printed %d bytes", err, out.Len())
	}
}

// A context that failed is part of the picture.
func TestPicturesNameWhatFailed(t *testing.T) {
	for language := range languages() {
		got := drawn(t, language, v1alpha1.IsolationReportList{Errors: example.Contexts(t).Errors})
		if !strings.Contains(got, "far-away") || !strings.Contains(got, "the server did not answer in time") {
			t.Errorf("%s: %s", language, got)
		}
	}
}
