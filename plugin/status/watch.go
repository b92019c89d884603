package status

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// watchPause gathers the changes of one action (a lockdown, a rollout) into one redraw.
const watchPause = 200 * time.Millisecond

// runWatch shows the status whenever something has changed, until the context ends.
func (o *options) runWatch(ctx context.Context) error {
	namespace, err := o.source.ScopeOf()
	if err != nil {
		return err
	}
	watcher, err := o.watchCluster(ctx, namespace)
	if err != nil {
		return err
	}
	monitor := assess.NewMonitor(o.modelOptions(namespace))
	resized, stop := terminal.Resized()
	defer stop()
	screen := o.newWatchScreen()
	for {
		began := time.Now()
		list, problem := o.look(ctx, watcher, monitor, namespace)
		if list == nil {
			return screen.unlessInterrupted(ctx, problem)
		}
		if err := screen.show(*list, problem); err != nil {
			return err
		}
		took := time.Since(began)
		for changed := false; !changed; {
			select {
			case <-ctx.Done():
				return nil
			case <-resized:
				if err := screen.redraw(); err != nil {
					return err
				}
			case <-watcher.Changed():
				changed = true
			}
		}
		// A fleet in which something happens all the time shall not keep a processor busy.
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(watchPause, took)):
		}
	}
}

func (o *options) watchCluster(ctx context.Context, namespace string) (*live.Watcher, error) {
	config, err := o.source.RESTConfig()
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
	progress := o.source.Progress()
	defer progress.Stop()
	progress.Update("reading the cluster")
	return live.Watch(ctx, clients, live.Options{
		Namespace: namespace, Names: o.names, OperatorNamespace: o.source.OperatorNamespace, Timeout: timeout,
		Words:    func(err error) string { return strings.Join(kit.ErrorLines(err), "; ") },
		Progress: func(resource string, objects int) { progress.Update("read %d %s", objects, resource) },
	})
}

// look returns the reports on what is there now, nil when there can't be any, and what went wrong
// besides.
func (o *options) look(ctx context.Context, watcher *live.Watcher, monitor *assess.Monitor, namespace string) (*v1alpha1.IsolationReportList, error) {
	inv, err := watcher.Inventory(ctx)
	if err != nil {
		return nil, err
	}
	problem := errors.Join(kit.MissingOperator(inv), o.source.UnknownNames(inv, namespace, o.names))
	list, _, err := monitor.Evaluate(inv)
	if err != nil {
		return nil, err
	}
	o.source.NameContextIn(&list)
	if len(list.Items) == 0 && problem == nil {
		problem = fmt.Errorf("no CloudNativePG cluster in %s yet", o.where(namespace))
	}
	return &list, problem
}
