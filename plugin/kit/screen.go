package kit

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// Screen shows one state after the other: on a terminal, tables are drawn over the last one, and elsewhere everything
// follows below.
type Screen struct {
	out, errOut io.Writer
	// command is what the problems are of: "kubectl cnpg-netpol status".
	command string
	format  report.Format
	// now is the time, and size what a stream has when it is a terminal.
	now  func() time.Time
	size func(stream any) (isatty bool, columns, rows int)

	// shown is false until there has been anything to show.
	shown bool
	frame Frame
	// report and problem are what is shown of it.
	report  []byte
	problem string
	at      time.Time
}

// Frame is a state to show.
type Frame struct {
	// Print writes it for so many columns.
	Print func(w io.Writer, columns int) error
	// Problem is what went wrong besides; nil for nothing.
	Problem error
	// Key is the same for states of which the second one needs no showing where everything follows below; empty where
	// what is printed tells.
	Key string
	// Hint says what shows the lines that a terminal has no room for, beside a taller window; empty for nothing.
	Hint string
}

// NewScreen returns the screen of a verb.
func (o *Globals) NewScreen(verb string, format report.Format) *Screen {
	return &Screen{
		out: o.Out, errOut: o.ErrOut, command: "kubectl cnpg-netpol " + verb, format: format, now: time.Now,
		size: func(stream any) (isatty bool, columns, rows int) {
			isatty, columns = terminal.Detect(stream)
			return isatty, columns, terminal.Rows(stream)
		},
	}
}

// UnlessInterrupted is nil after an interruption, which is how watching ends once it has shown something.
func (s *Screen) UnlessInterrupted(ctx context.Context, err error) error {
	if s.shown && ctx.Err() != nil {
		return nil //nolint:nilerr // Being interrupted is no error here.
	}
	return err
}

func (s *Screen) table() bool { return s.format == report.Table || s.format == report.Wide }

// drawn is true where one state is drawn over the other.
func (s *Screen) drawn() bool {
	isatty, _, _ := s.size(s.out)
	return isatty && s.table()
}

// Show shows a state when it differs from what is shown.
func (s *Screen) Show(f Frame) error {
	was := s.frame
	s.frame = f
	next, err := s.render()
	if err != nil {
		return err
	}
	problem := ""
	if f.Problem != nil {
		problem = f.Problem.Error()
	}
	same := bytes.Equal(s.report, next) || !s.drawn() && f.Key != "" && f.Key == was.Key
	if s.shown && same && s.problem == problem {
		return nil
	}
	first := !s.shown
	s.shown, s.report, s.problem, s.at = true, next, problem, s.now()
	if s.drawn() {
		return s.draw()
	}
	return s.append(first)
}

// Redraw is for a terminal whose size has changed.
func (s *Screen) Redraw() error {
	if !s.shown || !s.drawn() {
		return nil
	}
	next, err := s.render()
	if err != nil {
		return err
	}
	s.report = next
	return s.draw()
}

func (s *Screen) render() ([]byte, error) {
	var out bytes.Buffer
	_, columns, _ := s.size(s.out)
	err := s.frame.Print(&out, columns)
	return out.Bytes(), err
}

// draw draws the state over the last one, and the problem below it.
func (s *Screen) draw() error {
	_, columns, rows := s.size(s.out)
	var problem bytes.Buffer
	s.printProblem(&problem)
	if isatty, _, _ := s.size(s.errOut); isatty && rows > 0 {
		// It is on the same screen, most likely.
		rows = max(1, rows-terminal.RowsOf(problem.String(), columns))
	}
	text := fmt.Sprintf("%s  (Ctrl-C ends)\n\n%s", s.at.Format(time.TimeOnly), s.report)
	if _, err := io.WriteString(s.out, terminal.Frame(text, columns, rows, s.more)); err != nil {
		return err
	}
	_, err := s.errOut.Write(problem.Bytes())
	return err
}

// more stands for the lines that a terminal has no room for.
func (s *Screen) more(lines int) string {
	how := "a taller window shows them"
	if s.frame.Hint != "" {
		how = "a taller window or " + s.frame.Hint + " shows them"
	}
	if lines == 1 {
		return "… 1 more line: " + how
	}
	return fmt.Sprintf("… %d more lines: %s", lines, how)
}

// append prints the state below the last one. Tables are separated by the time, YAML by its own
// separator, and each JSON document ends by itself.
func (s *Screen) append(first bool) error {
	before := ""
	switch {
	case s.table() && (!first || len(s.report) > 0):
		before = s.at.Format(time.DateTime) + "\n"
		if !first {
			before = "\n" + before
		}
	case s.format == report.YAML && !first:
		before = "---\n"
	}
	if _, err := io.WriteString(s.out, before+string(s.report)); err != nil {
		return err
	}
	s.printProblem(s.errOut)
	return nil
}

func (s *Screen) printProblem(w io.Writer) {
	if s.frame.Problem != nil {
		PrintError(w, s.command, s.frame.Problem)
	}
}
