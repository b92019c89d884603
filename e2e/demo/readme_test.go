package demo

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
)

// documents are those whose commands run on the manifests of this folder.
var documents = []string{"README.md", "plugin/docs/gitops.md"}

// TestTranscripts runs the commands of the documents' console blocks, word for word and one after the
// other, in a copy of this folder, and compares what they print with what the document says.
func TestTranscripts(t *testing.T) {
	watch(t, "shop", "document")
	for _, document := range documents {
		t.Run(document, func(t *testing.T) { transcripts(t, filepath.Join("..", "..", filepath.FromSlash(document))) })
	}
}

func transcripts(t *testing.T, document string) {
	t.Helper()
	text := read(t, document)
	dir := t.TempDir()
	for _, folder := range []string{"shop", "document"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
	}
	blocks := 0
	seen := regexp.MustCompile("(?s)```console\n.*?```").ReplaceAllStringFunc(text, func(block string) string {
		blocks++
		body := strings.TrimSuffix(strings.TrimPrefix(block, "```console\n"), "```")
		var out strings.Builder
		for _, step := range strings.Split("\n"+body, "\n$ ")[1:] {
			command, want, _ := strings.Cut(strings.TrimSuffix(step, "\n"), "\n")
			got := strings.TrimSuffix(shell(t, dir, command), "\n")
			if got != want && !golden.Updating() {
				t.Errorf("$ %s\nprints\n%s\n\nand the document says\n%s", command, got, want)
			}
			out.WriteString("$ " + command + "\n")
			if got != "" {
				out.WriteString(got + "\n")
			}
		}
		return "```console\n" + out.String() + "```"
	})
	if blocks == 0 {
		t.Fatal("the document has no console block")
	}
	if golden.Updating() && !t.Failed() {
		if err := os.WriteFile(document, []byte(seen), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// shell runs a command line as a user's shell would, with kubectl finding the plugin.
func shell(t *testing.T, dir, line string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "bash", "-c", `kubectl() { shift; "$PLUGIN" "$@"; }; `+line)
	command.Dir = dir
	command.Env = append(os.Environ(), asPlugin+"=1", "PLUGIN="+self, "HOME="+dir, "KUBECONFIG="+filepath.Join(dir, "none"))
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	// Exit code 1 is an answer.
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Errorf("%s: %v\n%s", line, err, output)
	}
	return string(output)
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")))
}
