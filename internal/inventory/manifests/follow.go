package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests/repository"
)

// instruction is what Flux or Argo CD are told to apply of a folder, and who told them.
type instruction struct {
	by, source string
	// from is the file that says so, empty for the standard input.
	from   origin
	folder repository.Folder
}

// instruct notes what an object of Flux or Argo CD applies: folders are followed later, when all values of
// placeholders are known, and the rest is not rendered.
func (l *loader) instruct(i repository.Instruction, at place) {
	for _, folder := range i.Folders {
		if folder.Opaque != "" {
			l.unfollowed(i.By, at.source, folder, folder.Opaque)
			continue
		}
		l.pending = append(l.pending, instruction{i.By, at.source, l.from, folder})
	}
	for _, chart := range i.Charts {
		l.chart(i.By, at.source, chart, l.from)
	}
	if i.Generated != "" {
		l.unrendered = append(l.unrendered, unrendered{
			namespace: i.Namespace, why: "makes Applications that are not among the files", what: fmt.Sprintf("%s (%s)", i.By, at.source),
			remedy: "Render it first, and pass the result with -f -: " + i.Generated,
		})
	}
}

func (l *loader) unfollowed(by, source string, folder repository.Folder, why string) {
	namespace := folder.Overrides.Namespace
	if namespace == "" {
		namespace = folder.Namespace
	}
	l.unrendered = append(l.unrendered, unrendered{
		namespace: namespace, why: "applies what is not among the files", what: fmt.Sprintf("%s (%s)", by, source),
		detail: fmt.Sprintf("folder %q: %s", folder.Path, why),
		remedy: "Render it first, and pass the result with -f -: " + folder.Command,
	})
}

// operatorChart is the chart of the operator.
const operatorChart = "cloudnative-pg"

// chart notes a chart that somebody installs.
func (l *loader) chart(by, source string, chart repository.Chart, from origin) {
	if chart.Name == operatorChart {
		return // It makes no policies, and the operator has been noted.
	}
	if chart.Path != "" {
		if dir := l.find(chart.Path, from); dir != "" {
			l.visited[absolute(dir)] = true
		}
	}
	l.unrendered = append(l.unrendered, unrendered{
		namespace: chart.Namespace, why: "installs a chart that was not rendered", what: fmt.Sprintf("%s (%s)", by, source), detail: chart.Name,
		remedy: "Render it first, and pass the result with -f -: " + chart.Command,
	})
}

// followPending applies what Flux and Argo CD apply of the repository, and what that makes them apply. Who waits for values
// of placeholders comes last.
func (l *loader) followPending() error {
	for len(l.pending) > 0 {
		next := slices.IndexFunc(l.pending, func(i instruction) bool { return !l.waits(i.folder) })
		if next < 0 {
			next = 0
		}
		i := l.pending[next]
		l.pending = slices.Delete(l.pending, next, next+1)
		if err := l.follow(i); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) follow(i instruction) error {
	dir := l.find(i.folder.Path, i.from)
	if dir == "" {
		l.unfollowed(i.by, i.source, i.folder, "there is no such folder here")
		return nil
	}
	once := fmt.Sprintf("%s %s %+v %v", absolute(dir), i.folder.Namespace, i.folder.Overrides, i.folder.Substitute)
	if l.visited[once] {
		return nil
	}
	l.visited[once], l.visited[absolute(dir)] = true, true

	namespace, replaced, from := l.namespace, l.placeholders, l.from
	defer func() { l.namespace, l.placeholders, l.from = namespace, replaced, from }()
	if i.folder.Namespace != "" {
		l.namespace = i.folder.Namespace
	}
	l.placeholders = l.placeholdersOf(i.folder)
	l.from = origin{top: i.from.top}
	return l.apply(dir, i)
}

// apply reads the folder of an instruction.
func (l *loader) apply(dir string, i instruction) error {
	o := i.folder.Overrides
	if repository.KustomizationOf(dir) != nil {
		return l.build(dir, o, i.by)
	}
	if _, err := os.Stat(filepath.Join(dir, "Chart.yaml")); err == nil {
		l.chart(i.by, i.source, repository.Chart{Name: "chart " + dir, Namespace: i.folder.Namespace, Command: i.folder.Command}, i.from)
		return nil
	}
	t, err := repository.Walk(l.ctx, dir, i.folder.Recursive)
	if err != nil {
		return l.failed(dir, err)
	}
	l.skipped += t.Skipped
	if o.Namespace == "" && o.NamePrefix == "" && o.NameSuffix == "" && len(o.Patches)+len(o.Components) == 0 {
		return l.part(t, dir, func(string) bool { return true })
	}
	// Flux makes a kustomization of what is there.
	for _, path := range append(slices.Clone(t.Files), t.Roots()...) {
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return l.failed(path, err)
		}
		o.Resources = append(o.Resources, "./"+filepath.ToSlash(name))
	}
	return l.build(dir, o, i.by)
}
