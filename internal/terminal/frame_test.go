package terminal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

func TestFrame(t *testing.T) {
	more := func(lines int) string { return fmt.Sprintf("… %d more", lines) }
	for name, test := range map[string]struct {
		text          string
		columns, rows int
		want          []string
	}{
		"all fits":                    {"a\nb\n", 80, 3, []string{"a", "b"}},
		"one row short":               {"a\nb\nc\n", 80, 3, []string{"a", "… 2 more"}},
		"the size is not known":       {"a\nb\nc\n", 0, 0, []string{"a", "b", "c"}},
		"a line of three rows":        {"a\n0123456789\nb\nc\n", 4, 5, []string{"a", "… 3 more"}},
		"a line that fills the row":   {"0123\nb\n", 4, 3, []string{"0123", "b"}},
		"colors take no room":         {"\x1b[31m0123\x1b[0m\nb\n", 4, 3, []string{"\x1b[31m0123\x1b[0m", "b"}},
		"an empty line is a row":      {"a\n\nb\n", 80, 3, []string{"a", "… 2 more"}},
		"no room for anything":        {"a\nb\n", 80, 1, []string{"… 2 more"}},
		"nothing but the end is left": {"", 80, 24, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			want := "\x1b[H" + strings.Join(test.want, "\x1b[K\n") + "\x1b[K\n\x1b[J"
			if got := terminal.Frame(test.text, test.columns, test.rows, more); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
