package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Mermaid draws no more than this (maxEdges and maxTextSize, which renderers like GitHub's do not let
// authors change).
const (
	mermaidEdges      = 500
	mermaidCharacters = 50000
)

// printMermaid writes a flowchart for Mermaid, as Markdown renderers draw it in a block of the
// language "mermaid". It is as detailed as Mermaid can draw it; the error is that it can't at all.
func printMermaid(w io.Writer, list v1alpha1.IsolationReportList) error {
	var p picture
	var text string
	for _, most := range details(len(list.Items)) {
		p = draw(list, most)
		if text = mermaid(p); len(p.edges) <= mermaidEdges && len(text) <= mermaidCharacters {
			_, err := io.WriteString(w, text)
			return err
		}
	}
	return fmt.Errorf("%s are too much for one Mermaid picture (%d connections where %d are possible, %d characters of %d): name some of them, or use -o html",
		count(len(list.Items), "cluster"), len(p.edges), mermaidEdges, len(text), mermaidCharacters)
}

func mermaid(p picture) string {
	var out strings.Builder
	out.WriteString("flowchart LR\n")
	for i, g := range p.groups {
		indent := "  "
		if g.title != "" {
			fmt.Fprintf(&out, "  subgraph g%d[%s]\n", i, mermaidQuote(g.title))
			indent = "    "
		}
		for _, n := range g.nodes {
			open, end := mermaidShape(n)
			fmt.Fprintf(&out, "%s%s%s%s%s\n", indent, n.id, open, mermaidQuote(n.lines...), end)
		}
		if g.title != "" {
			out.WriteString("  end\n")
		}
	}
	for _, e := range p.edges {
		arrow := "-->"
		if e.verdict != v1alpha1.VerdictAllowed {
			arrow = "-.->"
		}
		fmt.Fprintf(&out, "  %s %s|%s| %s\n", e.from, arrow, mermaidQuote(e.label()...), e.to)
	}
	for i, e := range p.edges {
		if style := mermaidEdge(e.connection); style != "" {
			fmt.Fprintf(&out, "  linkStyle %d %s\n", i, style)
		}
	}
	return out.String()
}

func mermaidShape(n pictureNode) (open, end string) {
	switch {
	case n.kind == moreEnd:
		return "[", "]"
	case n.target:
		return "[(", ")]"
	case n.kind == entityEnd:
		return "([", "])"
	default:
		return "[", "]"
	}
}

// mermaidEdge is red when the cluster needs what is denied. Mermaid has one pattern of dashes only,
// which denied edges have by their arrow.
func mermaidEdge(c connection) string {
	switch {
	case c.blocked():
		return "stroke:#cf222e,stroke-width:3px,color:#cf222e"
	case c.verdict == v1alpha1.VerdictDenied:
		return "stroke:#57606a"
	case c.verdict != v1alpha1.VerdictAllowed:
		return "stroke:#9a6700"
	case c.required:
		return "stroke:#1a7f37"
	default:
		return ""
	}
}

// mermaidQuote is a label of several lines. Labels may hold HTML and Markdown: whatever could begin
// either, and the quote that ends the label, becomes a character code. The colon is among them
// because Mermaid drops the end of a code in lines that look like a style ("style…:…#…;").
func mermaidQuote(lines ...string) string {
	var out strings.Builder
	out.WriteByte('"')
	for i, line := range lines {
		if i > 0 {
			out.WriteString("<br/>")
		}
		for _, r := range line {
			if strings.ContainsRune("\"#&<>`:;*_~[]{}|\\%$", r) {
				fmt.Fprintf(&out, "#%d;", r)
			} else {
				out.WriteRune(r)
			}
		}
	}
	out.WriteByte('"')
	return out.String()
}
