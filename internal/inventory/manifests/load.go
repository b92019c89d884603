// Package manifests fills an inventory from files: what kubectl takes with -f and -k, what it prints with get -o yaml, and
// repositories as they are. It needs neither a kubeconfig nor a network. What can't be judged as it stands is
// missing evidence, and never guessed.
package manifests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// Options say what to read.
type Options struct {
	// FilenameOptions are files, directories, patterns and "-" for Stdin, as kubectl takes them.
	// URLs are refused, and Kustomize is not looked at: Kustomizations are several.
	resource.FilenameOptions
	// Kustomizations are the directories of kustomizations to build.
	Kustomizations []string
	// Stdin is read for "-". Nil is an empty input.
	Stdin io.Reader
	// DefaultNamespace is the namespace of objects that name none; empty means "default".
	DefaultNamespace string
	// Note is called with each line that somebody should read who reads the result: what was passed over. Nil
	// drops them.
	Note func(line string)
	// Spec, when set, is called with each workload, pod and ConfigMap as it was read, in JSON, and the namespace of
	// objects that name none. It must not be relied on when Load returns because ctx is done.
	Spec func(kind string, raw []byte, defaultNamespace string)
}

// Load reads the manifests. Kinds that do not matter are passed over. Of a directory, a kustomization is built and not read beside it, and
// what Flux and Argo CD apply of the repository is followed. Of several documents with the same kind, namespace and name the
// last one counts, as with kubectl apply; when they differ in what matters, Missing says so.
//
// The error joins everything that is wrong, each with file and document number (empty documents
// are not counted). When there is an error and an inventory too, the inventory holds all the
// other documents, and its Missing names those that could not be read. A policy that is an object
// but cannot be decoded is no error: it is in the inventory, marked as unreadable or refused.
//
// Load returns when ctx is done, also while it waits for the standard input.
func Load(ctx context.Context, o Options) (*inventory.Inventory, error) {
	type result struct {
		inv   *inventory.Inventory
		notes []string
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		r.inv, r.notes, r.err = read(ctx, o)
		done <- r
	}()
	select {
	case r := <-done:
		if o.Note != nil {
			for _, line := range r.notes {
				o.Note(line)
			}
		}
		return r.inv, r.err
	case <-ctx.Done():
		// What reads goes on until it looks at ctx, or waits for input that may never come; nobody waits for it.
		return nil, ctx.Err()
	}
}

func read(ctx context.Context, o Options) (*inventory.Inventory, []string, error) {
	if o.DefaultNamespace == "" {
		o.DefaultNamespace = "default"
	}
	sources, err := findSources(o)
	if err != nil {
		return nil, nil, err
	}
	l := newLoader(ctx, o.DefaultNamespace)
	l.spec = o.Spec
	for _, s := range sources {
		if err := l.source(s, o); err != nil {
			return nil, nil, err
		}
	}
	if err := l.followPending(); err != nil {
		return nil, nil, err
	}
	if l.objects == 0 && len(l.unrendered) == 0 {
		if len(l.errs) > 0 {
			return nil, nil, errors.Join(l.errs...) // They say why there are none.
		}
		l.errs = append(l.errs, fmt.Errorf("no Kubernetes objects in %s: name files or directories that hold manifests (-R looks into subdirectories)",
			strings.Join(append(append([]string{}, o.Filenames...), o.Kustomizations...), ", ")))
		return nil, nil, errors.Join(l.errs...)
	}
	inv := l.finish()
	return inv, l.notes(), errors.Join(l.errs...)
}

// newLoader returns a loader that knows nothing yet.
func newLoader(ctx context.Context, namespace string) *loader {
	inv := &inventory.Inventory{Origin: inventory.Manifests, Settings: inventory.DefaultSettings()}
	return &loader{
		ctx: ctx, namespace: namespace, decoder: decode.NewDecoder(), inv: inv,
		at: map[objectKey]int{}, first: map[objectKey]seen{}, visited: map[string]bool{}, values: map[objectKey]map[string]string{},
	}
}
