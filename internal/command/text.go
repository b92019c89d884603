package command

import (
	"fmt"
	"strings"
)

// Text says what to do: in words, by command lines, or by words that command lines follow. In JSON it is
// its text.
type Text struct {
	// Words are a sentence, or what leads to the lines: "Correct the policy, or remove it:".
	Words string
	// Lines are in the order in which they are run.
	Lines []Line
}

// Words is a text without a command line.
func Words(text string) Text { return Text{Words: text} }

// Wordsf is Words with a format, as fmt has it.
func Wordsf(format string, arguments ...any) Text { return Words(fmt.Sprintf(format, arguments...)) }

// Run is a text of command lines alone.
func Run(lines ...Line) Text { return Text{Lines: lines} }

// Run is the text with command lines after its words.
func (t Text) Run(lines ...Line) Text {
	t.Lines = append(t.Lines[:len(t.Lines):len(t.Lines)], lines...)
	return t
}

// InContext is the text with its command lines in a context of the kubeconfig.
func (t Text) InContext(name string) Text {
	lines := make([]Line, len(t.Lines))
	for i, line := range t.Lines {
		lines[i] = line.InContext(name)
	}
	t.Lines = lines
	return t
}

// IsZero is true for no text. JSON leaves it out.
func (t Text) IsZero() bool { return t.Words == "" && len(t.Lines) == 0 }

// String is the text on one line: several command lines have semicolons between them.
func (t Text) String() string {
	lines := make([]string, len(t.Lines))
	for i, line := range t.Lines {
		lines[i] = line.String()
	}
	commands := strings.Join(lines, "; ")
	if t.Words == "" || commands == "" {
		return t.Words + commands
	}
	return t.Words + " " + commands
}

// MarshalText is String.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText takes all of a text for words: which of them are a command line is not read back.
func (t *Text) UnmarshalText(text []byte) error {
	*t = Words(string(text))
	return nil
}
