package picture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// The picture of the HTML page has three columns: who, decided by what, which part of the database.
// Everything is in pixels; texts are in a font whose characters are all equally wide, so that their
// width is known here.
const (
	leftWidth   = 330
	middleWidth = 330
	rightWidth  = 250
	columnGap   = 90
	middleX     = leftWidth + columnGap
	rightX      = middleX + middleWidth + columnGap
	layoutWidth = rightX + rightWidth + 2

	lineHeight   = 17
	boxPadding   = 7
	boxGap       = 7
	headerHeight = 26
	charWidth    = 7.3
	textInset    = 12
)

// layout is a picture with all positions.
type layout struct {
	Width, Height int
	Headers       []layoutText
	Boxes         []layoutBox
	Paths         []layoutPath
}

type layoutText struct {
	X, Y  int
	Class string
	Text  string
}

type layoutBox struct {
	X, Y, W, H int
	Class      string
	// Title is the whole text, which Lines may shorten.
	Title string
	Lines []layoutText
}

func (b *layoutBox) middle() int { return b.Y + b.H/2 }

type layoutPath struct{ Class, D string }

// decision is a box of the middle column: connections that the same policies decided alike.
type decision struct {
	box     layoutBox
	kind    kind
	sources []string
	targets []string
}

// lay places the connections of one report.
func lay(r v1alpha1.IsolationReport, all []connection) layout {
	l := layout{Width: layoutWidth}
	sources, order := sourceBoxes(&l, all)
	decisions := decisionsOf(all)
	for _, d := range decisions {
		sum := 0
		for _, source := range d.sources {
			sum += sources[source].middle()
		}
		d.box.Y = sum/len(d.sources) - d.box.H/2
	}
	slices.SortStableFunc(decisions, func(a, b *decision) int { return cmp.Compare(a.box.middle(), b.box.middle()) })
	bottom := stack(decisions)
	l.Height = max(l.Height, bottom)
	targets := targetBoxes(&l, r)
	for _, key := range order {
		l.Boxes = append(l.Boxes, *sources[key])
	}
	for _, d := range decisions {
		l.Boxes = append(l.Boxes, d.box)
		for _, source := range d.sources {
			l.Paths = append(l.Paths, curve(string(d.kind), leftWidth, sources[source].middle(), middleX, d.box.middle()))
		}
		for _, target := range d.targets {
			l.Paths = append(l.Paths, curve(string(d.kind)+" arrow", middleX+middleWidth, d.box.middle(), rightX-3, targets[target].middle()))
		}
	}
	for _, h := range []layoutText{{X: 0, Text: "Who"}, {X: middleX, Text: "Decided by"}, {X: rightX, Text: "Database"}} {
		h.Y, h.Class = 14, "column"
		l.Headers = append(l.Headers, h)
	}
	l.Height += 4
	return l
}

// stack moves boxes that overlap apart, from their wanted places downwards, and returns the end.
func stack(decisions []*decision) int {
	y := headerHeight
	for _, d := range decisions {
		d.box.Y = max(y, d.box.Y)
		for j := range d.box.Lines {
			d.box.Lines[j].Y += d.box.Y
		}
		y = d.box.Y + d.box.H + boxGap
	}
	return y
}

func curve(class string, x1, y1, x2, y2 int) layoutPath {
	half := (x2 - x1) / 2
	return layoutPath{Class: "edge " + class, D: fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1+half, y1, x2-half, y2, x2, y2)}
}

func (e endpoint) key() string {
	return strings.Join([]string{string(e.kind), e.namespace, e.name, e.detail}, "\x00")
}

// heading is that under which a source stands.
func (e endpoint) heading() string { return e.kind.shape().heading + e.namespace }

// sourceBoxes places the left column: sections in order, sources in the order of the connections.
func sourceBoxes(l *layout, all []connection) (boxes map[string]*layoutBox, order []string) {
	ends, exposed := map[string]endpoint{}, map[string]bool{}
	for _, c := range all {
		if c.from.kind == entityEnd && strings.HasPrefix(c.from.name, string(v1alpha1.EntityWorld)) && c.verdict == v1alpha1.VerdictAllowed {
			exposed[c.from.key()] = true
		}
		if _, known := ends[c.from.key()]; !known {
			ends[c.from.key()] = c.from
			order = append(order, c.from.key())
		}
	}
	slices.SortStableFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(ends[a].kind.shape().rank, ends[b].kind.shape().rank), cmp.Compare(ends[a].heading(), ends[b].heading()))
	})
	boxes = map[string]*layoutBox{}
	y, last := headerHeight, ""
	for _, key := range order {
		e := ends[key]
		if heading := e.heading(); heading != last {
			l.Headers = append(l.Headers, layoutText{X: 2, Y: y + 13, Class: "section", Text: fit(heading, leftWidth)})
			y += lineHeight + 4
			last = heading
		}
		text := strings.TrimSpace(e.name + " " + e.detail)
		class := "source " + string(e.kind)
		if exposed[key] {
			class += " world"
		}
		box := newBox(0, leftWidth, class, text)
		box.move(y)
		boxes[key] = &box
		y += box.H + boxGap
	}
	l.Height = max(l.Height, y)
	return boxes, order
}

// decisionsOf gathers what was decided alike. A source that reaches two targets for the same reason
// is one line into the box and two out of it.
func decisionsOf(all []connection) []*decision {
	type source struct{ key, from string }
	targets := map[source][]string{}
	var order []source
	sample := map[source]connection{}
	for _, c := range all {
		s := source{fmt.Sprint(c.kind(), c.port, c.verdict, c.policies, c.reason, c.only, c.from.kind == moreEnd), c.from.key()}
		if _, known := sample[s]; !known {
			sample[s] = c
			order = append(order, s)
		}
		if !slices.Contains(targets[s], c.to) {
			targets[s] = append(targets[s], c.to)
		}
	}
	var decisions []*decision
	at := map[string]*decision{}
	for _, s := range order {
		c := sample[s]
		key := s.key + "\x00" + strings.Join(targets[s], "\x00")
		d := at[key]
		if d == nil {
			lines := slices.Concat([]string{c.headline()}, c.onlyLines(), c.deciders())
			d = &decision{kind: c.kind(), targets: targets[s], box: newBox(middleX, middleWidth, "decision "+string(c.kind()), lines...)}
			at[key] = d
			decisions = append(decisions, d)
		}
		d.sources = append(d.sources, s.from)
	}
	return decisions
}

// targetBoxes places the right column around the middle of the picture.
func targetBoxes(l *layout, r v1alpha1.IsolationReport) map[string]*layoutBox {
	names := targetsOf(r)
	boxes := map[string]*layoutBox{}
	heights := 0
	var inOrder []*layoutBox
	for _, name := range names {
		box := newBox(rightX, rightWidth, "target", append([]string{name}, targetPods(r, name)...)...)
		heights += box.H + 3*boxGap
		boxes[name] = &box
		inOrder = append(inOrder, &box)
	}
	y := max(headerHeight, headerHeight+(l.Height-headerHeight-heights)/2)
	for _, box := range inOrder {
		box.move(y)
		y += box.H + 3*boxGap
		l.Boxes = append(l.Boxes, *box)
	}
	l.Height = max(l.Height, y)
	return boxes
}

// targetPods says how many pods a target has. Poolers' pods are not told apart in a report.
func targetPods(r v1alpha1.IsolationReport, target string) []string {
	if target != instances() {
		return nil
	}
	pods, denied := podsOf(r, target)
	line := words.Count(pods, "pod")
	switch {
	case pods == 0:
		return nil
	case denied == pods:
		line += ", default deny"
	case denied == 0:
		line += ", no default deny"
	default:
		line += fmt.Sprintf(", %d in default deny", denied)
	}
	return []string{line}
}

func newBox(x, width int, class string, lines ...string) layoutBox {
	box := layoutBox{X: x + 1, W: width - 2, H: 2*boxPadding + lineHeight*len(lines), Class: "box " + class, Title: strings.Join(lines, "; ")}
	for i, line := range lines {
		class := "rest"
		if i == 0 {
			class = "first"
		}
		box.Lines = append(box.Lines, layoutText{X: x + textInset, Y: boxPadding + 12 + i*lineHeight, Class: class, Text: fit(line, width)})
	}
	return box
}

func (b *layoutBox) move(y int) {
	b.Y = y
	for i := range b.Lines {
		b.Lines[i].Y += y
	}
}

// fit shortens a line to what a box of this width holds.
func fit(line string, width int) string {
	room := float64(width - 2*textInset)
	return terminal.Shorten(line, int(room/charWidth))
}
