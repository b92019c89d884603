package manifests

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests/repository"
)

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
