package golden_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
)

// recorder is a test that is only looked at.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(_ string, args ...any) {
	r.failures = append(r.failures, args[len(args)-1].(string))
}

func (r *recorder) Fatalf(_ string, args ...any) {
	r.failures = append(r.failures, args[0].(error).Error())
}

// TestMain keeps -update away from what is tested.
func TestMain(m *testing.M) {
	flag.Parse()
	updating("false")
	os.Exit(m.Run())
}

func updating(value string) {
	if err := flag.Set("update", value); err != nil {
		panic(err)
	}
}

func TestUpdate(t *testing.T) {
	updating("true")
	defer updating("false")
	path := filepath.Join(t.TempDir(), "folder", "file")
	golden.Compare(t, path, []byte("new"))
	if written, err := os.ReadFile(path); err != nil || string(written) != "new" || !golden.Updating() {
		t.Errorf("%q, %v", written, err)
	}
}

func TestCompare(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("a\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{"a\nb\n": "", "a\nb": "b", "a\nB\n": "B"} {
		r := &recorder{TB: t}
		golden.Compare(r, path, []byte(got))
		if (want == "") != (len(r.failures) == 0) || !strings.Contains(strings.Join(r.failures, ""), want) {
			t.Errorf("%q: %q", got, r.failures)
		}
	}
}

func TestAFileThatIsMissing(t *testing.T) {
	r := &recorder{TB: t}
	golden.Compare(r, filepath.Join(t.TempDir(), "none"), nil)
	if len(r.failures) == 0 || !strings.Contains(r.failures[0], "no such file") {
		t.Errorf("%q", r.failures)
	}
}
