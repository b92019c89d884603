package repository

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// Kustomization is a kustomization file, as far as it says what belongs to it.
type Kustomization struct {
	// Dir is the folder, and File the file in it.
	Dir, File string
	// Component is true for a part that only others include.
	Component bool
	// Namespace is the one that it gives to its objects; empty when it gives none.
	Namespace string
	// Refs are the files and folders that it is made of.
	Refs []string
	// Changes is true when the objects are not as their files have them.
	Changes bool
	// Err says why the file can't be read.
	Err error
}

// readKustomization reads a kustomization. What can't be read is one with an error.
func readKustomization(dir, path string) *Kustomization {
	k := &Kustomization{Dir: dir, File: path}
	text, err := readFile(path)
	if err != nil {
		k.Err = err
		return k
	}
	var fields types.Kustomization
	if err := unmarshal(text, &fields); err != nil {
		k.Err = fmt.Errorf("%s is no kustomization: %w", path, err)
		return k
	}
	k.Component = fields.Kind == types.ComponentKind
	k.Namespace = fields.Namespace
	k.Changes = changes(&fields)
	for _, ref := range references(&fields) {
		if ref != "" && !strings.Contains(ref, "\n") && !strings.Contains(ref, "://") {
			k.Refs = append(k.Refs, filepath.Join(dir, filepath.FromSlash(ref)))
		}
	}
	return k
}

// KustomizationOf is the kustomization of a folder, nil when there is none.
func KustomizationOf(dir string) *Kustomization {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return readKustomization(dir, path)
		}
	}
	return nil
}

// changes tells whether a kustomization does more than to put objects together.
func changes(k *types.Kustomization) bool {
	deprecated := len(k.CommonLabels) + len(k.PatchesJson6902) + len(k.PatchesStrategicMerge) + len(k.Vars) //nolint:staticcheck // Deprecated, and still there.
	return deprecated+len(k.Labels)+len(k.Patches)+len(k.Components)+len(k.Transformers)+len(k.Replacements)+len(k.Replicas) > 0 ||
		k.Namespace != "" || k.NamePrefix != "" || k.NameSuffix != ""
}

// references are the files and folders that a kustomization names.
func references(k *types.Kustomization) []string {
	var refs []string
	for _, list := range [][]string{k.Resources, k.Components, k.Crds, k.Configurations, k.Generators, k.Transformers, k.Validators, k.Bases} { //nolint:staticcheck // Bases are deprecated, and still there.
		refs = append(refs, list...)
	}
	for _, patch := range append(append([]types.Patch{}, k.Patches...), k.PatchesJson6902...) { //nolint:staticcheck // As above.
		refs = append(refs, patch.Path)
	}
	for _, patch := range k.PatchesStrategicMerge { //nolint:staticcheck // As above.
		refs = append(refs, string(patch))
	}
	for _, replacement := range k.Replacements {
		refs = append(refs, replacement.Path)
	}
	refs = append(refs, k.OpenAPI["path"])
	sources := make([]types.KvPairSources, 0, len(k.ConfigMapGenerator)+len(k.SecretGenerator))
	for i := range k.ConfigMapGenerator {
		sources = append(sources, k.ConfigMapGenerator[i].KvPairSources)
	}
	for i := range k.SecretGenerator {
		sources = append(sources, k.SecretGenerator[i].KvPairSources)
	}
	for _, s := range sources {
		for _, file := range append(append([]string{}, s.FileSources...), append(s.EnvSources, s.EnvSource)...) {
			if _, path, ok := strings.Cut(file, "="); ok {
				file = path
			}
			refs = append(refs, file)
		}
	}
	return refs
}

// readFile reads a regular file that is not too large.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", path)
	case info.Size() > MaxFile:
		return nil, fmt.Errorf("%s is larger than %d MB", path, MaxFile>>20)
	}
	return os.ReadFile(path)
}

// unmarshal reads YAML. The YAML library reports some broken input by a panic of its own.
func unmarshal(text []byte, into any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not valid YAML: %v", r)
		}
	}()
	if err := yaml.Unmarshal(text, into); err != nil {
		return errors.New(oneLine(err.Error()))
	}
	return nil
}

// oneLine is text without breaks of lines, and without the prefixes of the YAML library.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, prefix := range []string{"error converting YAML to JSON: ", "error unmarshaling JSON: ", "yaml: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}
