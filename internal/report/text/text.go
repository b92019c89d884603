// Package text renders reports, explanations and the preview of a change for people: tables, details
// and sentences of at most so many columns. It takes values and writes to a stream: it asks no server,
// judges no policy and decides nothing.
//
// Text in reports comes from a cluster or a file and is never trusted: everything that is printed goes
// through terminal.Escape, in the few methods of page and grid that take text.
package text

import (
	"fmt"
	"io"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

const (
	defaultWidth = 100
	minWidth     = 40
	maxWidth     = 160
)

// Options say how to print. The zero value prints a table without colors, 100 columns wide.
type Options struct {
	// Wide is with full names, every client, and info findings.
	Wide   bool
	Colors terminal.Colors
	// Width is the number of columns of the terminal. Less than 40 counts as 40, and lines do not grow beyond 160, where
	// they become hard to read. The commands of remedies are exempt: they stay in one piece, to be copied. Zero is for
	// output that is no terminal: 100 columns, which tables leave where a name would have to be cut or broken.
	Width int
	// Contexts are those that were asked, in the order in which they are listed; those that failed
	// come last without it.
	Contexts []string
	// Context is the one that a flag has named, so that commands name it as well; of several, each report has its own.
	Context string
}

func (o Options) width() int {
	if o.Width == 0 {
		return defaultWidth
	}
	return min(max(o.Width, minWidth), maxWidth)
}

// Reports writes one cluster in detail, or one line for each of several. An empty list prints nothing:
// the caller says on stderr what it looked for.
func Reports(w io.Writer, list v1alpha1.IsolationReportList, o Options) error {
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
}
