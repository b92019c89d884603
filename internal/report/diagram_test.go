package report_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/picture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

func diagrams() map[string]v1alpha1.IsolationReportList {
	several := severalContexts()
	several.Findings = []v1alpha1.Finding{{Code: v1alpha1.OrphanedPolicy, Severity: v1alpha1.SeverityWarning, Message: "A policy is left over."}}
	return map[string]v1alpha1.IsolationReportList{
		"open": list(open()), "locked": list(locked()), "broken": list(blockedAndMixed()), "unknown": list(unknown()),
		"crowded": list(crowded()), "several": several, "empty": list(), "injecting": list(injecting()),
	}
}

func TestDiagrams(t *testing.T) {
	for name, l := range diagrams() {
		for _, format := range []report.Format{report.DOT, report.Mermaid, report.HTML} {
			t.Run(name+" "+string(format), func(t *testing.T) {
				got := render(t, l, options{Format: format})
				golden(t, "diagram-"+name+"."+string(format), []byte(got))
				for line := range strings.Lines(got) {
					if line = strings.TrimSuffix(line, "\n"); terminal.Escape(line) != line {
						t.Errorf("not safe to print: %q", line)
					}
				}
			})
		}
	}
}

// What is denied is dashed, what is needed besides is red, and both say it in a word.
func TestDeniedEdges(t *testing.T) {
	for format, want := range map[report.Format][]string{
		report.DOT: {
			`n\d+ -> n\d+ \[label="8000 denied\\nno policy allows it", style=dashed, color="#cf222e"`,
			`n\d+ -> n\d+ \[label="5432 denied\\ncnp/cluster-example-default-deny", style=dashed, color="#57606a"`,
			`n\d+ -> n\d+ \[label="5432\\ncnp/cluster-example-postgres-access-role-backend"\];`,
			`\[label="and 5 more pods denied", style=dashed\]`,
		},
		report.Mermaid: {
			`n\d+ -\.->\|"8000 denied<br/>no policy allows it"\| n\d+`,
			`n\d+ -\.->\|"5432 denied<br/>cnp/cluster-example-default-deny"\| n\d+`,
			`n\d+ -->\|"5432<br/>cnp/cluster-example-postgres-access-role-backend"\| n\d+`,
			`linkStyle 0 stroke:#cf222e`,
		},
		report.HTML: {
			`<path class="edge blocked" `, `>DENIED, and needed · port 8000</text>`, `<path class="edge denied" `, `<span class="verdict denied">denied</span>`,
		},
	} {
		got := render(t, list(blockedAndMixed()), options{Format: format})
		for _, pattern := range want {
			if !regexp.MustCompile(pattern).MatchString(got) {
				t.Errorf("%s: nothing matches %s in\n%s", format, pattern, got)
			}
		}
	}
}

// A picture of a fleet stays readable: what is not drawn is counted.
func TestCrowdedPictures(t *testing.T) {
	for format, want := range map[report.Format][]string{
		report.DOT:     {"and 420 more workloads that can connect", "more pods denied"},
		report.Mermaid: {"and 420 more workloads that can connect", "more pods denied"},
		report.HTML:    {"and 420 more workloads that can connect", "The picture shows some of the clients"},
	} {
		got := render(t, list(crowded()), options{Format: format})
		for _, sentence := range want {
			if !strings.Contains(got, sentence) {
				t.Errorf("%s: lacks %q", format, sentence)
			}
		}
		if nodes := strings.Count(got, "deployment/worker"); format != report.HTML && nodes != 24+12 {
			t.Errorf("%s: %d workloads are drawn, want 36", format, nodes)
		}
	}
}

// Names can't leave the quotes of Graphviz' strings: every line is one statement of ours.
func TestDOTStatements(t *testing.T) {
	const text = `"(?:[^"\\]|\\\\|\\"|\\n)*"`
	statement := regexp.MustCompile(`^\s*(digraph ` + text + ` \{|subgraph cluster_\d+ \{|\}|[a-z]+=[\w.]+;|[a-z]+=` + text + `;|` +
		`(n\d+|node|edge|n\d+ -> n\d+) \[\w+=(` + text + `|\w+)(, \w+=(` + text + `|\w+))*\];)$`)
	for name, l := range diagrams() {
		for line := range strings.Lines(render(t, l, options{Format: report.DOT})) {
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
	for name, l := range diagrams() {
		for line := range strings.Lines(render(t, l, options{Format: report.Mermaid})) {
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
	for name, l := range diagrams() {
		decoder := xml.NewDecoder(strings.NewReader(render(t, l, options{Format: report.HTML})))
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
	got := render(t, list(crowded()), options{Format: report.HTML})
	_, tables, found := strings.Cut(got, "</figure>")
	if !found {
		t.Fatal("no figure")
	}
	for _, c := range crowded().Exposure[0].Clients {
		if !strings.Contains(tables, "namespace "+c.Namespace+"</div>") || !strings.Contains(tables, c.Workload) {
			t.Errorf("no row for %s in %s", c.Workload, c.Namespace)
		}
	}
}

// fleet are so many databases, every other one open to everybody, each with clients of its own.
func fleet(clusters int) v1alpha1.IsolationReportList {
	var l v1alpha1.IsolationReportList
	for i := range clusters {
		r := open()
		if i%2 == 1 {
			r = crowded()
			r.Posture = v1alpha1.PostureLocked
			r.Exposure[0].Entities = []string{"host"}
		}
		l.Items = append(l.Items, named(r, fmt.Sprintf("team-%d", i), fmt.Sprintf("db-%d", i)))
	}
	return l
}

// Mermaid draws nothing at all beyond its limits: with many databases, there is less of each.
func TestMermaidLimits(t *testing.T) {
	for clusters, want := range map[int]string{
		8: "and 420 more workloads that can connect", 35: "and 438 more workloads that can connect", 50: "not drawn#58; who can’t connect",
	} {
		got := render(t, fleet(clusters), options{Format: report.Mermaid})
		if edges := strings.Count(got, "|"); edges/2 > 500 || len(got) > 50000 {
			t.Errorf("%d clusters: %d connections and %d characters", clusters, edges/2, len(got))
		}
		if !strings.Contains(got, want) || !strings.Contains(got, "everybody (5 workloads)") {
			t.Errorf("%d clusters: lacks %q", clusters, want)
		}
	}
	var out strings.Builder
	err := picture.Mermaid(&out, fleet(200))
	if want := "200 clusters are too much for one Mermaid picture"; err == nil || !strings.HasPrefix(err.Error(), want) || out.Len() > 0 {
		t.Errorf("error %v, printed %d bytes", err, out.Len())
	}
}

// A context that failed is part of the picture.
func TestPicturesNameWhatFailed(t *testing.T) {
	for _, format := range []report.Format{report.DOT, report.Mermaid, report.HTML} {
		got := render(t, v1alpha1.IsolationReportList{Errors: severalContexts().Errors}, options{Format: format})
		if !strings.Contains(got, "far-away") || !strings.Contains(got, "the server did not answer in time") {
			t.Errorf("%s: %s", format, got)
		}
	}
}
