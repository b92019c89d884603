//go:build unix

package krew

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/testserver"
)

const (
	module = "github.com/cnpg-netpol/kubectl-cnpg-netpol"
	// helper is the program that kubectl asks for completions.
	helper = "kubectl_complete-cnpg_netpol"
)

// hostArchive is the name of the archive for this platform, as .goreleaser.yaml has it.
func hostArchive() string {
	return fmt.Sprintf("kubectl-cnpg_netpol_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
}

// packHost builds the programs with the release's flags and packs them as .goreleaser.yaml says,
// for this platform only: all of them take half an hour, and "make krew" tests those.
func packHost(ctx context.Context, dir, version string) error {
	root, err := testserver.ModuleDir(ctx, "")
	if err != nil {
		return err
	}
	if err := watchSources(root); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X "+module+"/plugin.version="+version, "-o", dir, "./cmd/...")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the plugin: %w\n%s", err, output)
	}
	return pack(filepath.Join(dir, hostArchive()),
		filepath.Join(dir, "kubectl-cnpg_netpol"), filepath.Join(dir, helper), filepath.Join(root, "LICENSE"))
}

// watchSources looks at every source file of the plugin. The go command caches a test's result by
// the files that the test itself has looked at, and this one depends on them by way of "go build".
func watchSources(root string) error {
	for _, dir := range []string{"cmd", "internal", "plugin", "krew", "internal/tools/check"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(_ string, _ os.DirEntry, err error) error { return err })
		if err != nil {
			return err
		}
	}
	return nil
}

// pack writes files into an archive.
func pack(archive string, files ...string) (err error) {
	f, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	// The test reads it once, on this machine.
	compressed, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	w := tar.NewWriter(compressed)
	for _, file := range files {
		if err := add(w, file); err != nil {
			return fmt.Errorf("pack %q: %w", file, err)
		}
	}
	return errors.Join(w.Close(), compressed.Close())
}

func add(w *tar.Writer, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	header, err := tar.FileInfoHeader(info, "")
	if err != nil {
		return err
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}

// buildKrew builds krew under the name by which kubectl finds it, and the checker of its index.
func buildKrew(ctx context.Context, dir string) error {
	root, err := testserver.ModuleDir(ctx, "")
	if err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "-C", filepath.Join(root, "internal", "tools", "check"), "build", "-trimpath", "-o", dir,
		"sigs.k8s.io/krew/cmd/krew", "sigs.k8s.io/krew/cmd/validate-krew-manifest")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build krew: %w\n%s", err, output)
	}
	return os.Rename(filepath.Join(dir, "krew"), filepath.Join(dir, "kubectl-krew"))
}

// caveat is the command that the manifest gives to those who want completion.
func caveat(manifest []byte) (string, error) {
	for line := range strings.Lines(string(manifest)) {
		if command := strings.TrimSpace(line); strings.HasPrefix(command, "cp ") {
			return command, nil
		}
	}
	return "", errors.New("the caveats of the manifest name no command that copies the completion helper")
}
