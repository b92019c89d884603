package repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
)

// Tree is what a folder holds. Paths begin with the folder's own, as the user wrote it, and are in order.
type Tree struct {
	// Root is the folder.
	Root string
	// Files are those that may hold manifests and belong to nothing else: no kustomization, no chart.
	Files []string
	// Kustomizations are those of the folder and below it, by folder.
	Kustomizations map[string]*Kustomization
	// Charts are the folders of Helm charts.
	Charts []string
	// Left are files in the folder of a kustomization that it does not name: nobody applies them.
	Left []string
	// Instructive are the files, of whatever use, that may hold instructions for Flux or Argo CD.
	Instructive []string
	// Skipped counts the files of the right name that hold no objects at all.
	Skipped int
	// Odd says what was left out that somebody may miss: devices, pipes, links that lead out of the folder.
	Odd []string
}

// Walk looks through a folder and, if recursive, those below it. Folders of hidden names are passed over. The error
// is about the folder as a whole.
func Walk(ctx context.Context, root string, recursive bool) (*Tree, error) {
	w := &walker{ctx: ctx, tree: &Tree{Root: root, Kustomizations: map[string]*Kustomization{}}, recursive: recursive}
	if resolved, err := filepath.EvalSymlinks(root); err == nil {
		w.resolved = resolved
	}
	if err := w.folder(root, 0, ""); err != nil {
		return nil, fmt.Errorf("the path %q %w", root, err)
	}
	w.sort()
	return w.tree, nil
}

// walker walks one tree.
type walker struct {
	ctx       context.Context
	tree      *Tree
	recursive bool
	resolved  string
	seen      int
	candidate []string
}

// folder looks at the entries of one folder. chart is the chart that it is in, if any.
func (w *walker) folder(dir string, depth int, chart string) error {
	if depth > MaxDepth {
		return errTooDeep
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("can't be read: %w", err)
	}
	if w.seen += len(entries); w.seen > MaxFiles {
		return errTooManyFiles
	}
	if chart == "" && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "Chart.yaml" && !e.IsDir() }) {
		chart = dir
		w.tree.Charts = append(w.tree.Charts, dir)
	}
	for _, entry := range entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		path, mode := filepath.Join(dir, entry.Name()), entry.Type()
		if mode&fs.ModeSymlink != 0 {
			if mode, err = w.link(path); err != nil {
				w.tree.Odd = append(w.tree.Odd, fmt.Sprintf("%s: %v", path, err))
				continue
			}
		}
		switch {
		case mode.IsDir():
			if w.recursive && !strings.HasPrefix(entry.Name(), ".") {
				if err := w.folder(path, depth+1, chart); err != nil {
					return err
				}
			}
		case chart != "":
		case IsKustomization(entry.Name()):
			w.kustomization(dir, path, mode)
		case !manifestName(entry.Name()):
		case !mode.IsRegular():
			w.tree.Odd = append(w.tree.Odd, path+": is no file, and left out")
		default:
			w.candidate = append(w.candidate, path)
		}
	}
	return nil
}

// link is what a symbolic link to a file leads to. Links to folders are not followed, as in kubectl, and neither are those
// that lead out of the folder that was named.
func (w *walker) link(path string) (fs.FileMode, error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return 0, errors.New("is a link to nowhere, and left out")
	}
	if inside, err := filepath.Rel(w.resolved, target); err != nil || !filepath.IsLocal(inside) {
		return 0, errors.New("is a link that leads out of the folder, and left out")
	}
	info, err := os.Stat(target)
	if err != nil {
		return 0, errors.New("is a link to something that can't be read, and left out")
	}
	if info.IsDir() {
		return fs.ModeIrregular, nil // Its folder is walked where it stands.
	}
	return info.Mode().Type(), nil
}

func (w *walker) kustomization(dir, path string, mode fs.FileMode) {
	if !mode.IsRegular() {
		w.tree.Odd = append(w.tree.Odd, path+": is no file, and left out")
		return
	}
	if other := w.tree.Kustomizations[dir]; other != nil {
		other.Err = errors.New("there is more than one kustomization in the folder")
		return
	}
	w.tree.Kustomizations[dir] = readKustomization(dir, path)
}

// sort tells the files that are to be read from those that a kustomization is built from, and from those that are none.
func (w *walker) sort() {
	named := map[string]bool{}
	for _, k := range w.tree.Kustomizations {
		for _, ref := range k.Refs {
			named[ref] = true
		}
	}
	for _, path := range w.candidate {
		objects, instructions := look(path)
		if instructions {
			w.tree.Instructive = append(w.tree.Instructive, path)
		}
		switch _, built := w.tree.Kustomizations[filepath.Dir(path)]; {
		case named[path]:
		case !objects:
			w.tree.Skipped++
		case built:
			w.tree.Left = append(w.tree.Left, path)
		default:
			w.tree.Files = append(w.tree.Files, path)
		}
	}
}

// Roots are the folders of the kustomizations that no other one includes, in order. Components are none: they
// are parts by their nature. Of those that only include each other, the first one is a root: building it will
// tell.
func (t *Tree) Roots() []string {
	included := map[string]bool{}
	for _, k := range t.Kustomizations {
		for _, ref := range k.Refs {
			included[ref] = true
		}
	}
	var roots []string
	reached := map[string]bool{}
	var reach func(dir string)
	reach = func(dir string) {
		if k := t.Kustomizations[dir]; k != nil && !reached[dir] {
			reached[dir] = true
			for _, ref := range k.Refs {
				reach(ref)
			}
		}
	}
	dirs := slices.Sorted(maps.Keys(t.Kustomizations))
	for _, circular := range []bool{false, true} {
		for _, dir := range dirs {
			if t.Kustomizations[dir].Component || reached[dir] || included[dir] && !circular {
				continue
			}
			roots = append(roots, dir)
			reach(dir)
		}
	}
	slices.Sort(roots)
	return roots
}

// IsKustomization is true for the names that the file of a kustomization may have.
func IsKustomization(name string) bool {
	return slices.Contains(konfig.RecognizedKustomizationFileNames(), name)
}

func manifestName(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".json":
		return !strings.HasPrefix(name, ".")
	}
	return false
}

// look tells whether a file may hold an object or a template of one, and whether it may hold an instruction. An object
// has the word apiVersion somewhere, or kind at the beginning of a line. A repository is full of YAML and JSON that has
// nothing to do with Kubernetes, and parsing all of it would cost more than everything else. What can't be read or is
// very large is not passed over in silence.
func look(path string) (objects, instructions bool) {
	text, err := readFile(path)
	if err != nil || bytes.IndexByte(text, 0) >= 0 { // UTF-16, or no text at all.
		return true, false
	}
	objects = bytes.Contains(text, []byte("apiVersion")) || bytes.HasPrefix(text, []byte("kind:")) || bytes.Contains(text, []byte("\nkind:"))
	return objects, objects && instructive(text)
}
