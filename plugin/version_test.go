package plugin

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
)

// buildInfo is what a binary says about itself.
func buildInfo() *debug.BuildInfo {
	return &debug.BuildInfo{
		Deps: []*debug.Module{
			{Path: "github.com/cilium/cilium", Version: "v1.20.2"},
			{Path: "github.com/cloudnative-pg/cloudnative-pg", Version: "v1.0.0", Replace: &debug.Module{Version: "v1.29.1"}},
		},
		Settings: []debug.BuildSetting{{Key: "GOOS", Value: "plan9"}, {Key: "vcs.revision", Value: "0123abc"}},
	}
}

func TestReadVersions(t *testing.T) {
	got := readVersions(buildInfo())
	if got.CiliumEngine != "v1.20.2" || got.CloudNativePG != "v1.29.1" || got.Client.GitCommit != "0123abc" {
		t.Errorf("got %+v", got)
	}
	if got.Client.GitVersion == "" || !strings.HasPrefix(got.Client.GoVersion, "go1.") {
		t.Errorf("got %+v", got.Client)
	}
	got = readVersions(nil)
	if got.CiliumEngine != unknown || got.CloudNativePG != unknown || got.Client.GitCommit != unknown {
		t.Errorf("without build information: got %+v", got)
	}
}

func TestPrintVersion(t *testing.T) {
	v := versions{
		Client:       clientVersion{"v0.1.0", "0123abc", "go1.26.3", "gc", "linux/amd64"},
		CiliumEngine: "v1.20.2", CloudNativePG: "v1.29.1",
	}
	for name, format := range map[string]string{"version/text.txt": "", "version/json.json": "json", "version/yaml.yaml": "yaml"} {
		var b bytes.Buffer
		if err := printVersion(&b, v, format); err != nil {
			t.Error(err)
		}
		golden.Compare(t, filepath.Join("testdata", name), b.Bytes())
	}
}

// version asks no server and reads no kubeconfig.
func TestVersionNeedsNoKubeconfig(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	code, stdout, stderr := run(t, "version", "-o", "json", "--context=moon")
	var got versions
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 || stderr != "" {
		t.Errorf("exit code %d, stderr %q, %v in %q", code, stderr, err, stdout)
	}
}
