package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
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

// stop ends the server, so that the kubeconfig leads nowhere.
func (w *world) stop() error {
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
	w.agent.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	if err := w.servers.put(ctx, w.server); err != nil {
		w.log(err)
	}
}
