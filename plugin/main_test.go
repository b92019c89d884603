package plugin

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

func TestUsageErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		args   []string
		stderr string
	}{
		{"unknown command", []string{"frobnicate"},
			"error: unknown command \"frobnicate\" for \"kubectl cnpg-netpol\"\nsee 'kubectl cnpg-netpol --help'\n"},
		{"almost a command", []string{"verzion", "-o", "json"},
			"error: unknown command \"verzion\" for \"kubectl cnpg-netpol\"; did you mean \"version\"?\nsee 'kubectl cnpg-netpol --help'\n"},
		{"control sequence as a command", []string{"\x1b[2J"},
			"error: unknown command \"\\x1b[2J\" for \"kubectl cnpg-netpol\"\nsee 'kubectl cnpg-netpol --help'\n"},
		{"unknown flag", []string{"version", "--nope"},
			"error: unknown flag: --nope\nsee 'kubectl cnpg-netpol version --help'\n"},
		{"unexpected argument", []string{"version", "shop-db"},
			"error: unexpected argument \"shop-db\"\nsee 'kubectl cnpg-netpol version --help'\n"},
		{"wrong output format", []string{"version", "-o", "xml"},
			"error: invalid argument \"xml\" for \"-o, --output\" flag: must be one of json, yaml\nsee 'kubectl cnpg-netpol version --help'\n"},
		{"wrong color mode", []string{"--color", "blue", "version"},
			"error: invalid argument \"blue\" for \"--color\" flag: must be one of auto, always, never\nsee 'kubectl cnpg-netpol version --help'\n"},
		{"help of an unknown command", []string{"help", "frobnicate"},
			"error: unknown command \"frobnicate\" for \"kubectl cnpg-netpol\"\nsee 'kubectl cnpg-netpol --help'\n"},
		{"help of an argument", []string{"help", "version", "json"},
			"error: \"kubectl cnpg-netpol version\" has no command \"json\"\nsee 'kubectl cnpg-netpol --help'\n"},
		{"completion without a shell", []string{"completion"},
			"error: one shell is needed: bash, zsh, fish or powershell\nsee 'kubectl cnpg-netpol completion --help'\n"},
		{"completion for an unknown shell", []string{"completion", "tcsh"},
			"error: unknown shell \"tcsh\": use bash, zsh, fish or powershell\nsee 'kubectl cnpg-netpol completion --help'\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := run(t, test.args...)
			if code != kit.ExitFailed || stdout != "" || stderr != test.stderr {
				t.Errorf("exit code %d, stdout %q, stderr\n%s\nwant exit code %d, nothing, and\n%s",
					code, stdout, stderr, kit.ExitFailed, test.stderr)
			}
		})
	}
}

// Whatever cobra itself checks is a usage error, also where its errors have no type of their own.
func TestCobrasOwnChecksAreUsageErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want bool
	}{
		{"required flag missing", []string{"verb"}, true},
		{"flags exclude each other", []string{"verb", "--need=1", "--one", "--two"}, true},
		{"failure of the verb itself", []string{"verb", "--need=1"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			started := false
			root := newRootCommand(kit.NewGlobals(genericiooptions.NewTestIOStreamsDiscard(), "test"), &started)
			verb := &cobra.Command{Use: "verb", GroupID: kit.GroupOther, RunE: func(*cobra.Command, []string) error {
				return kit.AnswerNo(nil)
			}}
			verb.Flags().String("need", "", "")
			verb.Flags().Bool("one", false, "")
			verb.Flags().Bool("two", false, "")
			_ = verb.MarkFlagRequired("need")
			verb.MarkFlagsMutuallyExclusive("one", "two")
			root.AddCommand(verb)
			markStart(verb, &started)
			root.SetArgs(test.args)
			err := root.ExecuteContext(t.Context())
			if err == nil || started == test.want {
				t.Errorf("error %v, started %t", err, started)
			}
		})
	}
}

func TestCompletionScripts(t *testing.T) {
	for shell, mark := range map[string]string{
		"bash":       "__start_kubectl-cnpg_netpol",
		"zsh":        "#compdef kubectl-cnpg_netpol",
		"fish":       "complete -c kubectl-cnpg_netpol",
		"powershell": "Register-ArgumentCompleter -CommandName 'kubectl-cnpg_netpol'",
	} {
		code, stdout, stderr := run(t, "completion", shell)
		if code != 0 || stderr != "" || !strings.Contains(stdout, mark) {
			t.Errorf("%s: exit code %d, stderr %q, and %q is missing from %d bytes", shell, code, stderr, mark, len(stdout))
		}
	}
}

// kubectl passes what was typed to __complete and reads names until a line with a directive.
func TestCompletion(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/kubeconfig.yaml")
	for _, test := range []struct {
		name  string
		words []string
		want  string
	}{
		{"commands", []string{"ver"}, "version\tShow the version of this plugin and of the Cilium engine in it\n:4\n"},
		{"values of --color", []string{"--color", ""}, "auto\nalways\nnever\n:4\n"},
		{"shells", []string{"completion", ""}, "bash\nzsh\nfish\npowershell\n:4\n"},
		{"contexts", []string{"--context", ""}, "production\nstaging\n:4\n"},
		{"kubeconfig's clusters", []string{"--cluster", ""}, "far\nnear\n:4\n"},
		{"users", []string{"--user", ""}, "alice\n:4\n"},
		{"namespaces, the server unreachable", []string{"--namespace", ""}, ":4\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, stdout, _ := run(t, append([]string{"__complete"}, test.words...)...)
			if stdout != test.want {
				t.Errorf("got %q, want %q", stdout, test.want)
			}
		})
	}
}
