// Package golden compares what a test has got with a file, byte for byte. It is for tests alone: a rule of the
// linter keeps it out of everything that is linked.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// Updating tells whether the test was started with -update, for what is no file of its own.
func Updating() bool { return *update }

// Compare fails the test when the file at path, which is relative to the test's folder, has other bytes. With
// -update, it writes the file.
func Compare(t testing.TB, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: write it with go test -update", err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; look at it, and write it with go test -update if it is right\n-want +got\n%s", path, cmp.Diff(string(want), string(got)))
	}
}
