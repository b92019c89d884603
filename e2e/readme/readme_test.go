//go:build unix

package readme

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/testserver"
)

// repository is where the README says that the sources are.
const repository = "https://github.com/cnpg-netpol/kubectl-cnpg-netpol"

// before is the cluster of somebody who has not read the README yet.
const before = `# A database that is not the shop's, for which the README gives permissions.
exec kubectl create namespace shop
`

// after goes on where the documents leave its reader.
const after = `# The files of the page GitOps are a kustomization that locks the cluster.
cd $CLONE/e2e/demo/locked
cp $WORK/kustomization.yaml kustomization.yaml
exec kubectl apply --kustomize .
exec kubectl wait --for=condition=Valid ciliumnetworkpolicies --all --all-namespaces --timeout=60s
exec kubectl cnpg-netpol status cluster-example -n default --fail-on error
stdout LOCKED
exec kubectl cnpg-netpol status billing -n billing --fail-on error
stdout LOCKED

# As a gate, status stops what would open the database again.
cd ..
! exec kubectl cnpg-netpol status -f shop --fail-on error
stdout NO_DEFAULT_DENY

# What has been installed completes through kubectl, names of clusters too.
exec kubectl __complete cnpg-netpol ''
stdout '^lockdown\t'
exec kubectl __complete cnpg-netpol status -n default ''
stdout '^cluster-example$'
`

// TestReadme runs the README, and then the pages with commands, as one script.
func TestReadme(t *testing.T) {
	ctx := t.Context()
	root, err := testserver.ModuleDir(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	found := commands(t, root)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "readme.txtar"), []byte(script(found)), 0o600); err != nil {
		t.Fatal(err)
	}
	programs := t.TempDir()
	if err := buildPrograms(ctx, root, programs); err != nil {
		t.Fatal(err)
	}
	assets, err := testserver.Assets(ctx)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := startCluster(t, filepath.Join(programs, "livecluster"), filepath.Join(root, "e2e", "demo", "shop"))
	testscript.Run(t, testscript.Params{
		Dir:   dir,
		Setup: func(env *testscript.Env) error { return setup(env, root, programs, assets, kubeconfig) },
	})
}

// documents are read one after the other.
var documents = []string{"README.md", "plugin/docs/output.md", "plugin/docs/gitops.md"}

// commands are the blocks of the documents, in the order in which somebody would run them: the first
// script installs the plugin, and what stands above it shows what one gets.
func commands(t *testing.T, root string) []block {
	t.Helper()
	var all []block
	for _, document := range documents {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(document)))
		if err != nil {
			t.Fatal(err)
		}
		found, err := blocks(document, string(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			t.Fatalf("%s has no block of commands", document)
		}
		all = append(all, found...)
	}
	install := slices.IndexFunc(all, func(b block) bool { return !b.console })
	if len(all) < 10 || install < 0 {
		t.Fatalf("found %d blocks of commands, which can't be all", len(all))
	}
	return slices.Concat(all[install:install+1], all[:install], all[install+1:])
}

// script turns the blocks into a script: each block is a file that bash runs.
func script(found []block) string {
	var steps, files strings.Builder
	steps.WriteString(before)
	for i, b := range found {
		dir := "$CLONE"
		if b.console {
			dir += "/e2e/demo"
		}
		fmt.Fprintf(&steps, "\n# %s, line %d\ncd %s\nttyin -stdin $WORK/yes\nexec bash -euo pipefail $WORK/block-%d\n", b.document, b.line, dir, i)
		fmt.Fprintf(&files, "-- block-%d --\n%s", i, b.script)
	}
	return steps.String() + "\n" + after + `
-- yes --
y
-- kustomization.yaml --
resources: [cluster-example.yaml, billing.yaml]
` + files.String()
}

// buildPrograms builds the API server's starter and jq.
func buildPrograms(ctx context.Context, root, dir string) error {
	for _, args := range [][]string{
		{"-C", root, "build", "-trimpath", "-buildvcs=false", "-o", dir, "./e2e/demo/livecluster"},
		{"-C", filepath.Join(root, "internal", "tools", "check"), "build", "-trimpath", "-o", filepath.Join(dir, "jq"), "github.com/itchyny/gojq/cmd/gojq"},
	} {
		build := exec.CommandContext(ctx, "go", args...)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, output)
		}
	}
	return nil
}

// startCluster starts the API server with the manifests of a folder and returns its kubeconfig. It
// is a program of its own because both it and the plugin set Cilium's globals.
func startCluster(t *testing.T, program, manifests string) string {
	t.Helper()
	// The command that it runs tells the kubeconfig, and ends with its input, which also ends with the
	// test. The test's context would kill it, and leave the API server behind.
	server := exec.Command(program, manifests, "sh", "-c", `echo "$KUBECONFIG" && exec cat`)
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // that it ends is seen by what follows
		if err := server.Wait(); err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the API server did not start: %v", err)
	}
	return strings.TrimSpace(line)
}
