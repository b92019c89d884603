package live

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// collectAround reads what is in the namespaces of Options.Around, each by a collector of its own,
// so that what can't be read in one of them does not hide the others.
func (c *collector) collectAround(ctx context.Context) error {
	group, groupCtx := errgroup.WithContext(ctx)
	for _, r := range c.once() {
		group.Go(func() error { return c.read(groupCtx, r) })
	}
	group.Go(func() error { return c.readSettings(groupCtx) })
	parts := make([]*collector, len(c.options.Around))
	for i, namespace := range c.options.Around {
		part := newCollector(c.clients, c.options)
		parts[i] = part
		for _, r := range append(part.inNamespaces(), part.pods()) {
			group.Go(func() error { return part.readIn(groupCtx, r, namespace) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, part := range parts {
		c.take(part)
	}
	if err := c.readReferred(ctx); err != nil {
		return err
	}
	return c.findAgent(ctx)
}

// readIn reads the resource in one namespace, and records what is missing. Its error is fatal.
func (c *collector) readIn(ctx context.Context, r resource, namespace string) error {
	objects, err := walk(ctx, r, namespace)
	if err != nil {
		return c.record(ctx, r, namespace, err)
	}
	c.progress(r.name, objects)
	return nil
}

// take adds what another collector has read.
func (c *collector) take(part *collector) {
	inv, more := c.inv, part.inv
	inv.Namespaces = append(inv.Namespaces, more.Namespaces...)
	inv.Pods = append(inv.Pods, more.Pods...)
	inv.Services = append(inv.Services, more.Services...)
	maps.Copy(inv.Endpoints, more.Endpoints)
	for i := range c.policies {
		c.policies[i] = append(c.policies[i], part.policies[i]...)
	}
	inv.Unseen = append(inv.Unseen, more.Unseen...)
	for _, m := range more.Missing {
		if !slices.ContainsFunc(inv.Missing, m.Equal) {
			inv.Missing = append(inv.Missing, m)
		}
	}
}

// findAgent looks for an endpoint anywhere when there is none around: only where Cilium's agent
// manages other pods, a pod without an endpoint is one that it does not manage. Where that is
// forbidden, there is no such evidence.
func (c *collector) findAgent(ctx context.Context) error {
	if len(c.inv.Endpoints) > 0 {
		return nil
	}
	_, _, err := c.custom(endpoints()).page(ctx, "", metav1.ListOptions{Limit: 1})
	if err != nil && c.kindOf(ctx, err) == fatal {
		return c.explain(err)
	}
	return nil
}
