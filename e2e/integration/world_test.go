package integration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/standin"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/testserver"
)

// stepTimeout bounds one command of a script that talks to the server by itself.
const stepTimeout = 2 * time.Minute

// world is what one script has around it.
type world struct {
	servers    *pool
	kubeconfig string
	log        func(...any)

	server *testserver.Server
	// own is true for a server of a special make, which no other script can use.
	own   bool
	agent *standin.Validator
	// controllers are those that timers need; nil when they don't run.
	controllers *exec.Cmd
}

type worldKey struct{}

// worldOf returns the world of a script.
func worldOf(ts *testscript.TestScript) *world {
	w, ok := ts.Value(worldKey{}).(*world)
	if !ok {
		ts.Fatalf("the script has no world")
	}
	return w
}

// running returns the world of a script that has started its server.
func running(ts *testscript.TestScript) *world {
	w := worldOf(ts)
	if w.server == nil {
		ts.Fatalf("there is no server: begin the script with \"controlplane start\"")
	}
	return w
}

// start brings up a server and writes the kubeconfig for it.
func (w *world) start(o testserver.Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	if w.server != nil {
		return errors.New("the server runs already")
	}
	var err error
	if w.own = o != (testserver.Options{}); w.own {
		o.Assets = w.servers.assets
		o.Cilium, o.CNPG = cmp.Or(o.Cilium, w.servers.versions.Cilium), cmp.Or(o.CNPG, w.servers.versions.CNPG)
		w.server, err = testserver.Start(ctx, o)
	} else {
		w.server, err = w.servers.take(ctx)
	}
	if err != nil {
		return err
	}
	if w.agent, err = standin.NewValidator(w.server.Config()); err != nil {
		return err
	}
	return os.WriteFile(w.kubeconfig, w.server.Kubeconfig(), 0o600)
}

// startControllers runs Kubernetes' own controllers of Jobs, of finished ones, and of garbage.
func (w *world) startControllers() error {
	if w.controllers != nil {
		return errors.New("the controllers run already")
	}
	command := exec.Command(filepath.Join(w.servers.assets, "controllers"), w.kubeconfig)
	if err := command.Start(); err != nil {
		return fmt.Errorf("start the controllers: %w", err)
	}
	w.controllers = command
	return nil
}

// stopControllers ends them as a machine that fails would: at once.
func (w *world) stopControllers() {
	if w.controllers == nil {
		return
	}
	// It is over when Wait returns, whatever either says.
	_ = w.controllers.Process.Kill()
	_ = w.controllers.Wait()
	w.controllers = nil
}

// stop ends the server, so that the kubeconfig leads nowhere.
func (w *world) stop() error {
	w.stopControllers()
	w.agent.Stop()
	server := w.server
	w.server = nil
	if err := server.Stop(); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	return nil
}

// close ends what the script has left running.
func (w *world) close() {
	if w.server == nil {
		return
	}
	if w.own {
		// The script is over and its data is temporary: how the server ends changes no result.
		_ = w.stop()
		return
	}
	w.stopControllers()
	w.agent.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	if err := w.servers.put(ctx, w.server); err != nil {
		w.log(err)
	}
}
