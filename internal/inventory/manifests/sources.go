package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
	"k8s.io/cli-runtime/pkg/resource"
)

// source is something to read: a file or the standard input.
type source struct {
	// name is the path as the user would write it, or "stdin".
	name string
	open func() (io.ReadCloser, error)
}

// findSources expands files, directories and patterns in the order of the command line, as
// kubectl does: of a directory the files that end in .json, .yaml or .yml count.
func findSources(o Options) ([]source, error) {
	if o.Kustomize != "" {
		return nil, fmt.Errorf("kustomization %q can't be read: build it first and pass the result with -f -", o.Kustomize)
	}
	if len(o.Filenames) == 0 {
		return nil, errors.New("no manifests named: use -f with a file, a directory or - for the standard input")
	}
	var sources []source
	var errs []error
	for _, name := range o.Filenames {
		switch {
		case name == "-":
			sources = append(sources, source{name: "stdin", open: func() (io.ReadCloser, error) {
				if o.Stdin == nil {
					return io.NopCloser(bytes.NewReader(nil)), nil
				}
				return io.NopCloser(o.Stdin), nil
			}})
		case strings.HasPrefix(name, "http://"), strings.HasPrefix(name, "https://"):
			errs = append(errs, fmt.Errorf("%q is a URL, which is not read: download it first", name))
		default:
			files, err := expand(name, o.Recursive)
			if err != nil {
				errs = append(errs, err)
			}
			for _, f := range files {
				sources = append(sources, source{name: f, open: func() (io.ReadCloser, error) { return os.Open(f) }})
			}
		}
	}
	return sources, errors.Join(errs...)
}

// expand lists the files that a path or a pattern stands for.
func expand(pattern string, recursive bool) ([]string, error) {
	paths := []string{pattern}
	if _, err := os.Stat(pattern); errors.Is(err, os.ErrNotExist) {
		paths, err = filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("pattern %q is not valid: %w", pattern, err)
		}
		if len(paths) == 0 {
			return nil, fmt.Errorf("the path %q does not exist", pattern)
		}
	}
	var files []string
	var errs []error
	for _, path := range paths {
		visitors, err := resource.ExpandPathsToFileVisitors(nil, path, recursive, resource.FileExtensions, nil)
		if err != nil {
			errs = append(errs, fmt.Errorf("the path %q can't be read: %w", path, err))
		}
		for _, v := range visitors {
			if file, ok := v.(*resource.FileVisitor); ok {
				files = append(files, file.Path)
			}
		}
	}
	return files, errors.Join(errs...)
}

// read returns the whole text in UTF-8; a byte order mark says what it is, as in kubectl.
func (s source) read() ([]byte, error) {
	f, err := s.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from: nothing can be lost
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("%s can't be read: %w", s.name, err)
	}
	if !hasByteOrderMark(data) {
		return data, nil
	}
	data, _, err = transform.Bytes(unicode.BOMOverride(unicode.UTF8.NewDecoder()), data)
	if err != nil {
		return nil, fmt.Errorf("%s can't be read as text: %w", s.name, err)
	}
	return data, nil
}

func hasByteOrderMark(data []byte) bool {
	return bytes.HasPrefix(data, []byte{0xef, 0xbb, 0xbf}) ||
		bytes.HasPrefix(data, []byte{0xfe, 0xff}) || bytes.HasPrefix(data, []byte{0xff, 0xfe})
}
