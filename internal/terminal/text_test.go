package terminal_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// Widths of "…" and the like depend on the locale: the tests count as outside East Asia.
func TestMain(m *testing.M) {
	twwidth.SetEastAsian(false)
	m.Run()
}

func TestWidth(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "abc": 3, "\x1b[1;31mabc\x1b[0m": 3, "…": 1, "→": 1, "×2": 2, "数据库": 6, "🐘": 2,
	} {
		if got := terminal.Width(text); got != want {
			t.Errorf("Width(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for name, tc := range map[string]struct {
		text  string
		width int
		want  string
	}{
		"fits":              {"cluster-example", 15, "cluster-example"},
		"keeps both ends":   {"cluster-example-postgres-access", 15, "cluster…-access"},
		"one column":        {"cluster", 1, "…"},
		"no column":         {"cluster", 0, ""},
		"wide runes":        {"数据库数据库数据库", 9, "数据…据库"},
		"half a wide rune":  {"数据库", 5, "数…库"},
		"nothing to remove": {"", 5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := terminal.Shorten(tc.text, tc.width)
			if got != tc.want {
				t.Errorf("Shorten(%q, %d) = %q, want %q", tc.text, tc.width, got, tc.want)
			}
			if terminal.Width(got) > tc.width {
				t.Errorf("%q is wider than %d", got, tc.width)
			}
		})
	}
}

func TestWrap(t *testing.T) {
	for name, tc := range map[string]struct {
		text  string
		width int
		want  []string
	}{
		"empty":                  {"", 10, []string{""}},
		"fits":                   {"one two", 10, []string{"one two"}},
		"at a space":             {"one two three", 8, []string{"one two", "three"}},
		"exactly":                {"one two", 7, []string{"one two"}},
		"a long name at a dash":  {"cluster-example-internal-access", 20, []string{"cluster-example-", "internal-access"}},
		"no early break":         {"a-bcdefghijklmnop", 10, []string{"a-bcdefghi", "jklmnop"}},
		"name in a sentence":     {"the policy postgres-access is invalid", 16, []string{"the policy", "postgres-access", "is invalid"}},
		"very long in a line":    {"policy abcdefghijklmnopqrstuvwxyz x", 20, []string{"policy abcdefghijklm", "nopqrstuvwxyz x"}},
		"wide runes":             {"数据库数据库", 5, []string{"数据", "库数", "据库"}},
		"a width of nothing":     {"数据", 0, []string{"数", "据"}},
		"spaces are not content": {"  a   b  ", 10, []string{"a b"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, terminal.Wrap(tc.text, tc.width)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("cluster-example is open", 10)
	f.Add("数据库-数据库", 3)
	f.Fuzz(func(t *testing.T, text string, width int) {
		text, width = terminal.Escape(text), max(2, width%200)
		lines := terminal.Wrap(text, width)
		for _, line := range lines {
			if terminal.Width(line) > width {
				t.Errorf("%q is wider than %d", line, width)
			}
		}
		if got, want := strings.Join(strings.Fields(strings.Join(lines, "")), ""), strings.Join(strings.Fields(text), ""); got != want {
			t.Errorf("%q lost text: %q", text, lines)
		}
		if short := terminal.Shorten(text, width); terminal.Width(short) > width {
			t.Errorf("%q is wider than %d", short, width)
		}
	})
}

func TestDetect(t *testing.T) {
	for name, stream := range map[string]any{"no file": &strings.Builder{}, "nothing": nil} {
		if isatty, columns := terminal.Detect(stream); isatty || columns != 0 {
			t.Errorf("%s: %v, %d columns", name, isatty, columns)
		}
	}
}
