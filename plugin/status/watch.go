package status

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
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
	watcher, err := o.source.Watch(ctx, namespace, o.names)
	if err != nil {
		return err
	}
	monitor := assess.NewMonitor(o.modelOptions(namespace))
	resized, stop := terminal.Resized()
	defer stop()
	screen := o.source.NewScreen("status", o.output.Format)
	for {
		began := time.Now()
		list, problem := o.look(ctx, watcher, monitor, namespace)
		if list == nil {
			return screen.UnlessInterrupted(ctx, problem)
		}
		if err := screen.Show(o.frame(*list, problem)); err != nil {
			return err
		}
		took := time.Since(began)
		for changed := false; !changed; {
			select {
			case <-ctx.Done():
				return nil
			case <-resized:
				if err := screen.Redraw(); err != nil {
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

// frame is what the screen shows of the reports, and of what went wrong besides.
func (o *options) frame(list v1alpha1.IsolationReportList, problem error) kit.Frame {
	f := kit.Frame{Problem: problem, Print: func(w io.Writer, columns int) error {
		return report.Print(w, o.output, list, text.Options{Colors: o.source.Colors(o.Out), Width: columns, Context: *o.source.Config.Context})
	}}
	if len(list.Items) > 1 {
		f.Hint = "a cluster's name"
	}
	return f
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
