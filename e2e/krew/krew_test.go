//go:build unix

package krew

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/testserver"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/krew/manifest"
)

var dist = flag.String("dist", "", "folder with the archives of \"make snapshot\"; without it, the test packs one for this platform")

const (
	// template is what the release fills.
	template = "../../krew/cnpg-netpol.yaml"
	// releases is where the manifest's archives lie.
	releases = "https://github.com/cnpg-netpol/kubectl-cnpg-netpol/releases/download/"
	// older and newer are the versions that are installed, and upgraded to.
	older, newer = "v0.1.0", "v0.2.0"
)

// world is what the tests share.
type world struct {
	// tools has krew, assets has kubectl.
	tools, assets string
	// archives has the archives of each version in a folder of its name.
	archives string
	// manifests are those of each version, with the server's URLs.
	manifests map[string][]byte
}

func TestKrew(t *testing.T) {
	w := newWorld(t)
	t.Run("scripts", w.runScripts)
	t.Run("index accepts the manifest", w.validate)
}

// runScripts runs the scripts of testdata: the language is testscript's, with one more command:
//
//	publish VERSION
//
// puts the manifest of that version into krew's index, which is a Git repository.
func (w *world) runScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		Setup:              w.setup,
		Cmds:               map[string]func(*testscript.TestScript, bool, []string){"publish": w.publish},
		Condition:          condition,
		RequireUniqueNames: true,
	})
}

// condition adds [dist] to the language: the archives are those of a snapshot, whose version is its own.
func condition(name string) (bool, error) {
	if name == "dist" {
		return *dist != "", nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// validate runs the check that krew's index demands. With all archives at hand, it installs those
// of every platform.
func (w *world) validate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cnpg-netpol.yaml")
	if err := os.WriteFile(file, w.manifests[newer], 0o600); err != nil {
		t.Fatal(err)
	}
	want := "all 6 spec.platforms installed fine"
	args := []string{"-manifest", file}
	if *dist == "" {
		want = "no overlapping spec.platform[].selector"
		args = append(args, "-skip-install")
	}
	check := exec.CommandContext(t.Context(), filepath.Join(w.tools, "validate-krew-manifest"), args...)
	check.Env = append(os.Environ(), "PATH="+w.path())
	output, err := check.CombinedOutput()
	if err != nil || !strings.Contains(string(output), want) {
		t.Errorf("%v, want %q in:\n%s", err, want, output)
	}
}

// newWorld builds everything. The two versions differ in what "version" prints, and are the same
// archives when they come from a snapshot.
func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w := &world{tools: t.TempDir(), archives: t.TempDir(), manifests: map[string][]byte{}}
	var err error
	w.assets, err = testserver.Assets(ctx)
	check(err)
	check(buildKrew(ctx, w.tools))
	text, err := os.ReadFile(template)
	check(err)
	server := httptest.NewServer(http.FileServer(http.Dir(w.archives)))
	t.Cleanup(server.Close)
	for _, version := range []string{older, newer} {
		find, err := w.provide(ctx, version)
		check(err)
		filled, err := manifest.Render(text, version, find)
		check(err)
		w.manifests[version] = []byte(strings.ReplaceAll(string(filled), releases, server.URL+"/"))
	}
	return w
}

// provide puts the archives of a version where the server finds them, and returns how the manifest
// finds them.
func (w *world) provide(ctx context.Context, version string) (func(uri string) string, error) {
	dir := filepath.Join(w.archives, version)
	if *dist != "" {
		absolute, err := filepath.Abs(*dist)
		if err != nil {
			return nil, err
		}
		return manifest.Folder(dir), os.Symlink(absolute, dir)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	// The manifest names archives of all platforms, of which this one is installed.
	host := filepath.Join(dir, hostArchive())
	return func(string) string { return host }, packHost(ctx, dir, version)
}

// path is where programs are looked for: krew and kubectl first, then git and the shell's.
func (w *world) path(before ...string) string {
	return strings.Join(append(before, w.tools, w.assets, os.Getenv("PATH")), string(os.PathListSeparator))
}

// setup gives a script an empty krew, and nothing of the user's.
func (w *world) setup(env *testscript.Env) error {
	text, err := os.ReadFile(template)
	if err != nil {
		return err
	}
	command, err := caveat(text)
	if err != nil {
		return err
	}
	file := filepath.Join(env.WorkDir, "cnpg-netpol.yaml")
	if err := os.WriteFile(file, w.manifests[older], 0o600); err != nil {
		return err
	}
	shop, err := filepath.Abs(filepath.Join("..", "demo", "shop"))
	if err != nil {
		return err
	}
	root := filepath.Join(env.WorkDir, ".krew")
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("KREW_ROOT", root)
	env.Setenv("KREW_DEFAULT_INDEX_URI", "file://"+index(env.WorkDir))
	env.Setenv("PATH", w.path(filepath.Join(root, "bin")))
	env.Setenv("MANIFEST", file)
	env.Setenv("ARCHIVE", filepath.Join(w.archives, older, hostArchive()))
	env.Setenv("CAVEAT", command)
	env.Setenv("SHOP", shop)
	// Whoever asks for anything but this machine gets an error, and the test fails.
	for _, variable := range []string{"HTTP_PROXY", "HTTPS_PROXY"} {
		env.Setenv(variable, "http://127.0.0.1:1")
	}
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		env.Setenv("GIT_"+who+"_NAME", "index")
		env.Setenv("GIT_"+who+"_EMAIL", "index@example.com")
	}
	return nil
}

// index is the repository of krew's index.
func index(workDir string) string { return filepath.Join(workDir, "index") }

// publish is the command of that name.
func (w *world) publish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || w.manifests[args[0]] == nil {
		ts.Fatalf("usage: publish %s|%s", older, newer)
	}
	dir := index(ts.Getenv("WORK"))
	plugins := filepath.Join(dir, "plugins")
	ts.Check(os.MkdirAll(plugins, 0o755))
	ts.Check(os.WriteFile(filepath.Join(plugins, "cnpg-netpol.yaml"), w.manifests[args[0]], 0o600))
	for _, git := range [][]string{{"init", "--quiet"}, {"add", "."}, {"commit", "--quiet", "--message", fmt.Sprint("cnpg-netpol ", args[0])}} {
		ts.Check(ts.Exec("git", append([]string{"-C", dir}, git...)...))
	}
}
