//go:build unix

package readme

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// sudo puts into the script's own folder what the README copies into the system's.
const sudo = `#!/bin/sh
[ "$1" = cp ] && [ "$4" = /usr/local/bin/ ] && [ $# = 4 ] || { echo "sudo: the test knows nothing of: $*" >&2; exit 1; }
exec cp "$2" "$3" "$INSTALLED"
`

// setup gives the script a user's machine: Go, Git and kubectl, but no plugin yet.
func setup(env *testscript.Env, root, programs, assets, kubeconfig string) error {
	origin := filepath.Join(env.WorkDir, "origin")
	clone := filepath.Join(env.WorkDir, "clone")
	installed := filepath.Join(env.WorkDir, "installed")
	tools := filepath.Join(env.WorkDir, "tools")
	for _, dir := range []string{installed, tools} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(tools, "sudo"), []byte(sudo), 0o755); err != nil {
		return err
	}
	for _, dir := range []string{origin, clone} {
		if err := copySources(dir, root); err != nil {
			return fmt.Errorf("copy the sources: %w", err)
		}
	}
	if err := goEnvironment(env); err != nil {
		return err
	}
	env.Setenv("PATH", strings.Join([]string{tools, installed, programs, assets, os.Getenv("PATH")}, string(os.PathListSeparator)))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("KUBECONFIG", kubeconfig)
	env.Setenv("CLONE", clone)
	env.Setenv("INSTALLED", installed)
	// Git finds the repository here, in the state of this work tree.
	env.Setenv("GIT_CONFIG_COUNT", "1")
	env.Setenv("GIT_CONFIG_KEY_0", "url.file://"+origin+".insteadOf")
	env.Setenv("GIT_CONFIG_VALUE_0", repository)
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"add", "."},
		{"-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message", "All"},
	} {
		git := exec.Command("git", append([]string{"-C", origin}, args...)...)
		if output, err := git.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w\n%s", args, err, output)
		}
	}
	return nil
}

// goEnvironment lets the script use the caches of whoever runs the test: its home is another one.
func goEnvironment(env *testscript.Env) error {
	variables := []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOSUMDB", "GOTOOLCHAIN"}
	output, err := exec.Command("go", append([]string{"env"}, variables...)...).Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	for i, value := range strings.Split(strings.TrimRight(string(output), "\n"), "\n") {
		env.Setenv(variables[i], value)
	}
	return nil
}

// copySources copies what the repository holds. By looking at every file, it also makes the go
// command run this test again when one has changed.
func copySources(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case slices.Contains([]string{".git", "bin", "dist"}, relative) && entry.IsDir():
			return fs.SkipDir
		case relative == ".git": // A work tree beside the repository has a file.
			return nil
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case !entry.Type().IsRegular():
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, info.Mode().Perm())
	})
}
