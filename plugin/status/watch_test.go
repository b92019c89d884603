package status

import (
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// screen is a watch at ten past ten, on a terminal when it has rows.
func screen(format report.Format, rows int) (s *watchScreen, out, errOut *strings.Builder) {
	out, errOut = &strings.Builder{}, &strings.Builder{}
	o := newOptions(kit.NewGlobals(genericiooptions.IOStreams{Out: out, ErrOut: errOut}, "test"))
	o.output.Format = format
	o.source.Color = terminal.ModeNever
	s = o.newWatchScreen()
	s.now = func() time.Time { return time.Date(2026, 1, 2, 10, 10, 0, 0, time.UTC) }
	s.size = func(any) (bool, int, int) { return rows > 0, 100, rows }
	return s, out, errOut
}

func clustersNamed(names ...string) v1alpha1.IsolationReportList {
	list := v1alpha1.IsolationReportList{Items: []v1alpha1.IsolationReport{}}
	for _, name := range names {
		list.Items = append(list.Items, v1alpha1.IsolationReport{
			Metadata: v1alpha1.Metadata{Namespace: "shop", Name: name}, Posture: v1alpha1.PostureOpen,
			Findings: []v1alpha1.Finding{{Code: v1alpha1.NoDefaultDeny, Severity: v1alpha1.SeverityError, Message: "everybody can connect to " + name}},
		})
	}
	return list
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
func TestWatchOnAShortTerminal(t *testing.T) {
	s, out, _ := screen(report.Table, 8)
	if err := s.show(clustersNamed("a", "b"), nil); err != nil {
		t.Fatal(err)
	}
	lines := shown(t, out.String())
	if len(lines) != 7 || lines[0] != "10:10:00  (Ctrl-C ends)" || !strings.HasPrefix(lines[3], "shop       a        OPEN") ||
		lines[6] != "… 9 more lines: a taller window or a cluster's name shows them" {
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}

	s.size = func(any) (bool, int, int) { return true, 100, 24 }
	if err := s.redraw(); err != nil {
		t.Fatal(err)
	}
	if lines := shown(t, out.String()); len(lines) != 15 || lines[14] != "2 clusters: 2 OPEN" {
		t.Errorf("after the window has grown:\n%s", strings.Join(lines, "\n"))
	}

	s, out, errOut := screen(report.Table, 8)
	if err := s.show(clustersNamed("a"), errors.New("something is wrong")); err != nil {
		t.Fatal(err)
	}
	if lines := shown(t, out.String()); len(lines) != 6 || !strings.HasSuffix(lines[5], "more lines: a taller window shows them") {
		t.Errorf("with a problem below it:\n%s", strings.Join(lines, "\n"))
	}
	if errOut.String() != "error: something is wrong\n" {
		t.Errorf("stderr %q", errOut)
	}
}

// Nothing new is nothing to say, also where there is nothing.
func TestWatchSaysNothingTwice(t *testing.T) {
	for _, format := range []report.Format{report.Table, report.JSON, report.YAML} {
		s, out, errOut := screen(format, 0)
		for range 3 {
			if err := s.show(clustersNamed(), errors.New("no cluster yet")); err != nil {
				t.Fatal(err)
			}
		}
		once, _, _ := screen(format, 0)
		want := &strings.Builder{}
		once.o.Out = want
		if err := once.show(clustersNamed(), nil); err != nil {
			t.Fatal(err)
		}
		if errOut.String() != "error: no cluster yet\n" || out.String() != want.String() {
			t.Errorf("%s: stdout %q, want %q, stderr %q", format, out, want, errOut)
		}
	}
}

// In a file, one can see where a table ends and when the next one was made.
func TestWatchedTablesInAFile(t *testing.T) {
	s, out, _ := screen(report.Table, 0)
	for _, name := range []string{"a", "b"} {
		if err := s.show(clustersNamed(name), nil); err != nil {
			t.Fatal(err)
		}
	}
	first, second, found := strings.Cut(out.String(), "\n\n2026-01-02 10:10:00\n")
	if !found || !strings.HasPrefix(first, "2026-01-02 10:10:00\nCluster") || !strings.HasPrefix(second, "Cluster") {
		t.Errorf("%s", out)
	}
}
