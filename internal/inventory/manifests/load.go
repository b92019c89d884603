// Package manifests fills an inventory from files: what kubectl takes with -f, and what it prints
// with get -o yaml. It needs neither a kubeconfig nor a network.
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
	// URLs and Kustomize are refused.
	resource.FilenameOptions
	// Stdin is read for "-". Nil is an empty input.
	Stdin io.Reader
	// DefaultNamespace is the namespace of objects that name none; empty means "default".
	DefaultNamespace string
}

// Load reads the manifests. Of several documents with the same kind, namespace and name the last
// one counts, as with kubectl apply. Kinds that do not matter are passed over.
//
// The error joins everything that is wrong, each with file and document number (empty documents
// are not counted). When there is an error and an inventory too, the inventory holds all the
// other documents, and its Missing names those that could not be read. A policy that is an object
// but cannot be decoded is no error: it is in the inventory, marked as unreadable.
func Load(ctx context.Context, o Options) (*inventory.Inventory, error) {
	if o.DefaultNamespace == "" {
		o.DefaultNamespace = "default"
	}
	sources, err := findSources(o)
	if err != nil {
		return nil, err
	}
	l := newLoader(o.DefaultNamespace)
	for _, s := range sources {
		if err := l.source(ctx, s); err != nil {
			return nil, err
		}
	}
	if l.objects == 0 {
		l.errs = append(l.errs, fmt.Errorf("no Kubernetes objects in %s: name files or directories that hold manifests (-R looks into subdirectories)",
			strings.Join(o.Filenames, ", ")))
		return nil, errors.Join(l.errs...)
	}
	return l.finish(), errors.Join(l.errs...)
}

// newLoader returns a loader that knows nothing yet.
func newLoader(namespace string) *loader {
	inv := &inventory.Inventory{Origin: inventory.Manifests, Settings: inventory.DefaultSettings()}
	return &loader{namespace: namespace, decoder: decode.NewDecoder(), inv: inv, at: map[objectKey]int{}}
}
