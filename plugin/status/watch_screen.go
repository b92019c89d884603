package status

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// watchScreen shows one status after the other: on a terminal, tables are drawn over the last one, and
// elsewhere everything follows below.
type watchScreen struct {
	o *options
	// now is the time, and size what a stream has when it is a terminal.
	now  func() time.Time
	size func(stream any) (isatty bool, columns, rows int)

	// shown is false until there has been anything to show.
	shown   bool
	list    v1alpha1.IsolationReportList
	problem error
	// report and text are what is shown of them.
	report []byte
	text   string
	at     time.Time
}

func (o *options) newWatchScreen() *watchScreen {
	return &watchScreen{o: o, now: time.Now, size: func(stream any) (isatty bool, columns, rows int) {
		isatty, columns = terminal.Detect(stream)
		return isatty, columns, terminal.Rows(stream)
	}}
}

// unlessInterrupted is nil after an interruption, which is how watching ends once it has shown something.
func (s *watchScreen) unlessInterrupted(ctx context.Context, err error) error {
	if s.shown && ctx.Err() != nil {
		return nil //nolint:nilerr // Being interrupted is no error here.
	}
	return err
}

func (s *watchScreen) table() bool {
	return s.o.output.Format == report.Table || s.o.output.Format == report.Wide
}

// show shows the reports and the problem when they differ from what is shown.
func (s *watchScreen) show(list v1alpha1.IsolationReportList, problem error) error {
	s.list, s.problem = list, problem
	next, err := s.render()
	if err != nil {
		return err
	}
	text := ""
	if problem != nil {
		text = problem.Error()
	}
	if s.shown && bytes.Equal(s.report, next) && s.text == text {
		return nil
	}
	first := !s.shown
	s.shown, s.report, s.text, s.at = true, next, text, s.now()
	if isatty, _, _ := s.size(s.o.Out); isatty && s.table() {
		return s.draw()
	}
	return s.append(first)
}

// redraw is for a terminal whose size has changed.
func (s *watchScreen) redraw() error {
	if isatty, _, _ := s.size(s.o.Out); !isatty || !s.table() || !s.shown {
		return nil
	}
	next, err := s.render()
	if err != nil {
		return err
	}
	s.report = next
	return s.draw()
}

func (s *watchScreen) render() ([]byte, error) {
	var out bytes.Buffer
	_, width, _ := s.size(s.o.Out)
	err := report.Print(&out, s.o.output, s.list, text.Options{Colors: s.o.source.Colors(s.o.Out), Width: width})
	return out.Bytes(), err
}

// draw draws the report over the last one, and the problem below it.
func (s *watchScreen) draw() error {
	_, columns, rows := s.size(s.o.Out)
	var problem bytes.Buffer
	s.printProblem(&problem)
	if isatty, _, _ := s.size(s.o.ErrOut); isatty && rows > 0 {
		// It is on the same screen, most likely.
		rows = max(1, rows-terminal.RowsOf(problem.String(), columns))
	}
	text := fmt.Sprintf("%s  (Ctrl-C ends)\n\n%s", s.at.Format(time.TimeOnly), s.report)
	if _, err := io.WriteString(s.o.Out, terminal.Frame(text, columns, rows, s.more)); err != nil {
		return err
	}
	_, err := s.o.ErrOut.Write(problem.Bytes())
	return err
}

// more stands for the lines that a terminal has no room for.
func (s *watchScreen) more(lines int) string {
	how := "a taller window shows them"
	if len(s.list.Items) > 1 {
		how = "a taller window or a cluster's name shows them"
	}
	if lines == 1 {
		return "… 1 more line: " + how
	}
	return fmt.Sprintf("… %d more lines: %s", lines, how)
}

// append prints the report below the last one. Tables are separated by the time, YAML by its own
// separator, and each JSON document ends by itself.
func (s *watchScreen) append(first bool) error {
	before := ""
	switch {
	case s.table() && (!first || len(s.report) > 0):
		before = s.at.Format(time.DateTime) + "\n"
		if !first {
			before = "\n" + before
		}
	case s.o.output.Format == report.YAML && !first:
		before = "---\n"
	}
	if _, err := io.WriteString(s.o.Out, before+string(s.report)); err != nil {
		return err
	}
	s.printProblem(s.o.ErrOut)
	return nil
}

func (s *watchScreen) printProblem(w io.Writer) {
	if s.problem != nil {
		kit.PrintError(w, "kubectl cnpg-netpol status", s.problem)
	}
}
