package testserver

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// assetsVariable names the folder that holds kube-apiserver, etcd, kubectl and controllers, as controller-runtime reads it.
const assetsVariable = "KUBEBUILDER_ASSETS"

// Assets returns the folder that holds kube-apiserver, etcd, kubectl and controllers: the value of
// KUBEBUILDER_ASSETS, or else what e2e/controlplane/build builds, which takes minutes the first time
// and a moment later on. The working directory must be in the repository.
func Assets(ctx context.Context) (string, error) {
	dir := os.Getenv(assetsVariable)
	if dir == "" {
		var err error
		if dir, err = buildAssets(ctx); err != nil {
			return "", err
		}
	}
	for _, program := range []string{"kube-apiserver", "etcd", "kubectl", "controllers"} {
		if _, err := exec.LookPath(filepath.Join(dir, program)); err != nil {
			return "", fmt.Errorf("no program %q in %q: run \"make test\", which builds it, or let %s name a folder that has it: %w",
				program, dir, assetsVariable, err)
		}
	}
	return dir, nil
}

// buildAssets runs e2e/controlplane/build, whose last line is the folder.
func buildAssets(ctx context.Context) (string, error) {
	root, err := ModuleDir(ctx, "")
	if err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, filepath.Join(root, "e2e", "controlplane", "build"))
	build.Stderr = os.Stderr
	stdout, err := build.Output()
	if err != nil {
		return "", fmt.Errorf("build kube-apiserver, etcd and kubectl with e2e/controlplane/build (\"make test\" does it too): %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(stdout)), "\n")
	return lines[len(lines)-1], nil
}

// ModuleDir returns the folder of a module that this repository requires, or of the repository
// itself when path is empty. The working directory must be in the repository.
func ModuleDir(ctx context.Context, path string) (string, error) {
	args := []string{"list", "-m", "-f", "{{.Dir}}"}
	if path != "" {
		args = append(args, path)
	}
	stdout, err := exec.CommandContext(ctx, "go", args...).Output()
	if err != nil {
		return "", fmt.Errorf("find the folder of Go module %q: %w", path, err)
	}
	dir := strings.TrimSpace(string(stdout))
	if dir == "" {
		return "", fmt.Errorf("the files of Go module %q are not there: run \"go mod download\"", path)
	}
	return dir, nil
}

// versionDir returns the folder of a module in a version, which is downloaded when it is not there; empty for the one that
// this repository requires.
func versionDir(ctx context.Context, path, version string) (string, error) {
	if version == "" {
		return ModuleDir(ctx, path)
	}
	var stderr strings.Builder
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", path+"@"+version)
	download.Stderr = &stderr
	stdout, err := download.Output()
	var module struct{ Dir, Error string }
	if parsing := json.Unmarshal(stdout, &module); err == nil {
		err = parsing
	}
	if err != nil || module.Dir == "" {
		return "", fmt.Errorf("download Go module %q in version %q: %w: %s%s", path, version, err, module.Error, stderr.String())
	}
	return module.Dir, nil
}
