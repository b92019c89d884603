package text

import (
	"regexp"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// cell is one field of a table. Each part starts a line of its own.
type cell struct {
	parts []string
	paint style
}

func text(s string) cell                 { return cell{parts: []string{s}} }
func lines(parts []string) cell          { return cell{parts: parts} }
func painted(s string, paint style) cell { return cell{parts: []string{s}, paint: paint} }

// column is how one column of a table behaves when the page is too narrow.
type column struct {
	header string
	// flexible columns give way; the others hold our own short words.
	flexible bool
	// limit is the number of lines that a part may take before it is shortened in the middle; 0
	// is no limit.
	limit int
}

// grid is a table like kubectl's: aligned columns, no borders.
type grid struct {
	columns []column
	rows    [][]cell
	// bare tables have no header.
	bare bool
}

func (g *grid) add(row ...cell) { g.rows = append(g.rows, row) }

const (
	gutter = 2
	// minColumn is where a flexible column stops giving way.
	minColumn = 10
)

// table lays out and writes a grid. Table writer aligns; which column gives way, and where a name
// is broken, is decided here: it would cut all columns alike.
func (p *page) table(indent int, g grid) error {
	if len(g.rows) == 0 {
		return nil
	}
	widths := g.widths(p.width-indent, p.whole)
	if !g.bare && !p.whole && !fits(widths, p.width-indent) {
		return p.records(indent, g)
	}
	var out strings.Builder
	table := tablewriter.NewTable(&out, tablewriter.WithRenderer(borderless()), tablewriter.WithConfig(plain()))
	if !g.bare {
		headers := make([]string, len(g.columns))
		for i, c := range g.columns {
			headers[i] = c.header
		}
		table.Header(headers)
	}
	for _, row := range g.rows {
		cells := make([]string, len(row))
		for i, c := range row {
			limit := g.columns[i].limit
			if p.whole {
				limit = 0
			}
			cells[i] = c.render(widths[i], limit)
		}
		if err := table.Append(cells); err != nil {
			return err
		}
	}
	if err := table.Render(); err != nil {
		return err
	}
	for line := range strings.Lines(out.String()) {
		p.line(indent, tidy(line), nil)
	}
	return nil
}

// fits tells whether columns of these widths are on one line.
func fits(widths []int, available int) bool {
	total := gutter * (len(widths) - 1)
	for _, width := range widths {
		total += width
	}
	return total <= available
}

// records writes a table for which the page is too narrow: the columns of a row below each other.
func (p *page) records(indent int, g grid) error {
	for i, row := range g.rows {
		if i > 0 {
			p.out.WriteByte('\n')
		}
		record := grid{bare: true, columns: []column{{}, {flexible: true}}}
		for at, c := range row {
			if strings.TrimSpace(strings.Join(c.parts, "")) != "" {
				record.add(text(g.columns[at].header), c)
			}
		}
		if err := p.table(indent, record); err != nil {
			return err
		}
	}
	return nil
}

// widths are the natural widths of the columns, with the widest flexible ones narrowed until
// everything fits. With whole, no word is broken for that: where it would take that, nothing gives way.
func (g *grid) widths(available int, whole bool) []int {
	widths, least := make([]int, len(g.columns)), make([]int, len(g.columns))
	total := gutter * (len(g.columns) - 1)
	for i, c := range g.columns {
		least[i] = minColumn
		if !g.bare {
			widths[i] = terminal.Width(c.header)
		}
		for _, row := range g.rows {
			for _, part := range row[i].parts {
				part = terminal.Escape(part)
				widths[i] = max(widths[i], terminal.Width(part))
				for word := range strings.FieldsSeq(part) {
					if whole {
						least[i] = max(least[i], terminal.Width(word))
					}
				}
			}
		}
		total += widths[i]
	}
	natural := slices.Clone(widths)
	for ; total > available; total-- {
		widest := -1
		for i, c := range g.columns {
			if c.flexible && widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			if whole {
				return natural
			}
			break
		}
		widths[widest]--
	}
	return widths
}

// natural is the number of columns that the table takes when nothing gives way.
func (g *grid) natural() int {
	const plenty = 1 << 20
	total := gutter * (len(g.columns) - 1)
	for _, width := range g.widths(plenty, false) {
		total += width
	}
	return total
}

func (c cell) render(width, limit int) string {
	var all []string
	for _, part := range c.parts {
		part = terminal.Escape(part)
		broken := terminal.Wrap(part, width)
		for room := limit * width; limit > 0 && len(broken) > limit && room > 0; room-- {
			broken = terminal.Wrap(terminal.Shorten(part, room), width)
		}
		all = append(all, broken...)
	}
	if c.paint != nil {
		for i := range all {
			all[i] = c.paint(all[i])
		}
	}
	return strings.Join(all, "\n")
}

func borderless() tw.Renderer {
	return renderer.NewBlueprint(tw.Rendition{
		Borders:  tw.BorderNone,
		Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
	})
}

func plain() tablewriter.Config {
	section := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
		Alignment:  tw.CellAlignment{Global: tw.AlignLeft},
		Padding:    tw.CellPadding{Global: tw.Padding{Right: strings.Repeat(" ", gutter), Overwrite: true}},
	}
	return tablewriter.Config{
		Header:   section,
		Row:      section,
		Behavior: tw.Behavior{TrimSpace: tw.Off, TrimLine: tw.Off},
	}
}

// stray is the reset that table writer puts after the padding of a cell that holds codes. Ours
// follow a word, never a space.
var stray = regexp.MustCompile(`( +)\x1b\[0m`)

// tidy removes what table writer leaves at the end of a line.
func tidy(line string) string {
	line = strings.TrimSuffix(line, "\n")
	line = stray.ReplaceAllString(line, "$1")
	return strings.TrimRight(line, " ")
}
