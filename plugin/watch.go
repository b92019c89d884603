package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/isolation"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// watchPause gathers the changes of one action (a lockdown, a rollout) into one redraw.
const watchPause = 200 * time.Millisecond

// runWatch shows the status whenever something has changed, until the context ends.
func (o *statusOptions) runWatch(ctx context.Context) error {
	namespace, err := o.scopeOf()
	if err != nil {
		return err
	}
	watcher, err := o.watchCluster(ctx, namespace)
	if err != nil {
		return unlessInterrupted(ctx, err)
	}
	monitor := isolation.NewMonitor(o.modelOptions(namespace))
	var screen watchScreen
	for {
		began := time.Now()
		list, problem := o.look(ctx, watcher, monitor, namespace)
		if list == nil {
			return unlessInterrupted(ctx, problem)
		}
		if err := o.show(*list, problem, &screen); err != nil {
			return err
		}
		took := time.Since(began)
		select {
		case <-ctx.Done():
			return nil
		case <-watcher.Changed():
		}
		// A fleet in which something happens all the time shall not keep a processor busy.
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(watchPause, took)):
		}
	}
}

// watchScreen is what is shown.
type watchScreen struct {
	report  []byte
	problem string
}

// unlessInterrupted is nil after an interruption, which is how watching ends.
func unlessInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // Being interrupted is no error here.
	}
	return err
}

func (o *statusOptions) watchCluster(ctx context.Context, namespace string) (*live.Watcher, error) {
	config, err := o.restConfig()
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
	progress := o.progress()
	defer progress.Stop()
	progress.Update("reading the cluster")
	return live.Watch(ctx, clients, live.Options{
		Namespace: namespace, Names: o.names, OperatorNamespace: o.operatorNamespace, Timeout: timeout,
		Words:    func(err error) string { return strings.Join(errorLines(err), "; ") },
		Progress: func(resource string, objects int) { progress.Update("read %d %s", objects, resource) },
	})
}

// look returns the reports on what is there now, nil when there can't be any, and what went wrong
// besides.
func (o *statusOptions) look(ctx context.Context, watcher *live.Watcher, monitor *isolation.Monitor, namespace string) (*v1alpha1.IsolationReportList, error) {
	inv, err := watcher.Inventory(ctx)
	if err != nil {
		return nil, err
	}
	problem := errors.Join(missingOperator(inv), o.unknownNames(inv, namespace, o.names))
	list, _, err := monitor.Evaluate(inv)
	if err != nil {
		return nil, err
	}
	if len(list.Items) == 0 && problem == nil {
		problem = fmt.Errorf("no CloudNativePG cluster in %s yet", o.where(namespace))
	}
	return &list, problem
}

// show prints the reports and the problem when they differ from what is shown: over it on a terminal,
// below it elsewhere.
func (o *statusOptions) show(list v1alpha1.IsolationReportList, problem error, screen *watchScreen) error {
	var next bytes.Buffer
	isatty, width := terminal.Detect(o.Out)
	if err := report.Print(&next, list, report.Options{Format: o.output, Colors: o.colors(o.Out), Width: width}); err != nil {
		return err
	}
	text := ""
	if problem != nil {
		text = problem.Error()
	}
	first := screen.report == nil
	if !first && bytes.Equal(screen.report, next.Bytes()) && screen.problem == text {
		return nil
	}
	screen.report, screen.problem = next.Bytes(), text
	const clearScreen = "\x1b[H\x1b[2J"
	before := ""
	switch {
	case isatty && (o.output == report.Table || o.output == report.Wide):
		before = fmt.Sprintf("%s%s  (Ctrl-C ends)\n\n", clearScreen, time.Now().Format(time.TimeOnly))
	case !first && o.output == report.YAML:
		before = "---\n"
	}
	if _, err := fmt.Fprint(o.Out, before); err != nil {
		return err
	}
	if _, err := o.Out.Write(next.Bytes()); err != nil {
		return err
	}
	if problem != nil {
		printError(o.ErrOut, "kubectl cnpg-netpol status", problem)
	}
	return nil
}
