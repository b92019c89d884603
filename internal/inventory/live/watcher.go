package live

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Watcher keeps what Collect would read up to date by watching it. Get one from Watch.
type Watcher struct {
	clients Clients
	options Options
	kinds   []*watched
	changed chan struct{}
	// settings and operators are what was asked for last.
	settings inventory.Settings
	// agents are Cilium's DaemonSets, asked for once: which version they have changes seldom.
	agents         []agent
	askedForAgents bool
	operators      []inventory.Operator
}

// Watch reads what is there and keeps watching until ctx is done. It returns when everything has been
// read once, or can't be. What can't be read is tried again and again, and is missing evidence until
// then. The error is one that leaves no inventory, as of Collect. Options.Around is not for watching.
func Watch(ctx context.Context, clients Clients, o Options) (*Watcher, error) {
	w := &Watcher{clients: clients, options: o, changed: make(chan struct{}, 1)}
	w.kinds = w.watchedKinds()
	watching, stop := context.WithCancel(ctx)
	for _, k := range w.kinds {
		go k.control.RunWithContext(watching)
	}
	if err := w.waitForAll(ctx); err != nil {
		stop()
		return nil, err
	}
	context.AfterFunc(ctx, stop)
	return w, nil
}

// Changed receives when something has changed since it last did, once for however many changes.
func (w *Watcher) Changed() <-chan struct{} { return w.changed }

func (w *Watcher) notify() {
	select {
	case w.changed <- struct{}{}:
	default: // It is known already that something has changed.
	}
}

// waitForAll waits until each kind has been read or has failed.
func (w *Watcher) waitForAll(ctx context.Context) error {
	const moment = 10 * time.Millisecond
	c := newCollector(w.clients, w.options)
	told := map[*watched]bool{}
	err := wait.PollUntilContextCancel(ctx, moment, true, func(ctx context.Context) (bool, error) {
		for _, k := range w.kinds {
			read, failure := k.state()
			switch {
			case told[k]:
			case read:
				told[k] = true
				c.progress(k.name, len(k.store.ListKeys()))
			case failure == nil:
			case c.kindOf(ctx, failure) == fatal:
				return false, c.explain(failure)
			default:
				told[k] = true
			}
		}
		return len(told) == len(w.kinds), nil
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Inventory is what is there now. Policies and clusters that have not changed since the last one are
// the same objects. It asks the server only where something is not in its usual place: Cilium's
// options, or the operator. What the server does not answer is missing evidence; the error is that ctx
// is done.
func (w *Watcher) Inventory(ctx context.Context) (*inventory.Inventory, error) {
	c := newCollector(w.clients, w.options)
	out := &outage{words: w.options.words}
	w.askForAgents(ctx, c)
	for _, k := range w.kinds {
		w.take(ctx, c, k, out)
	}
	w.askFor(ctx, c, out)
	w.askForReferred(ctx, c, out)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	out.record(c)
	return c.finish(), nil
}

// askForAgents reads Cilium's DaemonSets. Without them the version of the agents is not known.
func (w *Watcher) askForAgents(ctx context.Context, c *collector) {
	if !w.askedForAgents {
		w.askedForAgents = true
		ctx, done := context.WithTimeout(ctx, w.options.patience())
		defer done()
		w.agents, _ = c.listAgents(ctx)
	}
	c.agents = w.agents
}

// askFor looks for what is not in its usual place. A server that is known not to answer is not asked:
// what it has said before counts.
func (w *Watcher) askFor(ctx context.Context, c *collector, out *outage) {
	ctx, done := context.WithTimeout(ctx, w.options.patience())
	defer done()
	if !c.inv.Settings.Found && !out.began() {
		if err := c.readSettings(ctx); err != nil {
			out.add("configmaps", "", err)
		} else {
			w.settings = c.inv.Settings
		}
	}
	if !c.inv.Settings.Found && w.settings.Found {
		c.inv.Settings = w.settings
	}
	if c.knowsOperators() {
		return
	}
	if !out.began() {
		if err := c.findOperators(ctx); err != nil {
			out.add("mutatingwebhookconfigurations.admissionregistration.k8s.io", "", err)
		} else {
			w.operators = slices.Clone(c.inv.Operators)
		}
	}
	if len(c.inv.Operators) == 0 {
		c.inv.Operators = slices.Clone(w.operators)
	}
}

// askForReferred reads what clusters and policies refer to and is not watched. What the server does not
// answer is unseen.
func (w *Watcher) askForReferred(ctx context.Context, c *collector, out *outage) {
	if out.began() {
		return
	}
	ctx, done := context.WithTimeout(ctx, w.options.patience())
	defer done()
	for _, r := range c.referredObjects() {
		if err := c.read(ctx, r); err != nil {
			c.lacks(r, inventory.Missing{Resource: r.name, Reason: inventory.Failed, Message: oneLine(err)})
		}
	}
}

// within is ctx until the timeout, if there is one.
func within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// take fills the collector with what is known of one kind, and with what is not.
func (w *Watcher) take(ctx context.Context, c *collector, k *watched, out *outage) {
	read, failure := k.state()
	refused := k.narrowed()
	switch {
	case failure != nil && k.advisory && c.kindOf(ctx, failure) == fatal:
		c.lacks(k.resource, inventory.Missing{Resource: k.name, Reason: inventory.Failed, Message: oneLine(failure)})
	case failure != nil && c.kindOf(ctx, failure) == fatal:
		out.add(k.name, k.namespace(), failure)
	case failure != nil && k.elsewhere:
		return
	case failure != nil:
		_ = c.record(ctx, k.resource, k.namespace(), failure) // It is not fatal.
		return
	case refused != nil:
		c.lacks(k.resource, onlyOwn(k.name, k.own, refused))
	}
	if !read {
		return
	}
	for _, one := range k.items() {
		if one.problem != nil {
			c.undecodable(k.resource, one.problem)
			continue
		}
		k.put(c, one.value)
	}
}
