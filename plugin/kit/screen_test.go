package kit

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
)

// screen is one at ten past ten, on a terminal when it has rows.
func screen(format report.Format, rows int) (s *Screen, out, errOut *strings.Builder) {
	out, errOut = &strings.Builder{}, &strings.Builder{}
	s = NewGlobals(genericiooptions.IOStreams{Out: out, ErrOut: errOut}, "test").NewScreen("status", format)
	s.now = func() time.Time { return time.Date(2026, 1, 2, 10, 10, 0, 0, time.UTC) }
	s.size = func(any) (bool, int, int) { return rows > 0, 100, rows }
	return s, out, errOut
}

// linesOf is a state of so many lines.
func linesOf(name string, lines int, problem error) Frame {
	return Frame{Problem: problem, Print: func(w io.Writer, _ int) error {
		for i := range lines {
			fmt.Fprintf(w, "%s %d\n", name, i+1)
		}
		return nil
	}}
}

// shown is what stands on a terminal that gets this output.
func shown(t *testing.T, output string) []string {
	t.Helper()
	_, last, found := strings.Cut(output[strings.LastIndex(output, "\x1b[H"):], "\x1b[H")
	if !found || strings.Contains(output, "\x1b[2J") {
		t.Fatalf("not drawn over: %q", output)
	}
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(last, "\x1b[K", ""), "\n\x1b[J"), "\n")
}

// A terminal shows the beginning of what has no room, and says how much is missing.
func TestScreenOnAShortTerminal(t *testing.T) {
	s, out, _ := screen(report.Table, 8)
	f := linesOf("line", 13, nil)
	f.Hint = "a cluster's name"
	if err := s.Show(f); err != nil {
		t.Fatal(err)
	}
	lines := shown(t, out.String())
	if len(lines) != 7 || lines[0] != "10:10:00  (Ctrl-C ends)" || lines[2] != "line 1" || lines[6] != "… 9 more lines: a taller window or a cluster's name shows them" {
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}

	s.size = func(any) (bool, int, int) { return true, 100, 24 }
	if err := s.Redraw(); err != nil {
		t.Fatal(err)
	}
	if lines := shown(t, out.String()); len(lines) != 15 || lines[14] != "line 13" {
		t.Errorf("after the window has grown:\n%s", strings.Join(lines, "\n"))
	}

	s, out, errOut := screen(report.Table, 8)
	if err := s.Show(linesOf("line", 9, errors.New("something is wrong"))); err != nil {
		t.Fatal(err)
	}
	if lines := shown(t, out.String()); len(lines) != 6 || lines[5] != "… 6 more lines: a taller window shows them" {
		t.Errorf("with a problem below it:\n%s", strings.Join(lines, "\n"))
	}
	if errOut.String() != "error: something is wrong\n" {
		t.Errorf("stderr %q", errOut)
	}
}

// Nothing new is nothing to say, also where there is nothing.
func TestScreenSaysNothingTwice(t *testing.T) {
	for _, format := range []report.Format{report.Table, report.JSON, report.YAML} {
		for _, lines := range []int{0, 2} {
			s, out, errOut := screen(format, 0)
			for range 3 {
				if err := s.Show(linesOf("line", lines, errors.New("no cluster yet"))); err != nil {
					t.Fatal(err)
				}
			}
			if n := strings.Count(out.String(), "line 1\n"); errOut.String() != "error: no cluster yet\n" || n != min(lines, 1) || lines == 0 && out.Len() > 0 {
				t.Errorf("%s: stdout %q, stderr %q", format, out, errOut)
			}
		}
	}
}

// What differs in nothing that counts is drawn over the last one, and not repeated in a file.
func TestScreenWithKeys(t *testing.T) {
	for rows, want := range map[int]int{0: 2, 24: 3} {
		s, out, _ := screen(report.Table, rows)
		for i, key := range []string{"a", "a", "b"} {
			f := linesOf("state", i+1, nil)
			f.Key = key
			if err := s.Show(f); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Count(out.String(), "state 1"); got != want {
			t.Errorf("%d rows: shown %d times, want %d", rows, got, want)
		}
	}
}

// In a file, one can see where a table ends and when the next one was made.
func TestScreenInAFile(t *testing.T) {
	for format, want := range map[report.Format]string{
		report.Table: "2026-01-02 10:10:00\na 1\n\n2026-01-02 10:10:00\nb 1\n",
		report.YAML:  "a 1\n---\nb 1\n",
		report.JSON:  "a 1\nb 1\n",
	} {
		s, out, _ := screen(format, 0)
		for _, name := range []string{"a", "b"} {
			if err := s.Show(linesOf(name, 1, nil)); err != nil {
				t.Fatal(err)
			}
		}
		if out.String() != want {
			t.Errorf("%s: %q", format, out)
		}
	}
}

// What can't be shown is an error, and not an empty screen.
func TestScreenFails(t *testing.T) {
	s, _, _ := screen(report.Table, 0)
	if err := s.Show(Frame{Print: func(io.Writer, int) error { return errors.New("no") }}); err == nil || err.Error() != "no" {
		t.Errorf("%v", err)
	}
}
