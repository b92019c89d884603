package picture

import (
	"fmt"
	"io"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// Mermaid draws no more than this (maxEdges and maxTextSize, which renderers like GitHub's do not let
// authors change).
const (
	mermaidEdges      = 500
	mermaidCharacters = 50000
)

// Mermaid writes a flowchart for Mermaid, as Markdown renderers draw it in a block of the
// language "mermaid". It is as detailed as Mermaid can draw it; the error is that it can't at all.
func Mermaid(w io.Writer, list v1alpha1.IsolationReportList) error {
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
		words.Count(len(list.Items), "cluster"), len(p.edges), mermaidEdges, len(text), mermaidCharacters)
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
			shape := n.kind.shape()
			fmt.Fprintf(&out, "%s%s%s%s%s\n", indent, n.id, shape.open, mermaidQuote(n.lines...), shape.close)
		}
		if g.title != "" {
			out.WriteString("  end\n")
		}
	}
	for _, e := range p.edges {
		fmt.Fprintf(&out, "  %s %s|%s| %s\n", e.from, e.look().arrow, mermaidQuote(e.label()...), e.to)
	}
	for i, e := range p.edges {
		if link := e.look().link; link != "" {
			fmt.Fprintf(&out, "  linkStyle %d %s\n", i, link)
		}
	}
	return out.String()
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
