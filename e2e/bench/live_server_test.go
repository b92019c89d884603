package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/fleet"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/testserver"
)

// liveFleet has 10,001 pods with their endpoints, 600 databases and 1,800 Cilium policies.
func liveFleet() fleet.Size {
	return fleet.Size{
		Namespaces: 200, ClusterNamespaces: 200, ClustersPerNamespace: 3, Instances: 3,
		AppPods: 41, Workloads: 10, CiliumPolicies: true, Endpoints: true,
	}
}

// world is an API server that holds liveFleet, and the programs that are measured against it.
type world struct {
	server *testserver.Server
	// dir holds everything that was written here.
	dir                               string
	kubeconfig, kubectl, plugin, bare string
}

// shared is made by the first benchmark that needs it, and taken down by TestMain.
var shared = sync.OnceValues(func() (*world, error) {
	w := &world{}
	current = w
	return w, w.start(context.Background())
})

// current is what there is of shared, finished or not.
var current *world

func TestMain(m *testing.M) {
	code := m.Run()
	if current != nil {
		if err := current.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// liveWorld is shared, or the end of the benchmark.
func liveWorld(b *testing.B) *world {
	b.Helper()
	w, err := shared()
	if err != nil {
		b.Fatal(err)
	}
	return w
}

func (w *world) start(ctx context.Context) error {
	assets, err := testserver.Assets(ctx)
	if err != nil {
		return err
	}
	if w.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	w.kubeconfig, w.kubectl = filepath.Join(w.dir, "kubeconfig"), filepath.Join(assets, "kubectl")
	w.plugin, w.bare = filepath.Join(w.dir, "kubectl-cnpg_netpol"), filepath.Join(w.dir, "bare")
	for program, source := range map[string]string{w.plugin: "cmd/kubectl-cnpg_netpol", w.bare: "e2e/bench/bare/cmd"} {
		if err := build(ctx, program, source); err != nil {
			return err
		}
	}
	if w.server, err = testserver.Start(ctx, testserver.Options{Assets: assets}); err != nil {
		return err
	}
	if err := os.WriteFile(w.kubeconfig, w.server.Kubeconfig(), 0o600); err != nil {
		return err
	}
	return fill(ctx, w.server.Config(), liveFleet())
}

// build builds a program of this repository with the caller's settings, so that its build cache serves.
func build(ctx context.Context, program, source string) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", program, "./"+source)
	command.Dir = filepath.Join("..", "..")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", source, err, output)
	}
	return nil
}

func (w *world) stop() error {
	if w.server != nil {
		if err := w.server.Stop(); err != nil {
			return err
		}
	}
	return os.RemoveAll(w.dir)
}
