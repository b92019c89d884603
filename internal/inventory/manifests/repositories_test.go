package manifests

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

var update = flag.Bool("update", false, "write the golden files")

// unpack writes the files of an archive into a folder.
func unpack(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range archive.Files {
		path := filepath.Join(dir, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// summary is what was found in a repository, in a form that people can check.
func summary(inv *inventory.Inventory, notes []string, err error) string {
	var b strings.Builder
	for _, note := range notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	if inv != nil {
		for _, c := range inv.Clusters {
			fmt.Fprintf(&b, "cluster %s/%s with %d instances\n", c.Namespace, c.Name, c.Spec.Instances)
		}
		for _, p := range inv.Poolers {
			fmt.Fprintf(&b, "pooler %s/%s\n", p.Namespace, p.Name)
		}
		for _, p := range inv.Policies {
			fmt.Fprintf(&b, "policy %s from %s\n", p.PolicyReference, p.Source)
		}
		for _, p := range inv.Pods {
			if p.Workload.Kind != "cluster" {
				fmt.Fprintf(&b, "pod %s/%s\n", p.Namespace, p.Name)
			}
		}
		for _, o := range inv.Operators {
			fmt.Fprintf(&b, "operator in %s, found by %s\n", o.Namespace, o.FoundBy)
		}
		for _, m := range inv.Missing {
			where := m.Scope.Namespace
			if where == "" {
				where = "everywhere"
			}
			fmt.Fprintf(&b, "missing %s, %s, %s: %s\n  -> %s\n", m.Reason, m.Resource, where, m.Message, m.Remedy)
		}
	}
	if err != nil {
		fmt.Fprintf(&b, "error: %v\n", err)
	}
	return b.String()
}

// Each archive is a repository. Its comment has the arguments of the run and what it is about; what was found is in "want".
func TestRepositories(t *testing.T) {
	archives, err := filepath.Glob("testdata/repositories/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(err, len(archives))
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := unpack(t, archive)
			arguments, _, _ := strings.Cut(string(archive.Comment), "\n")
			o := Options{}
			var notes []string
			o.Note = func(line string) { notes = append(notes, line) }
			words := strings.Fields(arguments)
			for i, word := range words {
				switch word {
				case "-R":
					o.Recursive = true
				case "-f":
					o.Filenames = append(o.Filenames, filepath.Join(dir, words[i+1]))
				case "-k":
					o.Kustomizations = append(o.Kustomizations, filepath.Join(dir, words[i+1]))
				}
			}
			inv, err := Load(context.Background(), o)
			got := strings.ReplaceAll(summary(inv, notes, err), dir, "REPO")
			for i := range archive.Files {
				f := &archive.Files[i]
				if f.Name != "want" {
					continue
				}
				if *update {
					f.Data = []byte(got)
					if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if d := cmp.Diff(string(f.Data), got); d != "" {
					t.Error(d)
				}
				return
			}
			t.Fatal("no file want in the archive")
		})
	}
}

// What means harm costs one line, little memory, and nothing outside of the folder.
func TestHostileRepositories(t *testing.T) {
	const policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}}\n"
	for name, tc := range map[string]struct {
		archive string
		prepare func(t *testing.T, dir string)
		want    string
	}{
		"a kustomization of itself": {
			archive: "-- kustomization.yaml --\nresources: [.]\n-- p.yaml --\n" + policy,
			want:    "cycle detected",
		},
		"two that include each other": {
			archive: "-- a/kustomization.yaml --\nresources: [../b]\n-- b/kustomization.yaml --\nresources: [../a]\n-- p.yaml --\n" + policy,
			want:    "cycle detected",
		},
		"a repository elsewhere": {
			archive: "-- kustomization.yaml --\nresources: ['https://example.org/x//y?ref=z']\n",
			want:    `includes "https://example.org/x//y?ref=z", which is not among the files and is not fetched`,
		},
		"a repository that looks like a folder": {
			archive: "-- kustomization.yaml --\nresources: [github.com/o/r]\n-- github.com/o/r/kustomization.yaml --\nresources: [p.yaml]\n-- github.com/o/r/p.yaml --\n" + policy,
			want:    "policy NetworkPolicy/default/p",
		},
		"a patch elsewhere": {
			archive: "-- kustomization.yaml --\nresources: [p.yaml]\npatches: [{path: 'http://127.0.0.1:1/p'}]\n-- p.yaml --\n" + policy,
			want:    `includes "http://127.0.0.1:1/p"`,
		},
		"a generator's file elsewhere": {
			archive: "-- kustomization.yaml --\nresources: [p.yaml]\nconfigMapGenerator: [{name: c, files: ['a=http://127.0.0.1:1/p']}]\n-- p.yaml --\n" + policy,
			want:    `includes "http://127.0.0.1:1/p"`,
		},
		"a transformer's file elsewhere": {
			archive: "-- kustomization.yaml --\nresources: [p.yaml]\ntransformers: [t.yaml]\n-- t.yaml --\napiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: t}\npath: http://127.0.0.1:1/p\n-- p.yaml --\n" + policy,
			want:    `includes "http://127.0.0.1:1/p"`,
		},
		"a command": {
			archive: "-- kustomization.yaml --\nresources: [p.yaml]\ngenerators: [g.yaml]\n-- g.yaml --\napiVersion: example.org/v1\nkind: G\nmetadata:\n  name: g\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./run}\n-- run --\n#!/bin/sh\ntouch ran\n-- p.yaml --\n" + policy,
			prepare: func(t *testing.T, dir string) {
				if err := os.Chmod(filepath.Join(dir, "run"), 0o700); err != nil { //nolint:gosec // It must be able to run, and not do it.
					t.Fatal(err)
				}
			},
			want: "can't be built",
		},
		"a chart": {
			archive: "-- kustomization.yaml --\nresources: [p.yaml]\nhelmCharts: [{name: c, repo: 'oci://example.org/c'}]\n-- p.yaml --\n" + policy,
			want:    "can't be built",
		},
		"a file out of the folder": {
			archive: "-- a/kustomization.yaml --\nresources: [../p.yaml]\n-- p.yaml --\n" + policy,
			want:    "is not in or below",
		},
		"a doubling of a doubling": {
			archive: doubling(18),
			want:    "more than 256 times",
		},
		"a bomb": {
			archive: "-- p.yaml --\napiVersion: v1\nkind: ConfigMap\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n",
			want:    "document 1: not valid YAML: document contains excessive aliasing",
		},
		"a cycle of aliases": {
			archive: "-- p.yaml --\napiVersion: v1\nkind: ConfigMap\na: &a [*a]\n",
			want:    "document 1: not valid YAML",
		},
		"depth": {
			archive: "-- p.yaml --\napiVersion: v1\nkind: ConfigMap\na: " + strings.Repeat("[", 20_000) + "\n",
			want:    "exceeded max depth of 10000",
		},
		"a bomb as a kustomization": {
			archive: "-- kustomization.yaml --\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n-- p.yaml --\n" + policy,
			want:    "excessive aliasing",
		},
		"a link out of the folder": {
			archive: "-- p.yaml --\n" + policy,
			prepare: func(t *testing.T, dir string) {
				if err := os.Symlink("/etc/hostname", filepath.Join(dir, "x.yaml")); err != nil {
					t.Skipf("only on Windows, where links need a privilege: %v", err)
				}
			},
			want: "x.yaml: is a link that leads out of the folder, and left out",
		},
		"a device behind a link": {
			archive: "-- p.yaml --\n" + policy,
			prepare: func(t *testing.T, dir string) {
				if err := os.Symlink("/dev/zero", filepath.Join(dir, "x.yaml")); err != nil {
					t.Skipf("only on Windows, where links need a privilege: %v", err)
				}
			},
			want: "x.yaml: is a link that leads out of the folder, and left out",
		},
		"a large file": {
			archive: "-- p.yaml --\n" + policy,
			prepare: func(t *testing.T, dir string) {
				f, err := os.Create(filepath.Join(dir, "x.yaml"))
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(f.Truncate(1<<30), f.Close()); err != nil {
					t.Fatal(err)
				}
			},
			want: "x.yaml document 1: a document is larger than 100 MB",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := unpack(t, txtar.Parse([]byte(tc.archive)))
			if tc.prepare != nil {
				tc.prepare(t, dir)
			}
			o := files(dir)
			o.Recursive = true
			var notes []string
			o.Note = func(line string) { notes = append(notes, line) }
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			inv, err := Load(ctx, o)
			runtime.ReadMemStats(&after)
			got := summary(inv, notes, err)
			if !strings.Contains(got, tc.want) {
				t.Errorf("%q is not in\n%s", tc.want, got)
			}
			for _, line := range strings.Split(got, "\n") {
				if len(line) > 1000 {
					t.Errorf("a line of %d bytes: %s", len(line), line[:1000])
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
				t.Error("a command was run")
			}
			const most = 1 << 30
			if used := after.Sys - before.Sys; used > most {
				t.Errorf("%d MB more than before", used>>20)
			}
		})
	}
}

// doubling is a kustomization that includes two, which include the same two, and so on.
func doubling(steps int) string {
	var b strings.Builder
	for i := range steps {
		for _, side := range []string{"a", "b"} {
			fmt.Fprintf(&b, "-- %s%d/kustomization.yaml --\nresources: [../a%d, ../b%d]\nnamePrefix: %s-\n", side, i, i+1, i+1, side)
		}
	}
	for _, side := range []string{"a", "b"} {
		fmt.Fprintf(&b, "-- %s%d/kustomization.yaml --\nresources: [p.yaml]\n-- %s%d/p.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n", side, steps, side, steps, side)
	}
	b.WriteString("-- root/kustomization.yaml --\nresources: [../a0, ../b0]\n")
	return b.String()
}

// endless is a text without an end. It looks how much the heap holds meanwhile.
type endless struct{ read, held uint64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.read += uint64(len(p)); e.read%(1<<20) < uint64(len(p)) {
		heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(heap)
		e.held = max(e.held, heap[0].Value.Uint64())
	}
	for i := range p {
		p[i] = 'y'
		if i%2 == 1 {
			p[i] = '\n'
		}
	}
	return len(p), nil
}

func TestEndlessInput(t *testing.T) {
	// With the limit, the collector runs before there is more; what is held all the same is needed.
	const limit = 768 << 20
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(limit))
	in := &endless{}
	o := files("-")
	o.Stdin = in
	_, err := Load(context.Background(), o)
	t.Logf("of %d MB, the heap held %d MB at most", in.read>>20, in.held>>20)
	if in.held > limit {
		t.Errorf("the heap held %d bytes", in.held)
	}
	if in.read < MaxDocument || in.read > 2*MaxDocument {
		t.Errorf("%d bytes were read", in.read)
	}
	if err == nil || !strings.HasPrefix(err.Error(), "stdin document 1: a document is larger than 100 MB") {
		t.Error(err)
	}
}

// never is an input that nobody writes to.
type never struct{}

func (never) Read([]byte) (int, error) { select {} }

func TestCancelledWhileItWaitsForInput(t *testing.T) {
	o := files("-")
	o.Stdin = never{}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := Load(ctx, o); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestDevicesAreNotRead(t *testing.T) {
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skipf("only on Windows, which has no such device: %v", err)
	}
	if _, err := Load(context.Background(), files("/dev/zero")); err == nil || err.Error() != `"/dev/zero" is a device, which is not read: name a file, a directory or - for the standard input` {
		t.Error(err)
	}
}
