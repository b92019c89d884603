package integration

import (
	"errors"
	"os/exec"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

func cmdKubectl(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec("kubectl", args...)
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		ts.Fatalf("kubectl: %v", err)
	case err != nil && !neg:
		ts.Fatalf("kubectl failed: %v", err)
	case err == nil && neg:
		ts.Fatalf("kubectl succeeded and should have failed")
	}
}

func cmdExits(ts *testscript.TestScript, args []string) {
	const usage = "exits CODE PROGRAM [ARGUMENT…]"
	if len(args) < 2 {
		ts.Fatalf("usage: %s", usage)
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("%q is no exit code; usage: %s", args[0], usage)
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
