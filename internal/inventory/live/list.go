package live

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// pageSize is the number of objects that are asked for at once, as in kubectl.
const pageSize = 500

// resource is one kind to read.
type resource struct {
	// name is the plural name with its group.
	name string
	// scope is where it is read: allNamespaces, ownNamespace or clusterScoped.
	scope scope
	// absent is the remedy when the server doesn't know the kind; with optional, that is no loss.
	absent   string
	optional bool
	// advisory is true for kinds without which only is unknown what depends on them: what is missing of them
	// goes to Unseen.
	advisory bool
	// page reads one page and returns the token of the next.
	page func(ctx context.Context, namespace string, o metav1.ListOptions) (objects int, next string, err error)
	// reset forgets what the pages have brought so far.
	reset func()
}

type scope int

const (
	// allNamespaces resources matter wherever they are.
	allNamespaces scope = iota
	// ownNamespace resources matter in the namespace of the wanted clusters.
	ownNamespace
	// clusterScoped resources have no namespace.
	clusterScoped
)

// read reads the resource, and records what is missing. Its error is fatal.
func (c *collector) read(ctx context.Context, r resource) error {
	namespace := ""
	if r.scope == ownNamespace {
		namespace = c.options.Namespace
	}
	objects, err := walk(ctx, r, namespace)
	if apierrors.IsForbidden(err) && r.scope == allNamespaces && c.options.Namespace != "" {
		return c.readOwn(ctx, r, err)
	}
	if err != nil {
		return c.record(ctx, r, namespace, err)
	}
	c.progress(r.name, objects)
	return nil
}

// readOwn reads the resource in the namespace of the wanted clusters, after all namespaces were
// forbidden, and records that the others are missing.
func (c *collector) readOwn(ctx context.Context, r resource, forbidden error) error {
	own := c.options.Namespace
	objects, err := walk(ctx, r, own)
	if apierrors.IsForbidden(err) {
		return c.record(ctx, r, "", forbidden)
	}
	if err != nil {
		return c.record(ctx, r, "", err)
	}
	c.progress(r.name, objects)
	c.lacks(r, onlyOwn(r.name, own, forbidden))
	return nil
}

// onlyOwn is what is missing when all namespaces but one are forbidden.
func onlyOwn(resource, own string, forbidden error) inventory.Missing {
	return inventory.Missing{
		Resource: resource, Scope: inventory.Except(own), Reason: inventory.Forbidden,
		Message: fmt.Sprintf("%s can be read in namespace %q only: %s", resource, own, oneLine(forbidden)),
		Remedy:  command.Wordsf("ask for permission to list %s in all namespaces", resource),
	}
}

// record turns an error into missing evidence, unless it is fatal.
func (c *collector) record(ctx context.Context, r resource, namespace string, err error) error {
	m := inventory.Missing{Resource: r.name, Scope: inventory.Only(namespace), Message: oneLine(err)}
	switch c.kindOf(ctx, err) {
	case fatal:
		return c.explain(err)
	case forbidden:
		m.Reason = inventory.Forbidden
		m.Remedy = command.Wordsf("ask for permission to list %s%s", r.name, inWords(namespace))
	case unknownKind:
		if r.optional {
			return nil
		}
		m.Scope, m.Reason = inventory.Scope{}, inventory.NotInstalled
		m.Message = fmt.Sprintf("the server does not know %s", r.name)
		m.Remedy = command.Words(r.absent)
	case failed:
		m.Reason = inventory.Failed
		m.Message = fmt.Sprintf("%s could not be read: %s", r.name, oneLine(err))
		m.Remedy = command.Words("try again; if it persists, look at the API server")
	}
	r.reset()
	c.lacks(r, m)
	return nil
}

// lacks records what is missing of a resource.
func (c *collector) lacks(r resource, m inventory.Missing) {
	if !r.advisory {
		c.missing(m)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.Unseen = append(c.inv.Unseen, m)
}

func inWords(namespace string) string {
	if namespace == "" {
		return " in all namespaces"
	}
	return fmt.Sprintf(" in namespace %q", namespace)
}

// walk reads all pages. When the server has forgotten the state that the pages were about
// (410 Expired), it starts again and takes everything at once.
func walk(ctx context.Context, r resource, namespace string) (int, error) {
	r.reset()
	total, o := 0, metav1.ListOptions{Limit: pageSize}
	for {
		n, next, err := r.page(ctx, namespace, o)
		switch {
		case apierrors.IsResourceExpired(err) && o.Continue != "":
			r.reset()
			total, o = 0, metav1.ListOptions{}
			continue
		case err != nil:
			return 0, err
		}
		total += n
		if next == "" {
			return total, nil
		}
		o.Continue = next
	}
}
