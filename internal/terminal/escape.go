package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes text from a cluster or a file harmless on a terminal. Whatever is not a visible
// character or an ordinary space becomes a visible escape as in Go: control characters and ANSI
// sequences (\n, \x1b), C1 controls (\x9b), bidirectional overrides and zero-width characters
// (\u202e), and bytes that are not UTF-8. The result is one line.
//
// k8s.io/cli-runtime's EscapeTerminal replaces ESC and CR only, which leaves C1 sequences, line
// breaks and reordered text to whoever can name an object.
func Escape(text string) string {
	if isVisible(text) {
		return text
	}
	var out strings.Builder
	for rest := text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, rest[0])
		case Visible(r):
			out.WriteRune(r)
		default:
			out.WriteString(escapeRune(r))
		}
		rest = rest[size:]
	}
	return out.String()
}

// EscapeLines is Escape for text of several lines and columns: line breaks and tabs stay.
func EscapeLines(text string) string {
	if isVisible(strings.NewReplacer("\n", " ", "\t", " ").Replace(text)) {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		body, ended := strings.CutSuffix(line, "\n")
		for i, field := range strings.Split(body, "\t") {
			if i > 0 {
				out.WriteByte('\t')
			}
			out.WriteString(Escape(field))
		}
		if ended {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// Visible says whether a rune may reach a terminal as it is: a letter, mark, digit, punctuation,
// symbol or the ASCII space, and none of those that Unicode renders as nothing at all.
func Visible(r rune) bool {
	return unicode.IsPrint(r) &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func isVisible(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	return strings.IndexFunc(text, func(r rune) bool { return !Visible(r) }) < 0
}

func escapeRune(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		return fmt.Sprintf(`\U%08x`, r)
	}
}
