package picture

import (
	"fmt"
	"io"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// DOT writes a graph for Graphviz.
func DOT(w io.Writer, list v1alpha1.IsolationReportList) error {
	p := draw(list, details(len(list.Items))[0])
	var out strings.Builder
	out.WriteString(`digraph "cnpg-netpol" {
  rankdir=LR;
  ranksep=1.5;
  fontname="Helvetica";
  node [shape=box, style="rounded,filled", fillcolor="#ffffff", color="#57606a", fontname="Helvetica", fontsize=11];
  edge [color="#0550ae", fontname="Helvetica", fontsize=9];
`)
	for i, g := range p.groups {
		indent := "  "
		if g.title != "" {
			fill := "#f6f8fa"
			if g.database {
				fill = "#ddf4ff"
			}
			fmt.Fprintf(&out, "  subgraph cluster_%d {\n    label=%s;\n    style=\"rounded,filled\";\n    color=\"#d0d7de\";\n    fillcolor=\"%s\";\n",
				i, dotQuote(g.title), fill)
			indent = "    "
		}
		for _, n := range g.nodes {
			fmt.Fprintf(&out, "%s%s [label=%s%s];\n", indent, n.id, dotQuote(n.lines...), more(n.kind.shape().dot))
		}
		if g.title != "" {
			out.WriteString("  }\n")
		}
	}
	for _, e := range p.edges {
		fmt.Fprintf(&out, "  %s -> %s [label=%s%s];\n", e.from, e.to, dotQuote(e.label()...), more(e.look().dot))
	}
	out.WriteString("}\n")
	_, err := io.WriteString(w, out.String())
	return err
}

// more are attributes behind a first one.
func more(attributes string) string {
	if attributes == "" {
		return ""
	}
	return ", " + attributes
}

// dotQuote is a label of several lines. In Graphviz' strings, a backslash begins an escape and an
// ampersand an HTML entity; the lines hold no line breaks, since they are safe to print.
func dotQuote(lines ...string) string {
	escaped := make([]string, len(lines))
	for i, line := range lines {
		escaped[i] = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `&`, `&amp;`).Replace(line)
	}
	return `"` + strings.Join(escaped, `\n`) + `"`
}
