package manifests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests/repository"
)

// loader collects objects from documents.
type loader struct {
	ctx       context.Context
	namespace string
	decoder   *decode.Decoder
	inv       *inventory.Inventory
	// at is where an object is in its slice of the inventory, so that a later document with the
	// same name replaces it.
	at map[objectKey]int
	// first is where an object that matters was met first, and what it was.
	first     map[objectKey]seen
	workloads []*decode.Workload
	operators []inventory.Operator
	// charts are operators that were not seen, and that an object installs.
	charts   []inventory.Operator
	webhooks []service
	// agents are Cilium's DaemonSets, and configs the ConfigMaps that may be theirs.
	agents  []agent
	configs []config
	// objects counts what was recognised as a Kubernetes object, of whatever kind; skipped counts documents and files
	// that are none, and left files that nobody applies.
	objects, skipped int
	left             []string
	odd              []string
	unrendered       []unrendered
	twice            []twice
	errs             []error

	// from is what is being read, and here the document or built object of it.
	from origin
	here inventory.Source
	// visited are the folders that Flux or Argo CD apply, and how; pending is what is still to be followed.
	visited map[string]bool
	pending []instruction
	// values are the ConfigMaps and Secrets that may have values of placeholders.
	values map[objectKey]map[string]string
	// placeholders replaces those of the objects that are being read; nil where nobody does.
	placeholders *placeholders
	// spec is Options.Spec.
	spec func(kind string, raw []byte, defaultNamespace string)
}

// origin is where objects come from.
type origin struct {
	// root is the kustomization or the folder that a stage may have of its own; empty for files and the standard input.
	root string
	// top is the folder that the user named, empty when it was a file or a kustomization.
	top string
	// file is the file that is being read, empty for the standard input.
	file string
	// named is true for what the user named: there, what is no object is a mistake.
	named bool
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
func (l *loader) source(s source, o Options) error {
	switch s.kind {
	case folderSource:
		tree, err := repository.Walk(l.ctx, s.name, o.Recursive)
		if err != nil {
			return l.failed(s.name, err)
		}
		return l.tree(tree)
	case kustomizeSource:
		return l.build(s.name, repository.Overrides{}, "")
	default:
		l.from = origin{named: true}
		if s.kind == fileSource {
			l.from.file = s.name
			l.besideKustomization(s.name)
		}
		return l.file(s, o)
	}
}

// failed notes a problem that does not end everything.
func (l *loader) failed(source string, err error) error {
	if l.ctx.Err() != nil {
		return l.ctx.Err()
	}
	l.fail(source, err)
	return nil
}

func (l *loader) file(s source, o Options) error {
	f, err := s.open(o.Stdin)
	if err != nil {
		l.fail(s.name, err)
		return nil
	}
	defer func() { _ = f.Close() }() // Only read from: nothing can be lost.
	return documents(f, func(d document) error {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		at := fmt.Sprintf("%s document %d", s.name, d.number)
		l.here = inventory.Source{File: s.name, Document: d.number}
		if d.item > 0 {
			at += fmt.Sprintf(" item %d", d.item)
			l.here.Items = []int{d.item}
		}
		if d.err != nil {
			l.unparsed(at, d)
			return nil //nolint:nilerr // It has been told.
		}
		return l.object(d.raw, d.of, place{source: at, from: l.here, twice: d.twice}, 0)
	})
}

// place is where an object stands.
type place struct {
	source string
	from   inventory.Source
	// twice are the keys that its document has twice.
	twice []string
}

// object takes one object, or the items of a List. The items of a typed list need not repeat
// their kind, which is the list's then.
func (l *loader) object(raw []byte, of header, at place, depth int) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	var h header
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &h); err != nil {
		if of.Kind == "" && noObject(raw) {
			l.skipped++
			return nil
		}
		l.fail(at.source, fmt.Errorf("not a Kubernetes object: %s", decode.Plain(err)))
		return nil
	}
	if h.Kind == "" {
		h.Kind = of.Kind
	}
	if h.APIVersion == "" {
		h.APIVersion = of.APIVersion
	}
	if h.Kind == "" && h.APIVersion == "" || (h.Kind == "" || h.APIVersion == "") && !l.from.named {
		l.skipped++
		return nil
	}
	if h.Kind == "" || h.APIVersion == "" {
		l.fail(at.source, errors.New("not a Kubernetes object: apiVersion or kind is missing"))
		return nil
	}
	l.objects++
	kind, isList := strings.CutSuffix(h.Kind, "List")
	if !isList {
		return l.one(h, raw, at)
	}
	if depth == maxDepth {
		l.fail(at.source, fmt.Errorf("lists within lists, more than %d deep", maxDepth))
		return nil
	}
	item := header{Kind: kind, APIVersion: h.APIVersion}
	if kind == "" {
		item = header{}
	}
	for i, raw := range h.Items {
		inner := place{source: fmt.Sprintf("%s item %d", at.source, i+1), from: at.from, twice: at.twice}
		inner.from.Items = append(slices.Clone(at.from.Items), i+1)
		if err := l.object(raw, item, inner, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// noObject is true for JSON that is a list, a text or a number: a patch, or anybody's data.
func noObject(raw []byte) bool {
	text := strings.TrimSpace(string(raw[:min(len(raw), 64)]))
	return text != "" && text[0] != '{'
}

// one takes one object that is no List.
func (l *loader) one(h header, raw []byte, at place) error {
	raw, ok := l.substituted(h, raw, at)
	if !ok {
		return nil
	}
	if l.notRendered(h, raw, at) {
		l.known(h, raw, at)
		return nil
	}
	if o, ok := decode.OperatorFromChart(h.APIVersion, h.Kind, raw, l.namespace); ok {
		put(l, &l.charts, objectKey{h.Kind, o.Namespace, o.FoundBy}, o)
	}
	if i, ok := repository.Read(h.APIVersion, h.Kind, raw, l.namespace); ok {
		l.instruct(i, at)
		return nil
	}
	if err := l.add(h, raw, at); err != nil {
		l.fail(at.source, err)
	}
	return nil
}

// fail notes that something could not be read: as an error for the user, and as missing evidence
// for whoever judges the rest. Of very many, the last one says so.
func (l *loader) fail(source string, err error) { l.failIn("", source, err) }

// failIn is fail for what can only touch the databases of a namespace.
func (l *loader) failIn(namespace, source string, err error) {
	if len(l.errs) == MaxProblems {
		err = errors.New("there are more problems, which are not told one by one")
	}
	if len(l.errs) > MaxProblems {
		return
	}
	l.errs = append(l.errs, fmt.Errorf("%s: %w", source, err))
	l.inv.Missing = append(l.inv.Missing, inventory.Missing{
		Resource: "manifests", Scope: inventory.Only(namespace), Reason: inventory.Failed,
		Message: fmt.Sprintf("%s: %v", source, err),
		Remedy:  command.Words("correct the document, or leave it out"), At: l.hereIn(source),
	})
}

// hereIn is the place of what is being read, if that is what text is about.
func (l *loader) hereIn(text string) inventory.Source {
	if l.here.IsZero() || !strings.HasPrefix(text, l.here.String()) {
		return inventory.Source{}
	}
	return l.here
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
