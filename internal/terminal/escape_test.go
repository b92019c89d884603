package terminal_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

func TestEscape(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"empty":                   {"", ""},
		"a name":                  {"cluster-example_1.x/y:z", "cluster-example_1.x/y:z"},
		"other scripts":           {"Größe 数据库 データ 🐘 é", "Größe 数据库 データ 🐘 é"},
		"a backslash stays":       {`C:\x`, `C:\x`},
		"colors":                  {"\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		"clear screen":            {"\x1b[2J\x1b[H", `\x1b[2J\x1b[H`},
		"window title":            {"\x1b]0;owned\x07", `\x1b]0;owned\x07`},
		"hyperlink":               {"\x1b]8;;x\x1b\\y", `\x1b]8;;x\x1b\y`},
		"a second line":           {"ok\nroot# ", `ok\nroot# `},
		"overwritten line":        {"bad\rgood", `bad\rgood`},
		"tab":                     {"a\tb", `a\tb`},
		"backspace, delete":       {"a\b\x7f", `a\x08\x7f`},
		"null":                    {"\x00", `\x00`},
		"C1 as a rune":            {"\u009b31m", `\x9b31m`},
		"C1 as a byte":            {"\x9b31m", `\x9b31m`},
		"next line":               {"\u0085", `\x85`},
		"right to left override":  {"\u202egnp.exe", `\u202egnp.exe`},
		"isolates":                {"\u2066a\u2069", `\u2066a\u2069`},
		"line separators":         {"\u2028\u2029", `\u2028\u2029`},
		"zero width":              {"a\u200bb\u200d\ufeff", `a\u200bb\u200d\ufeff`},
		"soft hyphen, odd spaces": {"\u00ad\u00a0\u3000", `\xad\xa0\u3000`},
		"letters without shape":   {"\u3164\u115f\ufe0f", `\u3164\u115f\ufe0f`},
		"tags":                    {"\U000e0041", `\U000e0041`},
		"private use":             {"\ue000", `\ue000`},
		"not UTF-8":               {"a\xff\xc3(", `a\xff\xc3(`},
		"the replacement rune":    {"\ufffd", "\ufffd"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := terminal.Escape(tc.text); got != tc.want {
				t.Errorf("Escape(%q) = %q, want %q", tc.text, got, tc.want)
			}
		})
	}
}

// Line breaks and tabs stay, and nothing across them makes a rune.
func TestEscapeLines(t *testing.T) {
	for text, want := range map[string]string{
		"a\tb\nc\n":        "a\tb\nc\n",
		"a\x1b[31m\r\n\tb": "a\\x1b[31m\\r\n\tb",
		"\xcf\n\xaa":       "\\xcf\n\\xaa",
		"\xcf\t\xaa":       "\\xcf\t\\xaa",
	} {
		if got := terminal.EscapeLines(text); got != want {
			t.Errorf("EscapeLines(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"", "plain", "\x1b[31m", "\u009b", "\xff\xfe", "\u202e", "a\nb", "日本", "\U000e0041"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := terminal.Escape(text)
		if !utf8.ValidString(got) {
			t.Errorf("Escape(%q) = %q is not UTF-8", text, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Bidi_Control, r) ||
				unicode.In(r, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs) || unicode.IsSpace(r) && r != ' ' {
				t.Errorf("Escape(%q) = %q holds %U", text, got, r)
			}
		}
		if again := terminal.Escape(got); again != got {
			t.Errorf("escaping %q twice gives %q", got, again)
		}
		if !strings.ContainsFunc(text, func(r rune) bool { return !terminal.Visible(r) }) && utf8.ValidString(text) && got != text {
			t.Errorf("harmless %q became %q", text, got)
		}
	})
}
