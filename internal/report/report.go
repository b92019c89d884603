// Package report renders what others computed: isolation reports as table, wide, JSON, YAML or
// diagram, and the preview of a change. It takes values and writes to a stream: it asks no server,
// judges no policy and decides nothing.
//
// Text in reports comes from a cluster or a file and is never trusted: everything that the table
// and the preview print goes through terminal.Escape, in the few methods of page and grid that
// take text. Diagrams do the same, and then quote for their own language.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// Format is the value of -o.
type Format string

const (
	// Table is for people: one cluster in detail, or one line for each of several.
	Table Format = "table"
	// Wide is Table with full names, every client, and info findings.
	Wide Format = "wide"
	// JSON is the report as in package v1alpha1.
	JSON Format = "json"
	// YAML is the same as YAML.
	YAML Format = "yaml"
	// DOT is a graph for Graphviz.
	DOT Format = "dot"
	// Mermaid is a flowchart for Mermaid, which Markdown renderers draw.
	Mermaid Format = "mermaid"
	// HTML is one self-contained page with a picture for each cluster.
	HTML Format = "html"
)

// formats are the values of -o, the default first.
func formats() []string {
	return []string{string(Table), string(Wide), string(JSON), string(YAML), string(DOT), string(Mermaid), string(HTML)}
}

const (
	defaultWidth = 100
	minWidth     = 80
	maxWidth     = 160
)

// Options say how to print. The zero value prints a table without colors, 100 columns wide.
type Options struct {
	Format Format
	Colors terminal.Colors
	// Width is the number of columns of the terminal, 0 when the output is none. Less than 80
	// counts as 80, and lines do not grow beyond 160, where they become hard to read. The commands of remedies
	// are exempt: they stay in one piece, to be copied.
	Width int
	// Contexts are those that were asked, in the order in which they are listed; those that failed
	// come last without it.
	Contexts []string
}

func (o Options) width() int {
	if o.Width == 0 {
		return defaultWidth
	}
	return min(max(o.Width, minWidth), maxWidth)
}

// Print writes reports. An empty list prints nothing as a table: the caller says on stderr what it
// looked for.
func Print(w io.Writer, list v1alpha1.IsolationReportList, o Options) error {
	switch o.Format {
	case JSON:
		return printJSON(w, list)
	case YAML:
		return printYAML(w, list)
	case DOT:
		return printDOT(w, list)
	case Mermaid:
		return printMermaid(w, list)
	case HTML:
		return printHTML(w, list)
	case Table, Wide, "":
		p := newPage(o)
		var err error
		switch {
		case hasContexts(list) || len(list.Items) > 1:
			err = p.overview(list)
		case len(list.Items) == 1:
			err = p.detail(list.Items[0])
			p.leftOver(list.Findings)
		default:
			p.leftOver(list.Findings)
		}
		if err != nil {
			return fmt.Errorf("render reports: %w", err)
		}
		return p.writeTo(w)
	default:
		return fmt.Errorf("unknown output format %q: use one of %s", o.Format, strings.Join(formats(), ", "))
	}
}
