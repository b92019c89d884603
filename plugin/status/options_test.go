package status

import (
	"errors"
	"slices"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// given are the options of a command line.
func given(t *testing.T, args ...string) *options {
	t.Helper()
	globals := kit.NewGlobals(genericiooptions.NewTestIOStreamsDiscard(), "test")
	o := newOptions(globals)
	cmd := o.command()
	globals.AddFlags(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	o.complete(cmd.Flags().Args())
	return o
}

func TestComplete(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want func(*options) bool
	}{
		{"nothing", nil, func(o *options) bool {
			return len(o.names) == 0 && o.output.Format == report.Table && o.failOn == failOnNone && !o.watch && !o.contexts.several() &&
				!o.source.AllNamespaces && !o.source.Offline()
		}},
		{"clusters", []string{"a", "b"}, func(o *options) bool { return slices.Equal(o.names, []string{"a", "b"}) }},
		{"all namespaces", []string{"-A"}, func(o *options) bool { return o.source.AllNamespaces }},
		{"manifests", []string{"-f", "a.yaml", "-R"}, func(o *options) bool { return o.source.Offline() && o.source.Files.Recursive }},
		{"a format and a gate", []string{"-o", "json", "--fail-on", "warning"}, func(o *options) bool {
			return o.output.Format == report.JSON && o.failOn == failOnWarning
		}},
		{"contexts", []string{"--contexts", "b,a"}, func(o *options) bool {
			return o.contexts.several() && slices.Equal(o.contexts.names, []string{"b", "a"})
		}},
		{"all contexts", []string{"--all-contexts"}, func(o *options) bool { return o.contexts.several() && o.contexts.all }},
		{"an operator", []string{"--operator-namespace", "pg"}, func(o *options) bool { return o.source.OperatorNamespace == "pg" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := given(t, test.args...)
			if err := o.validate(); err != nil || !test.want(o) {
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
		{"watching manifests", []string{"-w", "-f", "a.yaml"}, "--watch needs a cluster: it can't be combined with --filename"},
		{"watching for an answer", []string{"-w", "--fail-on", "error"}, "--watch never ends with an answer: it can't be combined with --fail-on"},
		{"subfolders of nothing", []string{"-R"}, "--recursive needs --filename"},
		{"pictures one after the other", []string{"-w", "-o", "dot"}, "--watch prints one report after the other: it can't be combined with -o dot"},
		{"contexts and manifests", []string{"--contexts", "a", "-f", "a.yaml"}, "--contexts can't be combined with --filename"},
		{"all contexts and one", []string{"--all-contexts", "--context", "a"}, "--all-contexts can't be combined with --context"},
		{"a context without a name", []string{"--contexts="}, "--contexts has an empty name: 'kubectl config get-contexts' lists what there is"},
		{"all that is wrong", []string{"-w", "-f", "a.yaml", "--fail-on", "error"}, "--watch needs a cluster: it can't be combined with --filename\n" +
			"--watch never ends with an answer: it can't be combined with --fail-on"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := given(t, test.args...).validate()
			if usage := (kit.UsageError{}); err == nil || err.Error() != test.want || !errors.As(err, &usage) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
