package plugin

import (
	"errors"
	"fmt"
)

// The exit codes of all commands.
const (
	// exitFine: done, or the answer is yes.
	exitFine = 0
	// exitNo: the answer is no, or the plugin refused to go on.
	exitNo = 1
	// exitFailed: the question could not be answered or the work not done.
	exitFailed = 2
)

// exitCoder is an error that asks for an exit code. All other errors exit with exitFailed.
type exitCoder interface {
	error
	ExitCode() int
}

// noError is the answer no.
type noError struct{ reason error }

// answerNo makes a command exit with exitNo. reason is printed like any error; nil prints nothing,
// for commands whose result has already said it.
func answerNo(reason error) error { return noError{reason} }

func (e noError) ExitCode() int { return exitNo }

func (e noError) Unwrap() error { return e.reason }

func (e noError) Error() string {
	if e.reason == nil {
		return ""
	}
	return e.reason.Error()
}

// usageError is a mistake on the command line. It is printed with a pointer to the help.
type usageError struct{ err error }

// usageErrorf is for mistakes that only the verb itself can see, like flags that exclude each other.
func usageErrorf(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

func (e usageError) ExitCode() int { return exitFailed }

func (e usageError) Unwrap() error { return e.err }

func (e usageError) Error() string { return e.err.Error() }

// exitCode is the exit code of a command that returned err. Of several joined errors the worst
// counts.
func exitCode(err error) int {
	if err == nil {
		return exitFine
	}
	if coder, ok := err.(exitCoder); ok {
		return coder.ExitCode()
	}
	if parts := parts(err); len(parts) > 0 {
		worst := exitFine
		for _, part := range parts {
			worst = max(worst, exitCode(part))
		}
		return worst
	}
	if inner := errors.Unwrap(err); inner != nil {
		return exitCode(inner)
	}
	return exitFailed
}

// parts are the errors that err is made of, nil when it is a single one.
func parts(err error) []error {
	switch err := err.(type) {
	case interface{ Unwrap() []error }:
		return err.Unwrap()
	case interface{ Errors() []error }: // apimachinery's Aggregate
		return err.Errors()
	}
	return nil
}
