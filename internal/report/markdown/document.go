package markdown

import (
	"io"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// Document is what is being written: blocks with an empty line between them. The zero value is empty.
type Document struct{ out strings.Builder }

// Heading begins a section. Its level is from 1 to 6.
func (d *Document) Heading(level int, text Inline) {
	d.block(strings.Repeat("#", level) + " " + string(text) + "\n")
}

// Paragraph is parts in one paragraph, with a blank between them.
func (d *Document) Paragraph(parts ...Inline) {
	if text := Join(" ", parts...); text != "" {
		d.block(string(text) + "\n")
	}
}

// List is a list of items; nothing when there are none.
func (d *Document) List(items ...Inline) {
	if len(items) == 0 {
		return
	}
	var list strings.Builder
	for _, item := range items {
		list.WriteString("- " + string(item) + "\n")
	}
	d.block(list.String())
}

// Table is a table. Each row has a cell for each column of the header. A table without rows is left out.
func (d *Document) Table(header []Inline, rows [][]Inline) {
	if len(rows) == 0 {
		return
	}
	var table strings.Builder
	row := func(cells []Inline) {
		for _, cell := range cells {
			table.WriteString("| " + string(cell) + " ")
		}
		table.WriteString("|\n")
	}
	row(header)
	table.WriteString(strings.Repeat("| --- ", len(header)) + "|\n")
	for _, cells := range rows {
		row(cells)
	}
	d.block(table.String())
}

// Fence is a block of code, line by line. Language is one of the names that renderers know ("sh", "diff"), or empty.
func (d *Document) Fence(language, text string) {
	text = strings.TrimSuffix(terminal.EscapeLines(text), "\n")
	fence := strings.Repeat("`", max(longestRun(text)+1, 3))
	d.block(fence + language + "\n" + text + "\n" + fence + "\n")
}

// Details is what body writes, folded under a summary, which is text as it came.
func (d *Document) Details(summary string, body func()) {
	d.block("<details>\n<summary>" + htmlText(summary) + "</summary>\n")
	body()
	d.block("</details>\n")
}

// Len is the number of bytes that were written so far. GitHub takes 65,536 characters as a comment.
func (d *Document) Len() int { return d.out.Len() }

// WriteTo implements io.WriterTo.
func (d *Document) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, d.out.String())
	return int64(n), err
}

func (d *Document) block(text string) {
	if d.out.Len() > 0 {
		d.out.WriteByte('\n')
	}
	d.out.WriteString(text)
}
