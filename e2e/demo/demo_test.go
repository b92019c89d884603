package demo

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin"
)

// asPlugin makes this test program the plugin, so that the demo runs without another build.
const asPlugin = "DEMO_TEST_AS_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(asPlugin) != "" {
		streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
		os.Exit(plugin.Main(context.Background(), os.Args[1:], streams))
	}
	os.Exit(m.Run())
}

// TestDemo runs the demo as "make demo" does, on a machine without kubeconfig, and compares all
// that it prints.
func TestDemo(t *testing.T) {
	watch(t, "run", "transcript", "shop", "document", "../pipelines/flux")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	demo := exec.CommandContext(t.Context(), "./run", self)
	demo.Env = append(os.Environ(), asPlugin+"=1", "HOME="+home, "KUBECONFIG="+filepath.Join(home, "none"))
	var stdout, stderr bytes.Buffer
	demo.Stdout, demo.Stderr = &stdout, &stderr
	if err := demo.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	if stderr.Len() > 0 {
		t.Errorf("unexpected on stderr:\n%s", stderr.Bytes())
	}
	golden.Compare(t, filepath.Join("testdata", "demo.txt"), stdout.Bytes())
}

// TestDocumentIsLiteral makes sure that the demo shows the document's own policies, as the other
// tests have them.
func TestDocumentIsLiteral(t *testing.T) {
	const other = "../../internal/policyset/testdata/document"
	files, err := filepath.Glob(filepath.Join("document", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 7 {
		t.Fatalf("%d policies, the document has 7", len(files))
	}
	for _, file := range files {
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(other, filepath.Base(file)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from %s", file, other)
		}
	}
}

// watch looks at files that only another program reads, so that the go command does not take an old
// result of this test for a new one.
func watch(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				_, err = os.ReadFile(file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
