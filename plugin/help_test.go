package plugin

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// allCommands are the root command and everything below it.
func allCommands(t *testing.T) []*cobra.Command {
	t.Helper()
	root := NewCommand(genericiooptions.NewTestIOStreamsDiscard())
	commands := []*cobra.Command{root}
	for i := 0; i < len(commands); i++ {
		commands = append(commands, commands[i].Commands()...)
	}
	if len(commands) < 4 {
		t.Fatalf("found %d commands, want the root and at least version, completion and help", len(commands))
	}
	return commands
}

func TestHelpOfEveryCommand(t *testing.T) {
	for _, cmd := range allCommands(t) {
		t.Run(cmd.Name(), func(t *testing.T) {
			words := strings.Fields(cmd.CommandPath() + " --help")
			code, stdout, stderr := run(t, words[2:]...)
			if code != 0 || stderr != "" {
				t.Errorf("exit code %d, stderr %q", code, stderr)
			}
			golden.Compare(t, filepath.Join("testdata", "help", cmd.Name()+".txt"), []byte(stdout))
			for line := range strings.Lines(stdout) {
				if width := terminal.Width(strings.TrimRight(line, "\n")); width > kit.HelpWidth {
					t.Errorf("%d columns, more than %d: %s", width, kit.HelpWidth, line)
				}
			}
			for _, part := range []string{"\nUsage:\n", "\nExamples:\n", "\nExit codes:\n  0  fine\n"} {
				if !strings.Contains(stdout, part) {
					t.Errorf("lacks %q", part)
				}
			}
			if cmd.Short == "" || cmd.Long == "" || strings.HasSuffix(cmd.Short, ".") {
				t.Errorf("wants a short text without a full stop and a long one: %q, %q", cmd.Short, cmd.Long)
			}
		})
	}
}

// The help command, --help and no arguments at all are three ways to the same text.
func TestWaysToTheHelp(t *testing.T) {
	for _, test := range []struct{ one, other []string }{
		{[]string{"help", "version"}, []string{"version", "--help"}},
		{[]string{"help"}, []string{"--help"}},
		{nil, []string{"-h"}},
	} {
		_, one, _ := run(t, test.one...)
		_, other, _ := run(t, test.other...)
		if one == "" || one != other {
			t.Errorf("%q prints\n%s\nand %q prints\n%s", test.one, one, test.other, other)
		}
	}
}

func TestGlobalFlagsAreGroupedApart(t *testing.T) {
	_, stdout, _ := run(t, "--help")
	own, kubectl, found := strings.Cut(stdout, "\nGlobal flags (as in kubectl):\n")
	if !found {
		t.Fatalf("no group of kubectl's flags in\n%s", stdout)
	}
	for _, name := range []string{"--kubeconfig", "--context", "--namespace", "--as ", "--request-timeout"} {
		if strings.Contains(own, name) || !strings.Contains(kubectl, name) {
			t.Errorf("%s is not among kubectl's flags", name)
		}
	}
	if !strings.Contains(own, "--color") || strings.Contains(kubectl, "--color") {
		t.Error("--color is not among the plugin's own flags")
	}
}

// run executes the plugin with buffers for streams.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}
	if args == nil {
		args = []string{} // cobra reads os.Args for nil
	}
	code = Main(t.Context(), args, streams)
	return code, out.String(), errOut.String()
}
