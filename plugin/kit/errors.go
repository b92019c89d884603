package kit

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// PrintError prints one line for each problem in err. command is the command's full name, for the
// pointer to the help that follows mistakes on the command line.
func PrintError(w io.Writer, command string, err error) {
	for _, line := range ErrorLines(err) {
		fmt.Fprintf(w, "error: %s\n", terminal.Escape(line))
	}
	if usage := (UsageError{}); errors.As(err, &usage) {
		fmt.Fprintf(w, "see '%s --help'\n", command)
	}
}

// ErrorLines is the text of err, one line for each joined error, the context that wraps a joined
// error repeated in front of each.
func ErrorLines(err error) []string { return wording{}.lines(err) }

// wording is how errors are told.
type wording struct {
	// named is true for a context that was named: nobody has to be asked whether it is the right one.
	named bool
}

func (w wording) lines(err error) []string {
	if joined := parts(err); len(joined) > 0 && isList(err, joined) {
		var lines []string
		for _, part := range joined {
			lines = append(lines, w.lines(part)...)
		}
		return lines
	}
	if of, ok := err.(ContextError); ok {
		return of.lines()
	}
	if text, ok := w.friendly(err); ok {
		return []string{text}
	}
	inner := errors.Unwrap(err)
	if inner == nil {
		return singleLine(err.Error())
	}
	before, after, found := strings.Cut(err.Error(), inner.Error())
	if !found || inner.Error() == "" {
		return singleLine(err.Error())
	}
	lines := w.lines(inner)
	for i := range lines {
		lines[i] = before + lines[i] + after
	}
	return lines
}

// isList says whether err only lists its parts, as errors.Join and apimachinery's Aggregate do. An
// error that words them into a sentence (fmt.Errorf with several %w) is one line.
func isList(err error, parts []error) bool {
	if _, aggregate := err.(interface{ Errors() []error }); aggregate {
		return true
	}
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = part.Error()
	}
	return err.Error() == strings.Join(texts, "\n")
}

// singleLine turns the line breaks of a text into spaces, and no text into no line.
func singleLine(text string) []string {
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil
	}
	if !strings.ContainsAny(text, "\r\n") {
		return []string{text}
	}
	return []string{strings.Join(words, " ")}
}

// OneLine rewrites cobra's error about an unknown command, which puts suggestions on lines of
// their own: `unknown command "statsu" …\n\nDid you mean this?\n\tstatus\n`.
func OneLine(err error) error {
	head, rest, found := strings.Cut(err.Error(), "\n")
	if !found {
		return err
	}
	var suggestions []string
	for line := range strings.Lines(rest) {
		if name, ok := strings.CutPrefix(line, "\t"); ok {
			suggestions = append(suggestions, fmt.Sprintf("%q", strings.TrimSpace(name)))
		}
	}
	if len(suggestions) == 0 {
		return errors.New(head)
	}
	return fmt.Errorf("%s; did you mean %s?", head, strings.Join(suggestions, " or "))
}
