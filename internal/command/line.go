// Package command has command lines as values: what somebody is told to run. They are quoted, and given
// a context of the kubeconfig, when they are rendered and not before. Nothing here runs anything.
package command

import (
	"fmt"
	"slices"
	"strings"
)

// Line is a command line. The zero value is none.
type Line struct {
	// Program is what stands before the flags that all commands of a program share: "kubectl cnpg-netpol",
	// "kubectl delete". It is empty for flags alone, which belong to a command that the reader has typed.
	Program []string
	// Context is a context of the kubeconfig; empty for the current one.
	Context string
	// Words are verb, arguments and flags, as the program gets them.
	Words []string
}

// Plugin is a command line of the plugin itself.
func Plugin(verb string, arguments ...string) Line {
	return Line{Program: []string{"kubectl", "cnpg-netpol"}, Words: append([]string{verb}, arguments...)}
}

// Kubectl is a command line of kubectl.
func Kubectl(verb string, arguments ...string) Line {
	return Line{Program: []string{"kubectl", verb}, Words: slices.Clone(arguments)}
}

// Flags are flags to be added to the command that is at hand.
func Flags(flags ...string) Line { return Line{Words: slices.Clone(flags)} }

// With is the line with more arguments or flags.
func (l Line) With(words ...string) Line {
	l.Words = slices.Concat(l.Words, words)
	return l
}

// In is the line for a namespace; as it is for an empty one.
func (l Line) In(namespace string) Line {
	if namespace == "" {
		return l
	}
	return l.With("-n", namespace)
}

// InContext is the line for a context of the kubeconfig; as it is for an empty one, and for flags alone.
// Copied to a shell, it must not reach another Kubernetes cluster that has objects of the same names.
func (l Line) InContext(name string) Line {
	if len(l.Program) > 0 && name != "" {
		l.Context = name
	}
	return l
}

// IsZero is true for no command line.
func (l Line) IsZero() bool { return len(l.Program)+len(l.Words) == 0 }

// String is the line as it is copied to a shell.
func (l Line) String() string {
	words := l.Program
	if l.Context != "" {
		words = slices.Concat(words, []string{"--context", l.Context})
	}
	return Quote(slices.Concat(words, l.Words)...)
}

// MarshalText is String.
func (l Line) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what String writes. All of it are words then: which of them are the program is not
// read back.
func (l *Line) UnmarshalText(text []byte) error {
	words, err := unquote(string(text))
	*l = Line{Words: words}
	return err
}

// harmless are the characters that mean nothing to a shell.
func harmless(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=:", r)
}

// Quote joins words to one line that a POSIX shell and PowerShell read back as the same words: what is not
// plainly harmless is put into single quotes. Manifests can hold any name.
func Quote(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return !harmless(r) }) {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// unquote reads what Quote writes.
func unquote(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	begun, quoted := false, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'':
			begun, quoted = true, !quoted
		case quoted:
			word.WriteByte(c)
		case c == '\\' && strings.HasPrefix(text[i:], `\'`):
			word.WriteByte('\'')
			i++
		case c == ' ':
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			begun = true
			word.WriteByte(c)
		}
	}
	if quoted {
		return nil, fmt.Errorf("%q is no command line: a quote does not end", text)
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}
