package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests/repository"
)

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
			remedy: "Render it first, and pass the result with -f -:", kustomize: dir,
		}
		if by != "" {
			u.what += ", applied by " + by + ","
		}
		l.unrendered = append(l.unrendered, u)
		return l.unbuilt(dir, o.Namespace)
	}
	l.from = origin{top: l.from.top, root: dir}
	for _, object := range objects {
		l.from.file = object.Origin
		l.here = inventory.Source{File: object.Origin, Kustomization: dir}
		if err := l.object(object.JSON, header{}, place{source: l.here.String(), from: l.here}, 0); err != nil {
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
		return nil // The kustomization has been told.
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

// headerOf reads apiVersion and kind; false when it is no object.
func headerOf(raw []byte) (header, bool) {
	h, err := decode.Header(raw)
	return header{APIVersion: h.APIVersion, Kind: h.Kind}, err == nil
}
