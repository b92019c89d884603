package integration

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/standin"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/testserver"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
)

// TestScripts runs testdata/script, see the package's documentation.
func TestScripts(t *testing.T) {
	ctx := t.Context()
	assets, err := testserver.Assets(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := standin.ConfigureCilium(); err != nil {
		t.Fatal(err)
	}
	plugin := t.TempDir()
	if err := buildPlugin(ctx, plugin); err != nil {
		t.Fatal(err)
	}
	servers := &pool{assets: assets, versions: testserver.Options{
		Cilium: os.Getenv("INTEGRATION_CILIUM"), CNPG: os.Getenv("INTEGRATION_CNPG"),
	}}
	t.Cleanup(func() {
		if err := servers.stop(); err != nil {
			t.Error(err)
		}
	})
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "script"),
		Setup:              func(env *testscript.Env) error { return setup(env, servers, plugin) },
		Cmds:               commands(),
		UpdateScripts:      golden.Updating(),
		RequireUniqueNames: true,
	})
}

// buildPlugin builds the programs that a user installs, as they are released, into dir.
func buildPlugin(ctx context.Context, dir string) error {
	root, err := testserver.ModuleDir(ctx, "")
	if err != nil {
		return err
	}
	if err := watchSources(root); err != nil {
		return err
	}
	for _, name := range []string{"kubectl-cnpg_netpol", "kubectl_complete-cnpg_netpol"} {
		source := filepath.Join(root, "cmd", name)
		if _, err := os.Stat(source); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the program %q has no source in cmd: %w", name, err)
		}
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(dir, name+executableSuffix()), source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, output)
		}
	}
	return nil
}

// watchSources looks at every source file of the plugin. The go command caches a test's result by
// the files that the test itself has looked at, and this one depends on them by way of "go build".
func watchSources(root string) error {
	for _, dir := range []string{"cmd", "internal", "plugin"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			return err
		}
	}
	return nil
}

func executableSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// setup gives a script its home folder and its programs. There is no server until the script asks.
func setup(env *testscript.Env, servers *pool, plugin string) error {
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.MkdirAll(filepath.Join(home, ".kube"), 0o700); err != nil {
		return err
	}
	shop, err := filepath.Abs(filepath.Join("testdata", "shop.yaml"))
	if err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("KUBECONFIG", filepath.Join(home, ".kube", "config"))
	env.Setenv("SHOP", shop)
	env.Setenv("PATH", plugin+string(os.PathListSeparator)+servers.assets+string(os.PathListSeparator)+env.Getenv("PATH"))
	w := &world{servers: servers, kubeconfig: env.Getenv("KUBECONFIG"), log: env.T().Log}
	env.Values[worldKey{}] = w
	env.Defer(w.close)
	return nil
}
