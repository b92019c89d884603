package repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// guard is the file system that a build sees: the files of the disk, read only, within limits, and with kustomizations that
// name files alone. Kustomize takes some names for repositories to clone and some for addresses to fetch, before it looks
// whether there is such a file; a name that begins with "./" it takes for a file.
type guard struct {
	filesys.FileSystem
	ctx   context.Context
	root  string
	shown string
	// overrides are added to the kustomization of root.
	overrides Overrides
	// err is the first reason to refuse something. Kustomize goes on after some errors, and hides some behind others.
	err          error
	reads, bytes int
	included     map[string]int
}

var errReadOnly = errors.New("a build changes nothing")

func (g *guard) Create(string) (filesys.File, error) { return nil, errReadOnly }
func (g *guard) Mkdir(string) error                  { return errReadOnly }
func (g *guard) MkdirAll(string) error               { return errReadOnly }
func (g *guard) RemoveAll(string) error              { return errReadOnly }
func (g *guard) WriteFile(string, []byte) error      { return errReadOnly }
func (g *guard) Open(name string) (filesys.File, error) {
	return nil, fmt.Errorf("%s is not opened", name)
}

// Exists knows the kustomization that root may not have.
func (g *guard) Exists(path string) bool { return g.virtual(path) || g.FileSystem.Exists(path) }

// CleanedAbs knows it, too.
func (g *guard) CleanedAbs(path string) (filesys.ConfirmedDir, string, error) {
	if g.virtual(path) {
		return filesys.ConfirmedDir(g.root), filepath.Base(path), nil
	}
	return g.FileSystem.CleanedAbs(path)
}

// virtual is true for the file that makes a folder without a kustomization one.
func (g *guard) virtual(path string) bool {
	return len(g.overrides.Resources) > 0 && path == filepath.Join(g.root, konfig.DefaultKustomizationFileName())
}

// ReadFile reads a file, within limits. A kustomization is read with names that can't be taken for anything but files.
func (g *guard) ReadFile(path string) ([]byte, error) {
	if err := g.ctx.Err(); err != nil {
		return nil, err
	}
	if g.virtual(path) {
		return g.kustomization(path, nil)
	}
	if !g.FileSystem.Exists(path) {
		return g.FileSystem.ReadFile(path) // The error that kustomize expects, of a name that it only tries.
	}
	text, err := readFile(path)
	if err != nil {
		return nil, g.refuse(err)
	}
	if g.reads, g.bytes = g.reads+1, g.bytes+len(text); g.reads > MaxBuildReads || g.bytes > MaxBuildBytes {
		return nil, g.refuse(errors.New("it includes more than is built: name a part of it"))
	}
	if IsKustomization(filepath.Base(path)) {
		g.included[path]++
		if g.included[path] > MaxIncluded {
			return nil, g.refuse(fmt.Errorf("it includes %s more than %d times", path, MaxIncluded))
		}
		return g.kustomization(path, text)
	}
	if bytes.Contains(text, []byte("builtin")) && bytes.Contains(text, []byte("://")) {
		// The configuration of a transformer or generator may name an address, too.
		for _, part := range bytes.Split(text, []byte("\n---")) {
			var fields map[string]any
			if err := unmarshal(part, &fields); err == nil && fields["apiVersion"] == "builtin" {
				if address := remoteIn(fields); address != "" {
					return nil, g.refuse(g.elsewhere(path, address))
				}
			}
		}
	}
	return text, nil
}

func (g *guard) refuse(err error) error {
	if g.err == nil {
		g.err = fmt.Errorf("%s", g.relative(err.Error()))
	}
	return err
}

// relative is text with paths as the user wrote them.
func (g *guard) relative(text string) string {
	text = strings.ReplaceAll(text, g.root, g.shown)
	for outer, shown := filepath.Dir(g.root), filepath.Join(g.shown, ".."); outer != filepath.Dir(outer); outer, shown = filepath.Dir(outer), filepath.Join(shown, "..") {
		text = strings.ReplaceAll(text, outer+string(filepath.Separator), shown+string(filepath.Separator))
	}
	return text
}

func (g *guard) elsewhere(path, name string) error {
	return fmt.Errorf("%s includes %q, which is not among the files and is not fetched", path, name)
}

// kustomization is the text of a kustomization with the names of files alone, and of root's with the overrides.
func (g *guard) kustomization(path string, text []byte) ([]byte, error) {
	fields := map[string]any{}
	if err := unmarshal(text, &fields); err != nil {
		return nil, g.refuse(fmt.Errorf("%s: %w", path, err))
	}
	dir := filepath.Dir(path)
	if dir == g.root {
		g.overrides.apply(fields)
	}
	modern(fields, func(name string) bool { return g.FileSystem.Exists(filepath.Join(dir, filepath.FromSlash(name))) })
	for _, key := range []string{"resources", "components", "generators", "transformers", "validators"} {
		list, _ := fields[key].([]any)
		for i, entry := range list {
			name, ok := entry.(string)
			if !ok || strings.Contains(name, "\n") {
				continue // Not a name: written out in place.
			}
			local, err := g.local(path, name)
			if err != nil {
				return nil, g.refuse(err)
			}
			list[i] = local
		}
	}
	if address := remoteIn(fields); address != "" {
		return nil, g.refuse(g.elsewhere(path, address))
	}
	return marshal(fields)
}

// local is the name of a file or folder in a form that can't be taken for anything else.
func (g *guard) local(path, name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil // Kustomize refuses it.
	}
	if _, err := os.Lstat(filepath.Join(filepath.Dir(path), filepath.FromSlash(name))); err != nil {
		return "", g.elsewhere(path, name)
	}
	if strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") || name == "." || name == ".." {
		return name, nil
	}
	return "./" + name, nil
}

// remoteIn is the first address that a value names anywhere, and empty when it names none. What is only text is
// not looked at.
func remoteIn(value any) string {
	switch value := value.(type) {
	case string:
		if strings.Contains(value, "\n") {
			var inner any
			if err := unmarshal([]byte(value), &inner); err != nil {
				return ""
			}
			if _, text := inner.(string); text {
				return ""
			}
			return remoteIn(inner)
		}
		if _, file, ok := strings.Cut(value, "="); ok && isAddress(file) {
			return file
		}
		if isAddress(value) {
			return value
		}
	case []any:
		for _, one := range value {
			if found := remoteIn(one); found != "" {
				return found
			}
		}
	case map[string]any:
		for _, key := range sortedKeys(value) {
			if isText(key) {
				continue
			}
			if found := remoteIn(value[key]); found != "" {
				return found
			}
		}
	}
	return ""
}

// isText is true for fields of kustomizations and of the configurations of transformers that hold no names of files.
func isText(field string) bool {
	switch field {
	case "commonAnnotations", "annotations", "commonLabels", "labels", "pairs", "literals", "patch", "metadata", "images", "buildMetadata", "value":
		return true
	}
	return false
}

// isAddress is what kustomize fetches (IsRemoteFile in api/internal/loader).
func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
