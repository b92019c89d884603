package text

import (
	"io"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// page is what is being written: lines of at most width columns. All text that it takes is
// escaped; styles are put on afterwards.
type page struct {
	out    strings.Builder
	colors terminal.Colors
	width  int
	// whole is true where nobody looks at a terminal: no word of a table is shortened or broken then, so that it can be
	// searched for, even if lines become longer than width.
	whole bool
	wide  bool
	// contexts are in the order of the overview.
	contexts []string
	// context is the one that commands name.
	context string
}

// style paints text that is ready to print.
type style func(string) string

func newPage(o Options) *page {
	return &page{colors: o.Colors, width: o.width(), whole: o.Width == 0, wide: o.Wide, contexts: o.Contexts, context: o.Context}
}

func (p *page) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.colors.Symbols(p.out.String()))
	return err
}

// section starts a section: an empty line, unless it is the first, and its title.
func (p *page) section(title string) {
	if p.out.Len() > 0 {
		p.out.WriteByte('\n')
	}
	p.paragraph(0, title, p.colors.Heading)
}

// paragraph wraps a sentence.
func (p *page) paragraph(indent int, text string, paint style) {
	for _, line := range terminal.Wrap(terminal.Escape(text), p.width-indent) {
		p.line(indent, line, paint)
	}
}

// remedy writes what to do. A command stays on one line however long it is, so that it can be copied:
// where it does not fit behind the sentence before it, it begins a line. Sentences are wrapped.
func (p *page) remedy(indent int, text command.Text) {
	const arrow = "→ "
	if text.IsZero() {
		return
	}
	width := p.width - indent - terminal.Width(arrow)
	for i, line := range remedyLines(text, width) {
		if i == 0 {
			line = arrow + line
		} else {
			line = "  " + line
		}
		p.line(indent, line, nil)
	}
}

// remedyLines are lines of at most width columns, commands and flags exempt.
func remedyLines(text command.Text, width int) []string {
	if whole := terminal.Escape(text.String()); terminal.Width(whole) <= width {
		return []string{whole}
	}
	var lines []string
	if text.Words != "" {
		lines = terminal.Wrap(terminal.Escape(text.Words), width)
	}
	for _, line := range text.Lines {
		lines = append(lines, terminal.Escape(line.String()))
	}
	return lines
}

func (p *page) line(indent int, text string, paint style) {
	if paint != nil {
		text = paint(text)
	}
	p.out.WriteString(strings.Repeat(" ", indent))
	p.out.WriteString(text)
	p.out.WriteByte('\n')
}

// bullet wraps one item of a list.
func (p *page) bullet(indent int, text string) {
	p.item(indent, terminal.Wrap(terminal.Escape(text), p.width-indent-2))
}

// step is an item of a list in which a command stays in one piece, see remedy.
func (p *page) step(indent int, text command.Text) {
	p.item(indent, remedyLines(text, p.width-indent-2))
}

func (p *page) item(indent int, lines []string) {
	for i, line := range lines {
		mark := "- "
		if i > 0 {
			mark = "  "
		}
		p.line(indent, mark+line, nil)
	}
}
