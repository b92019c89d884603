package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Object is one object of a build.
type Object struct {
	// JSON is the object.
	JSON []byte
	// Origin is the file that it was made from, empty for what a generator makes.
	Origin string
}

// Overrides are what Flux and Argo CD add to a kustomization before they build it.
type Overrides struct {
	Namespace, NamePrefix, NameSuffix string
	// Patches are as in a kustomization, and Components are relative to its folder.
	Patches    []any
	Components []string
	// Resources make up the kustomization of a folder that has none; relative to the folder.
	Resources []string
}

// Build builds the kustomization of a folder as kubectl kustomize does: no plugin, no command, no chart, nothing from outside
// of the files that it may include. What it names elsewhere is refused by name, before anything is fetched.
func Build(ctx context.Context, dir string, o Overrides) ([]Object, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if absolute, err = filepath.EvalSymlinks(absolute); err != nil {
		return nil, fmt.Errorf("folder %q can't be read: %w", dir, err)
	}
	g := &guard{FileSystem: filesys.MakeFsOnDisk(), ctx: ctx, root: absolute, shown: dir, overrides: o, included: map[string]int{}}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(g, absolute)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case g.err != nil:
		return nil, g.err
	case err != nil:
		return nil, fmt.Errorf("%s", g.relative(plainError(err)))
	}
	var objects []Object
	for _, one := range built.Resources() {
		object, err := toObject(dir, one)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// toObject takes the origin out of what was built: nobody wrote it there.
func toObject(dir string, one *resource.Resource) (Object, error) {
	var object Object
	if origin, err := one.GetOrigin(); err == nil && origin != nil && origin.Path != "" {
		object.Origin = filepath.Join(dir, filepath.FromSlash(origin.Path))
	}
	if err := one.SetOrigin(nil); err != nil {
		return Object{}, err
	}
	var err error
	object.JSON, err = one.MarshalJSON()
	return object, err
}

// plainError is the last part of what kustomize says: before it stand all kustomizations on the way there.
func plainError(err error) string {
	text := strings.TrimSpace(err.Error())
	if i := strings.LastIndex(text, "accumulating resources from"); i > 0 {
		text = text[i:]
	}
	return strings.Join(strings.Fields(text), " ")
}

// marshal is a kustomization in the form that it is handed to kustomize in.
func marshal(fields map[string]any) ([]byte, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return text, nil
}
