package object

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/util/jsonpath"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// Columns is the printer of kubectl's -o custom-columns: a line for each item of a list, or for the one
// object. It is written anew because the original (k8s.io/kubectl/pkg/cmd/get) brings all of
// kubectl get with it: 27 packages, 2 MB, and 5 MB that are allocated at every start. Specification,
// headers, "<none>" and the table are the original's.
type Columns struct {
	headers []string
	paths   []*jsonpath.JSONPath
}

// NewColumns reads a specification as in "NAME:.metadata.name,POSTURE:.posture".
func NewColumns(spec string) (*Columns, error) {
	var headers, paths []string
	var errs []error
	for _, column := range strings.Split(spec, ",") {
		header, path, found := strings.Cut(column, ":")
		if !found {
			errs = append(errs, fmt.Errorf("%q is no column: write HEADER:JSONPATH, as in NAME:.metadata.name", column))
		}
		headers, paths = append(headers, header), append(paths, path)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return newColumns(headers, paths)
}

// NewColumnsFromFile reads the content of a file whose first line has the headers and whose second
// line has the paths.
func NewColumnsFromFile(content string) (*Columns, error) {
	first, rest, _ := strings.Cut(content, "\n")
	second, _, _ := strings.Cut(rest, "\n")
	headers, paths := strings.Fields(first), strings.Fields(second)
	if len(headers) == 0 || len(headers) != len(paths) {
		return nil, fmt.Errorf("headers in the first line: %d, paths in the second: %d; write one path below each header", len(headers), len(paths))
	}
	return newColumns(headers, paths)
}

func newColumns(headers, paths []string) (*Columns, error) {
	// As kubectl takes them: with and without braces, with and without the first dot.
	relaxed := regexp.MustCompile(`^\{\.?([^{}]+)\}$|^\.?([^{}]+)$`)
	c := &Columns{headers: headers}
	var errs []error
	for i, path := range paths {
		parser := jsonpath.New(headers[i]).AllowMissingKeys(true)
		parts := relaxed.FindStringSubmatch(path)
		if parts == nil {
			errs = append(errs, fmt.Errorf("column %q: %q is no JSONPath: write one as in .metadata.name", headers[i], path))
			continue
		}
		if err := parser.Parse("{." + parts[1] + parts[2] + "}"); err != nil {
			errs = append(errs, fmt.Errorf("column %q: %w", headers[i], err))
		}
		c.paths = append(c.paths, parser)
	}
	return c, errors.Join(errs...)
}

// PrintObj writes a table with a header.
func (c *Columns) PrintObj(object runtime.Object, out io.Writer) error {
	w := printers.GetNewTabWriter(out)
	fmt.Fprintln(w, strings.Join(c.headers, "\t"))
	items := []runtime.Object{object}
	if meta.IsListType(object) {
		var err error
		if items, err = meta.ExtractList(object); err != nil {
			return err
		}
	}
	for _, item := range items {
		row, err := c.row(item)
		if err != nil {
			return err
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

func (c *Columns) row(object runtime.Object) ([]string, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, err
	}
	row := make([]string, len(c.paths))
	for i, path := range c.paths {
		found, err := path.FindResults(content)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", c.headers[i], err)
		}
		var values []string
		for _, results := range found {
			for _, value := range results {
				values = append(values, terminal.Escape(fmt.Sprint(value.Interface())))
			}
		}
		row[i] = strings.Join(values, ",")
		if len(found) == 0 || len(found[0]) == 0 {
			row[i] = strings.Join(append([]string{"<none>"}, values...), ",")
		}
	}
	return row, nil
}
