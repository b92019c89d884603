package integration

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/testserver"
)

// pool keeps servers for the next script: emptying one takes a fraction of a second, starting one
// takes five. A script has its server for itself.
type pool struct {
	assets string
	// versions are those of the custom resources where no script asks for others.
	versions testserver.Options
	mu       sync.Mutex
	idle     []*testserver.Server
}

// take returns an empty server with Cilium's and CloudNativePG's kinds.
func (p *pool) take(ctx context.Context) (*testserver.Server, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		server := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return server, nil
	}
	p.mu.Unlock()
	o := p.versions
	o.Assets = p.assets
	return testserver.Start(ctx, o)
}

// put empties a server for the next script. One that cannot be emptied is stopped, and the reason
// returned: it costs time and is no fault of the script.
func (p *pool) put(ctx context.Context, server *testserver.Server) error {
	if err := server.Reset(ctx); err != nil {
		return errors.Join(fmt.Errorf("the server is of no use to the next script: %w", err), server.Stop())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, server)
	return nil
}

// stop ends all servers that no script has.
func (p *pool) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, server := range p.idle {
		errs = append(errs, server.Stop())
	}
	p.idle = nil
	return errors.Join(errs...)
}
