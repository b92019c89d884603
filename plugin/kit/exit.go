package kit

import (
	"errors"
	"fmt"
)

// The exit codes of all commands.
const (
	// ExitFine: done, or the answer is yes.
	ExitFine = 0
	// ExitNo: the answer is no, or the plugin refused to go on.
	ExitNo = 1
	// ExitFailed: the question could not be answered or the work not done.
	ExitFailed = 2
)

// exitCoder is an error that asks for an exit code. All other errors exit with ExitFailed.
type exitCoder interface {
	error
	ExitCode() int
}

// noError is the answer no.
type noError struct{ reason error }

// AnswerNo makes a command exit with ExitNo. reason is printed like any error; nil prints nothing,
// for commands whose result has already said it.
func AnswerNo(reason error) error { return noError{reason} }

func (e noError) ExitCode() int { return ExitNo }

func (e noError) Unwrap() error { return e.reason }

func (e noError) Error() string {
	if e.reason == nil {
		return ""
	}
	return e.reason.Error()
}

// UsageError is a mistake on the command line. It is printed with a pointer to the help.
type UsageError struct{ Err error }

// UsageErrorf is for mistakes that only the verb itself can see, like flags that exclude each other.
func UsageErrorf(format string, args ...any) error {
	return UsageError{Err: fmt.Errorf(format, args...)}
}

// ExitCode is that of a question that could not be answered.
func (e UsageError) ExitCode() int { return ExitFailed }

func (e UsageError) Unwrap() error { return e.Err }

func (e UsageError) Error() string { return e.Err.Error() }

// ExitCode is the exit code of a command that returned err. Of several joined errors the worst
// counts.
func ExitCode(err error) int {
	if err == nil {
		return ExitFine
	}
	if coder, ok := err.(exitCoder); ok {
		return coder.ExitCode()
	}
	if parts := parts(err); len(parts) > 0 {
		worst := ExitFine
		for _, part := range parts {
			worst = max(worst, ExitCode(part))
		}
		return worst
	}
	if inner := errors.Unwrap(err); inner != nil {
		return ExitCode(inner)
	}
	return ExitFailed
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
