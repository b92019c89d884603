package markdown

import (
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// Inline is Markdown within one line, which is the same in a paragraph, in a list and in a table's cell.
type Inline string

// Text is text that shows as it is: no markup, no HTML and no link comes of it. Words of which GitHub or GitLab would make
// one after all (@team, #12, a URL, a commit) are shown as code: they look there for such words behind the Markdown,
// where no backslash helps. What is no visible character is shown as terminal.Escape has it, and space is one blank.
func Text(text string) Inline {
	words := strings.Fields(terminal.Escape(text))
	out := make([]string, len(words))
	for i, word := range words {
		switch {
		case linked.MatchString(word):
			out[i] = string(code(word))
		case i == 0:
			out[i] = begins.ReplaceAllString(literal.Replace(word), `$1\$2`)
		default:
			out[i] = literal.Replace(word)
		}
	}
	return Inline(strings.Join(out, " "))
}

// Textf is Text with a format, as fmt has it.
func Textf(format string, arguments ...any) Inline { return Text(fmt.Sprintf(format, arguments...)) }

// Code is text as code: a name, or a command to be copied. It is empty for no text.
func Code(text string) Inline { return code(strings.TrimSpace(terminal.Escape(text))) }

// Bold is Markdown in bold. It must not be empty.
func Bold(text Inline) Inline { return "**" + text + "**" }

// Join puts something between parts; those that are empty are left out.
func Join(between Inline, parts ...Inline) Inline {
	var out []string
	for _, part := range parts {
		if part != "" {
			out = append(out, string(part))
		}
	}
	return Inline(strings.Join(out, string(between)))
}

// linked are words of which a link or a picture may be made behind the Markdown: mentions and references of GitHub and
// GitLab, formulas, addresses, emoji, commits.
var linked = regexp.MustCompile(`[@#!$%~^&][\pL\pN_"{(\[-]|://|(?i:www\.|\bgh-[0-9])|:[a-z0-9_+-]*[a-z][a-z0-9_+-]*:|:(?:[+-]1|100|1234):|\b[0-9a-f]{7,}\b`)

// begins is what makes a list, a heading or a line of the first word of a line.
var begins = regexp.MustCompile(`^(\d*)([-+=.)])`)

// literal are the characters that mean something in Markdown. Those of HTML and of tables are entities, which are
// characters wherever they stand; the others have a backslash, which is easier to read.
var literal = strings.NewReplacer( //nolint:gochecknoglobals // It does not change.
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;",
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "~", `\~`, "#", `\#`,
)

// code is escaped text as code. A border of a table can't be in code, and stands between two pieces of it.
func code(text string) Inline {
	parts := strings.Split(text, "|")
	for i, part := range parts {
		if part == "" {
			continue
		}
		mark := strings.Repeat("`", longestRun(part)+1)
		if len(mark) > 1 || part[0] == ' ' || part[len(part)-1] == ' ' {
			part = " " + part + " "
		}
		parts[i] = mark + part + mark
	}
	return Inline(strings.Join(parts, "&#124;"))
}

// longestRun is the length of the longest run of backticks.
func longestRun(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		run++
		if r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// htmlText is Text where Markdown is not read: in a summary.
func htmlText(text string) string {
	words := strings.Fields(terminal.Escape(text))
	for i, word := range words {
		safe := html.EscapeString(word)
		if linked.MatchString(word) {
			safe = "<code>" + safe + "</code>"
		}
		words[i] = safe
	}
	return strings.Join(words, " ")
}
