package recorded_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/recorded"
)

func recording(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile("../testdata/flows-open.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func zipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read is what flows know of the content, as a file and as stdin: the same.
func read(t *testing.T, content []byte) (observe.Coverage, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "flows")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	coverage := func(name string) (observe.Coverage, error) {
		flows := observe.NewFlows(observe.MembersOf(&inventory.Inventory{}), "test", time.Time{})
		err := recorded.Read(t.Context(), name, bytes.NewReader(content), flows)
		return flows.Evidence().Coverage[0], err
	}
	of, err := coverage(file)
	piped, pipedErr := coverage("-")
	if of.Events != piped.Events || of.Unread != piped.Unread || (err == nil) != (pipedErr == nil) {
		t.Errorf("the file has %+v, %v; stdin %+v, %v", of, err, piped, pipedErr)
	}
	return of, err
}

func TestRead(t *testing.T) {
	plain := recording(t)
	whole := zipped(t, plain)
	for name, test := range map[string]struct {
		content []byte
		events  uint64
		gap     string
	}{
		"nothing":             {nil, 0, ""},
		"lines":               {plain, 33, ""},
		"no break at the end": {bytes.TrimSpace(plain), 33, ""},
		"carriage returns":    {bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n")), 33, ""},
		"gzip":                {whole, 33, ""},
		"several members":     {append(bytes.Clone(whole), whole...), 66, ""},
		"gzip, cut off":       {whole[:len(whole)-9], 33, "unexpected EOF"},
		"a long line":         {append(bytes.Repeat([]byte("x"), 1<<20+1), append([]byte("\n"), plain...)...), 33, "line 1: longer than 1048576 bytes"},
		"a hostile line":      {append([]byte("\x1b[2J\n"), plain...), 33, "line 1: "},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := read(t, test.content)
			if err != nil || c.Events != test.events || (test.gap == "") != (c.Unread == 0) || !strings.Contains(c.Unreadable, test.gap) {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

func TestFilesThatCantBeRead(t *testing.T) {
	flows := observe.NewFlows(observe.MembersOf(&inventory.Inventory{}), "test", time.Time{})
	folder := t.TempDir()
	err := recorded.Read(t.Context(), filepath.Join(folder, "none"), nil, flows)
	if !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "the flows can't be read: open ") {
		t.Errorf("%v", err)
	}
	if err := recorded.Read(t.Context(), folder, nil, flows); err == nil || !strings.HasPrefix(err.Error(), `the flows of "`) || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("%v", err)
	}
	if _, err := read(t, []byte("\x1f\x8bnothing of the kind")); err == nil || !strings.HasSuffix(err.Error(), "gzip: invalid header") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := recorded.Read(ctx, "-", bytes.NewReader(recording(t)), flows); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
