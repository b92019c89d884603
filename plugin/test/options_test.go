package test

import (
	"errors"
	"slices"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// given are the options of a command line, and what validate says about them.
func given(t *testing.T, args ...string) (*options, error) {
	t.Helper()
	o := newOptions(kit.NewGlobals(genericiooptions.NewTestIOStreamsDiscard(), "test"))
	cmd := o.command()
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	o.complete(cmd.Flags().Args())
	err := o.validate(cmd.Flags())
	return o, err
}

func TestComplete(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want func(*options) bool
	}{
		{"files", []string{"a.yaml", "-"}, func(o *options) bool {
			return slices.Equal(o.arguments, []string{"a.yaml", "-"}) && !o.init && o.output.Format == report.Table
		}},
		{"manifests", []string{"a.yaml", "-f", "deploy", "-R", "-k", "overlay", "-o", "junit"}, func(o *options) bool {
			return o.source.Offline() && o.output.Format == report.JUnit
		}},
		{"clusters", []string{"--init", "orders", "stock"}, func(o *options) bool { return o.init && len(o.arguments) == 2 }},
		{"all clusters", []string{"--init"}, func(o *options) bool { return o.init && len(o.arguments) == 0 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			if o, err := given(t, test.args...); err != nil || !test.want(o) {
				t.Errorf("got %+v, %v", o, err)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, "the expectations are missing: name their files, or write some with test --init CLUSTER"},
		{"manifests alone", []string{"-f", "a.yaml"}, "the expectations are missing: name their files as arguments; -f and -k name the manifests that are judged"},
		{"a format of what is written", []string{"--init", "-o", "json"}, "--init writes YAML that test reads: it can't be combined with -o"},
		{"probes of what is written", []string{"--init", "--probe"}, "--init writes what the engine says today, and asks no data path: leave out --probe"},
		{"probes of manifests", []string{"a.yaml", "--probe", "-f", "b.yaml"}, "--probe asks the data path of a Kubernetes cluster, and manifests have none: leave out -f and -k"},
		{"the standard input twice", []string{"-", "-f", "-"}, "the standard input can't be both expectations and manifests: write one of them to a file"},
		{"subfolders of nothing", []string{"a.yaml", "-R"}, "--recursive needs --filename"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := given(t, test.args...)
			if usage := (kit.UsageError{}); err == nil || err.Error() != test.want || !errors.As(err, &usage) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// A command that somebody copies is about the same manifests and the same Kubernetes cluster.
func TestRemediesAreAsGiven(t *testing.T) {
	o, err := given(t, "a.yaml", "-f", "deploy", "-f", "more.yaml", "-R", "-k", "overlay", "--operator-namespace", "cnpg")
	if err != nil {
		t.Fatal(err)
	}
	context := "east"
	o.source.Config.Context = &context
	want := "kubectl cnpg-netpol --context east explain world db -f deploy -f more.yaml -R -k overlay --operator-namespace cnpg"
	if got := o.asGiven(command.Run(command.Plugin("explain", "world", "db"))).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !o.asGiven(command.Text{}).IsZero() {
		t.Error("nothing has become something")
	}
}

func TestArgumentsComplete(t *testing.T) {
	o, err := given(t, "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if names, directive := o.completeArguments(nil, nil, ""); names != nil || directive != cobra.ShellCompDirectiveDefault {
		t.Errorf("got %v, %v, want files", names, directive)
	}
}
