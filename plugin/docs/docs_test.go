package docs

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin"
)

// TestReferenceIsUpToDate compares the files of this folder with what the commands say now.
func TestReferenceIsUpToDate(t *testing.T) {
	want, err := reference()
	if err != nil {
		t.Fatal(err)
	}
	if golden.Updating() {
		if err := write(want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := written()
	if err != nil {
		t.Fatal(err)
	}
	const remedy = "run \"make docs\" and commit what it writes"
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !bytes.Equal(got[name], want[name]) {
			t.Errorf("plugin/docs/%s is missing or out of date: %s", name, remedy)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if want[name] == nil {
			t.Errorf("plugin/docs/%s belongs to no command: %s", name, remedy)
		}
	}
}

// TestReferenceIsComplete looks for what a reader needs in every file.
func TestReferenceIsComplete(t *testing.T) {
	files, err := reference()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 6 {
		t.Fatalf("found %d commands, want the root and at least five verbs", len(files))
	}
	for name, content := range files {
		if name == clientsPage {
			continue
		}
		for _, part := range []string{"## kubectl cnpg-netpol", "### Synopsis", "### Examples", "### Options", "### Exit codes"} {
			if !bytes.Contains(content, []byte(part)) {
				t.Errorf("%s has no %q", name, part)
			}
		}
		if home, err := os.UserHomeDir(); err == nil && bytes.Contains(content, []byte(home+"/")) {
			t.Errorf("%s names this machine's folder %q", name, home)
		}
	}
}

// reference is the content of each file by its name.
func reference() (map[string][]byte, error) {
	root := plugin.NewCommand(genericiooptions.NewTestIOStreamsDiscard())
	root.DisableAutoGenTag = true
	files := map[string][]byte{clientsPage: clients()}
	return files, generate(root, files)
}

func generate(cmd *cobra.Command, files map[string][]byte) error {
	for _, child := range cmd.Commands() {
		if !child.IsAvailableCommand() || child.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := generate(child, files); err != nil {
			return err
		}
	}
	// Sections of the help that cobra does not know are taken from the help itself.
	codes, err := exitCodes(cmd)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := doc.GenMarkdownCustom(cmd, &b, func(link string) string { return link }); err != nil {
		return fmt.Errorf("describe %q: %w", cmd.CommandPath(), err)
	}
	text, also, linked := strings.Cut(b.String(), "### SEE ALSO\n")
	text += "### Exit codes\n\n```\n" + codes + "\n```\n"
	if linked {
		text += "\n### See also\n" + also
	}
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "_") + ".md"
	files[name] = []byte(strings.TrimRight(text, "\n") + "\n")
	return nil
}

// exitCodes is that section of a command's help.
func exitCodes(cmd *cobra.Command) (string, error) {
	_, section, found := strings.Cut(cmd.UsageString(), "\nExit codes:\n")
	if !found {
		return "", fmt.Errorf("the help of %q has no exit codes", cmd.CommandPath())
	}
	section, _, _ = strings.Cut(section, "\n\n")
	return strings.TrimRight(section, "\n"), nil
}

// isGenerated tells the files that are generated from those that somebody writes.
func isGenerated(name string) bool {
	return name == clientsPage || strings.HasPrefix(name, "kubectl_cnpg-netpol")
}

// written are the files that are there.
func written() (map[string][]byte, error) {
	names, err := filepath.Glob("*.md")
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !isGenerated(name) })
	files := map[string][]byte{}
	for _, name := range names {
		if files[name], err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// write replaces the files that are there.
func write(files map[string][]byte) error {
	old, err := written()
	if err != nil {
		return err
	}
	for name := range old {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
