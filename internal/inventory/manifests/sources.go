package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// source is something to read: a file, the standard input, a folder, or a kustomization.
type source struct {
	// name is the path as the user would write it, or "stdin".
	name string
	kind sourceKind
}

type sourceKind int

const (
	fileSource sourceKind = iota
	stdinSource
	folderSource
	kustomizeSource
)

// findSources expands files, directories and patterns in the order of the command line, as
// kubectl does, and kustomizations after them.
func findSources(o Options) ([]source, error) {
	if len(o.Filenames)+len(o.Kustomizations) == 0 {
		return nil, errors.New("no manifests named: use -f with a file, a directory or - for the standard input, or -k with a kustomization")
	}
	var sources []source
	var errs []error
	for _, name := range o.Filenames {
		switch {
		case name == "":
			errs = append(errs, errors.New("the name of a file is empty: give -f a file, a directory or - for the standard input"))
		case name == "-":
			sources = append(sources, source{inventory.Stdin, stdinSource})
		case isURL(name):
			errs = append(errs, fmt.Errorf("%q is a URL, which is not read: download it first", name))
		default:
			found, err := expand(name)
			if err != nil {
				errs = append(errs, err)
			}
			sources = append(sources, found...)
		}
	}
	for _, name := range o.Kustomizations {
		switch info, err := os.Stat(name); {
		case name == "":
			errs = append(errs, errors.New("the name of a kustomization is empty: give -k its directory"))
		case isURL(name):
			errs = append(errs, fmt.Errorf("%q is a URL, which is not read: download it first", name))
		case err != nil:
			errs = append(errs, fmt.Errorf("the kustomization %q does not exist", name))
		case !info.IsDir():
			errs = append(errs, fmt.Errorf("%q is no directory: give -k the directory of a kustomization", name))
		default:
			sources = append(sources, source{name, kustomizeSource})
		}
	}
	return sources, errors.Join(errs...)
}

func isURL(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://")
}

// expand lists the files and folders that a path or a pattern stands for.
func expand(pattern string) ([]source, error) {
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
	var sources []source
	var errs []error
	for _, path := range paths {
		switch info, err := os.Stat(path); {
		case err != nil:
			errs = append(errs, fmt.Errorf("the path %q can't be read: %w", path, err))
		case info.IsDir():
			sources = append(sources, source{path, folderSource})
		case isDevice(path, info):
			errs = append(errs, fmt.Errorf("%q is a device, which is not read: name a file, a directory or - for the standard input", path))
		case info.Mode()&fs.ModeSocket != 0:
			errs = append(errs, fmt.Errorf("%q is a socket, which is not read: name a file, a directory or - for the standard input", path))
		default:
			sources = append(sources, source{path, fileSource})
		}
	}
	return sources, errors.Join(errs...)
}

// isDevice is true for devices but those that stand for nothing, or for the standard input.
func isDevice(path string, info fs.FileInfo) bool {
	return info.Mode()&fs.ModeDevice != 0 && path != os.DevNull && path != "/dev/stdin" &&
		!strings.HasPrefix(path, "/dev/fd/") && !strings.HasPrefix(path, "/dev/tty")
}

// open opens a file, or the standard input.
func (s source) open(stdin io.Reader) (io.ReadCloser, error) {
	if s.kind != stdinSource {
		f, err := os.Open(s.name)
		if err != nil {
			return nil, fmt.Errorf("can't be read: %w", plainPath(err))
		}
		return f, nil
	}
	if stdin == nil {
		stdin = bytes.NewReader(nil)
	}
	return io.NopCloser(stdin), nil
}

// plainPath is an error about a file without its name, which stands before it already.
func plainPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
