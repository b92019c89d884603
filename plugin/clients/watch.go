package clients

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

const (
	// lookInterval is how often instances and poolers are asked for their sessions while somebody watches.
	lookInterval = 5 * time.Second
	// lookPause gathers the changes of one action into one look.
	lookPause = time.Second
)

// runWatch shows the clients again and again, until the context ends.
func (o *options) runWatch(ctx context.Context) error {
	namespace, err := o.source.ScopeOf()
	if err != nil {
		return err
	}
	watcher, err := o.source.Watch(ctx, namespace, nil)
	if err != nil {
		return err
	}
	resized, stop := terminal.Resized()
	defer stop()
	screen := o.source.NewScreen("clients", o.output.Format)
	look := &watched{o: o, watcher: watcher, namespace: namespace}
	for {
		began := time.Now()
		problem := look.again(ctx)
		if ctx.Err() != nil || look.list == nil {
			return screen.UnlessInterrupted(ctx, problem)
		}
		if err := screen.Show(o.frame(*look.list, problem)); err != nil {
			return err
		}
		next := time.After(max(lookInterval, time.Since(began)))
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return nil
			case <-resized:
				if err := screen.Redraw(); err != nil {
					return err
				}
			case <-watcher.Changed():
				next = time.After(max(lookPause, time.Since(began)))
			case <-next:
				waiting = false
			}
		}
	}
}

// watched looks again and again.
type watched struct {
	o         *options
	watcher   *live.Watcher
	namespace string
	evidence  *kit.WatchedEvidence
	// list is what was seen last; nil before there has been anything.
	list *v1alpha1.ClientList
}

// again looks. What goes wrong leaves the last list.
func (w *watched) again(ctx context.Context) error {
	inv, err := w.watcher.Inventory(ctx)
	if err != nil {
		return err
	}
	problem := kit.MissingOperator(inv)
	key, err := w.o.source.Cluster(inv, w.namespace, w.o.name)
	if err != nil {
		return errors.Join(problem, err)
	}
	if w.evidence == nil {
		w.evidence = w.o.evidence.Watch(ctx, inv, key, w.o.now)
	}
	evidence, err := w.evidence.Gather(ctx, inv)
	if err != nil {
		return errors.Join(problem, err)
	}
	list, err := w.o.judge(inv, key, evidence)
	if err != nil {
		return errors.Join(problem, err)
	}
	if w.o.denied {
		list = onlyDenied(list)
	}
	w.list = &list
	return problem
}

// frame is what the screen shows of a list. Elsewhere than on a terminal, it is not repeated because of the time, or
// because more was seen of the same.
func (o *options) frame(list v1alpha1.ClientList, problem error) kit.Frame {
	key := list
	key.Clients = append([]v1alpha1.ObservedClient{}, list.Clients...)
	for i := range key.Clients {
		targets := append([]v1alpha1.ObservedTarget{}, key.Clients[i].Targets...)
		for j := range targets {
			t := &targets[j]
			*t = v1alpha1.ObservedTarget{
				Target: t.Target, Port: t.Port, Sessions: min(t.Sessions, 1), Users: t.Users, Databases: t.Databases,
				Opened: min(t.Opened, 1), Denied: min(t.Denied, 1), Audited: min(t.Audited, 1), Verdict: t.Verdict,
			}
		}
		key.Clients[i].Targets = targets
	}
	key.Evidence = append([]v1alpha1.EvidenceReport{}, list.Evidence...)
	for i := range key.Evidence {
		e := &key.Evidence[i]
		e.Events, e.From, e.To = 0, nil, nil
	}
	key.Timed = append([]v1alpha1.ObservedTimed(nil), list.Timed...)
	for i := range key.Timed {
		key.Timed[i].Remaining = nil
	}
	text, err := json.Marshal(key)
	if err != nil {
		text = nil // What is printed tells then.
	}
	return kit.Frame{Problem: problem, Key: string(text), Print: func(w io.Writer, columns int) error { return o.print(w, list, columns) }}
}

// print prints a list for so many columns.
func (o *options) print(w io.Writer, list v1alpha1.ClientList, columns int) error {
	return report.PrintClients(w, o.output, list, text.Options{Colors: o.source.Colors(o.Out), Width: columns, Context: *o.source.Config.Context})
}
