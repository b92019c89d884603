package kit

import (
	"context"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
)

// Watch watches what an inventory of a namespace is made of; empty for all. Names are the clusters that are asked about,
// none for all.
func (s *Source) Watch(ctx context.Context, namespace string, names []string) (*live.Watcher, error) {
	config, err := s.RESTConfig()
	if err != nil {
		return nil, err
	}
	// --request-timeout is for answers, and not for how long to watch.
	timeout := config.Timeout
	config.Timeout = 0
	clients, err := live.NewClients(config)
	if err != nil {
		return nil, err
	}
	progress := s.Progress()
	defer progress.Stop()
	progress.Update("reading the cluster")
	return live.Watch(ctx, clients, live.Options{
		Namespace: namespace, Names: names, OperatorNamespace: s.OperatorNamespace, Timeout: timeout,
		Words:    func(err error) string { return strings.Join(ErrorLines(err), "; ") },
		Progress: func(resource string, objects int) { progress.Update("read %d %s", objects, resource) },
	})
}
