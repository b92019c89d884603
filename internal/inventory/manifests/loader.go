package manifests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// maxDepth is how far Lists may hold Lists.
const maxDepth = 8

// loader collects objects from documents.
type loader struct {
	namespace string
	decoder   *decode.Decoder
	inv       *inventory.Inventory
	// at is where an object is in its slice of the inventory, so that a later document with the
	// same name replaces it.
	at        map[objectKey]int
	workloads []*decode.Workload
	operators []inventory.Operator
	// charts are operators that were not seen, and that an object installs.
	charts   []inventory.Operator
	webhooks []service
	agent    bool
	// objects counts what was recognised as a Kubernetes object, of whatever kind.
	objects int
	errs    []error
}

// objectKey names an object.
type objectKey struct{ kind, namespace, name string }

// service names a Service.
type service struct{ namespace, name string }

// header is what every object begins with, and the items of a List.
type header struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Items      []json.RawMessage `json:"items"`
}

// source reads all documents of a source. Its error is one that ends everything.
func (l *loader) source(ctx context.Context, s source) error {
	data, err := s.read()
	if err != nil {
		l.fail(s.name, err)
		return nil
	}
	return documents(data, func(number int, raw []byte) error {
		return l.object(ctx, raw, header{}, fmt.Sprintf("%s document %d", s.name, number), 0)
	}, func(number int, err error) {
		l.fail(fmt.Sprintf("%s document %d", s.name, number), err)
	})
}

// object takes one object, or the items of a List. The items of a typed list need not repeat
// their kind, which is the list's then.
func (l *loader) object(ctx context.Context, raw []byte, of header, source string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var h header
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &h); err != nil {
		l.fail(source, fmt.Errorf("not a Kubernetes object: %w", err))
		return nil
	}
	if h.Kind == "" {
		h.Kind = of.Kind
	}
	if h.APIVersion == "" {
		h.APIVersion = of.APIVersion
	}
	if h.Kind == "" || h.APIVersion == "" {
		l.fail(source, errors.New("not a Kubernetes object: apiVersion or kind is missing"))
		return nil
	}
	l.objects++
	kind, isList := strings.CutSuffix(h.Kind, "List")
	if !isList {
		if err := l.add(h, raw, source); err != nil {
			l.fail(source, err)
		}
		return nil
	}
	if depth == maxDepth {
		l.fail(source, fmt.Errorf("lists within lists, more than %d deep", maxDepth))
		return nil
	}
	item := header{Kind: kind, APIVersion: h.APIVersion}
	if kind == "" {
		item = header{}
	}
	for i, raw := range h.Items {
		if err := l.object(ctx, raw, item, fmt.Sprintf("%s item %d", source, i+1), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// fail notes that something could not be read: as an error for the user, and as missing evidence
// for whoever judges the rest.
func (l *loader) fail(source string, err error) {
	l.errs = append(l.errs, fmt.Errorf("%s: %w", source, err))
	l.inv.Missing = append(l.inv.Missing, inventory.Missing{
		Resource: "manifests", Reason: inventory.Failed,
		Message: fmt.Sprintf("%s: %v", source, err),
		Remedy:  "correct the document, or leave it out",
	})
}

// put appends value to the slice, or replaces the earlier one of the same name.
func put[T any](l *loader, slice *[]T, key objectKey, value T) {
	if i, ok := l.at[key]; ok {
		(*slice)[i] = value
		return
	}
	l.at[key] = len(*slice)
	*slice = append(*slice, value)
}
