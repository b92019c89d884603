package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// pluginExit is the exit code of the stand-in for the plugin.
const pluginExit = 7

// TestMain makes copies of the test binary stand in for the plugin: they print their arguments.
func TestMain(m *testing.M) {
	if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") == plugin {
		_, _ = io.WriteString(os.Stdout, strings.Join(os.Args[1:], "|"))
		_, _ = io.WriteString(os.Stderr, "on stderr")
		os.Exit(pluginExit)
	}
	os.Exit(m.Run())
}

// install puts the stand-in into a new folder and returns the folder.
func install(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	name := plugin
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), program, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPassesTheWordsOnAndTheAnswerBack(t *testing.T) {
	t.Setenv("PATH", install(t))
	var stdout, stderr bytes.Buffer
	code := complete([]string{"status", "--context", ""}, &stdout, &stderr)
	if code != pluginExit || stdout.String() != "__complete|status|--context|" || stderr.String() != "on stderr" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
}

func TestPluginMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var stdout, stderr bytes.Buffer
	code := complete(nil, &stdout, &stderr)
	want := `error: cannot find "kubectl-cnpg_netpol" beside this program or on the PATH`
	if code != 2 || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), want) {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
}
