// Command kubectl_complete-cnpg_netpol answers kubectl when it completes "kubectl cnpg-netpol …".
// kubectl runs the program of this name with the words typed so far and expects the output of
// cobra's __complete command, which the plugin itself prints.
//
// It is a program and not a script so that it works on Windows too, and it imports nothing but the
// standard library because a shell waits for it at every Tab.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// plugin is the name of the plugin's own binary, without the suffix that Windows needs.
const plugin = "kubectl-cnpg_netpol"

func main() {
	os.Exit(complete(os.Args[1:], os.Stdout, os.Stderr))
}

// complete runs the plugin and returns its exit code.
func complete(words []string, stdout, stderr io.Writer) int {
	path, err := find()
	if err != nil {
		fmt.Fprintf(stderr, "error: %v\n", err)
		return 2
	}
	command := exec.Command(path, append([]string{"__complete"}, words...)...)
	command.Stdout, command.Stderr = stdout, stderr
	err = command.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		fmt.Fprintf(stderr, "error: %v\n", err)
		return 2
	}
	return 0
}

// find returns the plugin that was installed together with this program, or else the one that
// kubectl would run.
func find() (string, error) {
	name := plugin
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if info, err := os.Stat(beside); err == nil && !info.IsDir() {
			return beside, nil
		}
	}
	path, err := exec.LookPath(plugin)
	if err != nil {
		return "", fmt.Errorf("cannot find %q beside this program or on the PATH: %w", plugin, err)
	}
	return path, nil
}
