package test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/expect"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
)

// stdin is the name of the standard input in results.
const stdin = "stdin"

// read reads the files and folders that the arguments name. Of a folder, it takes what says that it holds expectations,
// and nothing else. The error joins all that is wrong.
func read(arguments []string, in io.Reader) ([]expect.Expectation, error) {
	var all []expect.Document
	var errs []error
	for _, name := range arguments {
		documents, err := readArgument(name, in)
		all, errs = append(all, documents...), append(errs, err)
	}
	expectations, err := expect.Decode(all)
	return expectations, errors.Join(append(errs, err)...)
}

func readArgument(name string, in io.Reader) ([]expect.Document, error) {
	switch info, err := os.Stat(name); {
	case name == "-":
		return readFrom(stdin, in, false)
	case strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://"):
		return nil, fmt.Errorf("%q is a URL, which is not read: download it first", name)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the file %q does not exist: name files of expectations, folders that have some, or - for the standard input", name)
	case err != nil:
		return nil, fmt.Errorf("the file %q can't be read: %w", name, err)
	case info.IsDir():
		return readFolder(name)
	}
	return readFile(name, false)
}

// readFolder reads what is in a folder and below it, hidden folders excepted.
func readFolder(name string) ([]expect.Document, error) {
	var all []expect.Document
	var errs []error
	err := filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("the folder %q can't be read: %w", path, err))
			return nil
		case entry.IsDir() && path != name && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !entry.Type().IsRegular() || !slices.Contains(resource.FileExtensions, filepath.Ext(path)):
			return nil
		}
		documents, err := readFile(path, true)
		all, errs = append(all, documents...), append(errs, err)
		return nil
	})
	if errs = append(errs, err); len(all) == 0 && errors.Join(errs...) == nil {
		errs = append(errs, fmt.Errorf("no file in the folder %q holds expectations (kind: %s)", name, v1alpha1.ExpectationsKind))
	}
	return all, errors.Join(errs...)
}

func readFile(name string, among bool) ([]expect.Document, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the file %q can't be read: %w", name, err)
	}
	documents, err := readFrom(name, file, among)
	return documents, errors.Join(err, file.Close())
}

// readFrom reads documents. Among others, those that don't say that they hold expectations are passed over, and so is what
// can't be read, unless it mentions them.
func readFrom(name string, from io.Reader, among bool) ([]expect.Document, error) {
	read, err := manifests.Documents(from)
	var all []expect.Document
	errs := []error{err}
	for _, d := range read {
		switch {
		case d.Err != nil && among && !bytes.Contains(d.Text, []byte(v1alpha1.ExpectationsKind)):
		case d.Err != nil:
			errs = append(errs, fmt.Errorf("%s document %d: %w", name, d.Number, d.Err))
		case !among || expect.Is(d.JSON):
			all = append(all, expect.Document{File: name, Number: d.Number, JSON: d.JSON, Twice: d.Twice})
		}
	}
	if len(read) == 0 && err == nil && !among {
		errs = append(errs, fmt.Errorf("%s is empty: expectations have apiVersion: %s and kind: %s", name, v1alpha1.APIVersion, v1alpha1.ExpectationsKind))
	}
	return all, errors.Join(errs...)
}
