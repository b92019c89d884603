package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// printDOT writes a graph for Graphviz.
func printDOT(w io.Writer, list v1alpha1.IsolationReportList) error {
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
			fmt.Fprintf(&out, "%s%s [label=%s%s];\n", indent, n.id, dotQuote(n.lines...), dotShape(n))
		}
		if g.title != "" {
			out.WriteString("  }\n")
		}
	}
	for _, e := range p.edges {
		fmt.Fprintf(&out, "  %s -> %s [label=%s%s];\n", e.from, e.to, dotQuote(e.label()...), dotEdge(e.connection))
	}
	out.WriteString("}\n")
	_, err := io.WriteString(w, out.String())
	return err
}

func dotShape(n pictureNode) string {
	switch {
	case n.kind == moreEnd:
		return ", style=dashed"
	case n.target:
		return ", shape=cylinder, style=filled"
	case n.kind == entityEnd:
		return ", shape=ellipse, style=filled"
	default:
		return ""
	}
}

// dotEdge is dashed for what is denied, and red when the cluster needs it.
func dotEdge(c connection) string {
	switch {
	case c.blocked():
		return `, style=dashed, color="#cf222e", fontcolor="#cf222e", penwidth=2`
	case c.verdict == v1alpha1.VerdictDenied:
		return `, style=dashed, color="#57606a", fontcolor="#57606a"`
	case c.verdict != v1alpha1.VerdictAllowed:
		return `, style=dotted, color="#9a6700", fontcolor="#9a6700"`
	case c.required:
		return `, color="#1a7f37"`
	default:
		return ""
	}
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
