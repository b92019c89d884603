package manifests

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
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

// tree reads a folder: what nobody else applies first, then what Flux and Argo CD apply of it.
func (l *loader) tree(t *repository.Tree) error {
	l.skipped += t.Skipped
	l.left = append(l.left, t.Left...)
	l.odd = append(l.odd, t.Odd...)
	l.from = origin{top: t.Root, root: t.Root}
	claims, err := l.claims(t)
	if err != nil {
		return err
	}
	unclaimed := func(path string) bool {
		path = absolute(path)
		return !slices.ContainsFunc(claims, func(dir string) bool { return within(path, dir) })
	}
	if err := l.part(t, t.Root, unclaimed); err != nil {
		return err
	}
	if err := l.followPending(); err != nil {
		return err
	}
	// What somebody would apply who is not applied himself.
	err = l.part(t, t.Root, func(path string) bool {
		if unclaimed(path) {
			return false
		}
		for dir := absolute(path); ; dir = filepath.Dir(dir) {
			if l.visited[dir] {
				return false
			}
			if dir == filepath.Dir(dir) {
				return true
			}
		}
	})
	if err != nil {
		return err
	}
	if err := l.followPending(); err != nil {
		return err
	}
	l.unused(t)
	return nil
}

// claims are the folders that instructions in a tree apply.
func (l *loader) claims(t *repository.Tree) ([]string, error) {
	var claims []string
	for _, file := range t.Instructive {
		f, err := os.Open(file)
		if err != nil {
			continue // It will be told when it is read.
		}
		err = documents(f, func(d document) error {
			if d.raw == nil {
				return l.ctx.Err()
			}
			h, ok := headerOf(d.raw)
			if !ok {
				return l.ctx.Err()
			}
			i, _ := repository.Read(h.APIVersion, h.Kind, d.raw, l.namespace)
			for _, folder := range i.Folders {
				at := origin{top: t.Root, root: t.Root, file: file}
				if dir := l.find(folder.Path, at); dir != "" {
					claims = append(claims, absolute(dir))
					if within(absolute(file), absolute(dir)) {
						// It applies itself: whoever reads the folder has to begin with it.
						l.pending = append(l.pending, instruction{i.By, file, at, folder})
					}
				}
			}
			return l.ctx.Err()
		})
		_ = f.Close() // Only read from.
		if err != nil {
			return nil, err
		}
	}
	return claims, nil
}

// part reads the files and builds the kustomizations of a tree that the filter lets through.
func (l *loader) part(t *repository.Tree, root string, wanted func(path string) bool) error {
	for _, file := range t.Files {
		if !wanted(file) {
			continue
		}
		l.from = origin{top: l.from.top, root: root, file: file}
		if err := l.file(source{file, fileSource}, Options{}); err != nil {
			return err
		}
	}
	for _, dir := range t.Roots() {
		if !wanted(dir) {
			continue
		}
		if err := l.build(dir, repository.Overrides{}, ""); err != nil {
			return err
		}
	}
	return nil
}

// build builds a kustomization and takes its objects. One that can't be built is not rendered.
func (l *loader) build(dir string, o repository.Overrides, by string) error {
	objects, err := repository.Build(l.ctx, dir, o)
	if l.ctx.Err() != nil {
		return l.ctx.Err()
	}
	if err != nil {
		u := unrendered{
			namespace: o.Namespace, why: "can't be built", what: "kustomization " + dir, detail: err.Error(),
			remedy: "Render it first, and pass the result with -f -: kubectl kustomize " + dir,
		}
		if by != "" {
			u.what += ", applied by " + by + ","
		}
		l.unrendered = append(l.unrendered, u)
		return l.unbuilt(dir, o.Namespace)
	}
	l.from = origin{top: l.from.top, root: dir}
	for _, object := range objects {
		at := "kustomization " + dir
		if l.from.file = object.Origin; object.Origin != "" {
			at = fmt.Sprintf("%s in kustomization %s", object.Origin, dir)
		}
		if err := l.object(object.JSON, header{}, place{source: at}, 0); err != nil {
			return err
		}
	}
	return nil
}

// unbuilt reads what has a namespace of its own in the folder of a kustomization that can't be built: that much is
// known of it. The posture of all of it is unknown.
func (l *loader) unbuilt(dir, namespace string) error {
	if k := repository.KustomizationOf(dir); namespace == "" && k != nil {
		namespace = k.Namespace
	}
	if namespace != "" {
		usual := l.namespace
		defer func() { l.namespace = usual }()
		l.namespace = namespace
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil //nolint:nilerr // The kustomization has been told.
	}
	for _, entry := range entries {
		switch filepath.Ext(entry.Name()) {
		case ".yaml", ".yml", ".json":
		default:
			continue
		}
		path := filepath.Join(dir, entry.Name())
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || repository.IsKustomization(entry.Name()) || l.visited["file "+absolute(path)] {
			continue
		}
		l.visited["file "+absolute(path)] = true
		l.from = origin{top: l.from.top, root: dir, file: path}
		if err := l.file(source{path, fileSource}, Options{}); err != nil {
			return err
		}
	}
	return nil
}

// besideKustomization notes a file that a kustomization changes which was not built.
func (l *loader) besideKustomization(file string) {
	k := repository.KustomizationOf(filepath.Dir(file))
	if k == nil || k.Err != nil || !k.Changes || !slices.Contains(k.Refs, filepath.Clean(file)) {
		return
	}
	l.unrendered = append(l.unrendered, unrendered{
		why: "is changed by a kustomization that was not built", what: fmt.Sprintf("%s, by %s", file, k.File),
		remedy: "Build it: -k " + k.Dir + " instead of -f " + file + ".",
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

// find is the folder of the repository that a path of an instruction means, empty when it is not there. The path is
// relative to the repository, whose top is where Git keeps its own files, or else the folder that was named.
func (l *loader) find(path string, from origin) string {
	path = filepath.FromSlash(strings.TrimPrefix(path, "/"))
	if path == "" {
		path = "."
	}
	if from.file == "" || !filepath.IsLocal(path) {
		return ""
	}
	for _, top := range tops(from) {
		dir := filepath.Join(top, path)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return ""
}

// tops are where the repository of a file may begin, the surest one first: where Git keeps its own files, then the
// folder that the user named, then any folder above the file.
func tops(from origin) []string {
	var above []string
	for dir := filepath.Dir(from.file); len(above) < repository.MaxDepth; dir = filepath.Join(dir, "..") {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return []string{dir}
		}
		above = append(above, dir)
		if absolute(dir) == absolute(filepath.Join(dir, "..")) {
			break
		}
	}
	if from.top != "" {
		return append([]string{from.top}, slices.DeleteFunc(above, func(dir string) bool { return !within(absolute(dir), absolute(from.top)) })...)
	}
	return above
}

// unused notes the charts that nobody installs here and whose templates make policies: somebody may install them with helm.
func (l *loader) unused(t *repository.Tree) {
	for _, dir := range t.Charts {
		if l.visited[absolute(dir)] || !makesPolicies(dir) {
			continue
		}
		l.unrendered = append(l.unrendered, unrendered{
			why: "makes policies and was not rendered", what: "chart " + dir,
			remedy: "Render it first, and pass the result with -f -: helm template " + dir,
		})
	}
}

// makesPolicies tells whether the templates of a chart have a policy of a kind that matters.
func makesPolicies(dir string) bool {
	errFound := errors.New("found")
	err := filepath.WalkDir(filepath.Join(dir, "templates"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // What can't be read has no templates.
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // As above.
		}
		for _, kind := range kindLine.FindAllSubmatch(text, -1) {
			for _, policy := range policyKinds() {
				if string(kind[1]) == string(policy) {
					return errFound
				}
			}
		}
		return nil
	})
	return errors.Is(err, errFound)
}

// headerOf reads apiVersion and kind; false when it is no object.
func headerOf(raw []byte) (header, bool) {
	h, err := decode.Header(raw)
	return header{APIVersion: h.APIVersion, Kind: h.Kind}, err == nil
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Clean(path)
}

// within tells whether a path is a folder or something in it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}
