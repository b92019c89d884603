package change

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

const noScope = `--scope "galaxy": must be "cluster" (the cluster's pods) or "namespace" (every pod of its namespace)`

func globals() *kit.Globals {
	return kit.NewGlobals(genericiooptions.NewTestIOStreamsDiscard(), "test")
}

// words are the arguments that are left when cmd has parsed its flags.
func words(t *testing.T, cmd *cobra.Command, args []string) []string {
	t.Helper()
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return cmd.Flags().Args()
}

func refuses(t *testing.T, err error, want string) {
	t.Helper()
	if usage := (kit.UsageError{}); err == nil || err.Error() != want || !errors.As(err, &usage) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLockdownComplete(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want func(*lockdownOptions) bool
	}{
		{"as it is without flags", []string{"a"}, func(o *lockdownOptions) bool {
			return o.dryRun == dryRunNone && o.output == formatNone && o.wait && o.timeout == time.Minute && !o.yes && !o.force &&
				o.set.Scope == policyset.ScopeCluster
		}},
		{"each cluster once", []string{"b", "a", "b"}, func(o *lockdownOptions) bool { return slices.Equal(o.names, []string{"b", "a"}) }},
		{"the policy set", []string{"a", "--scope", "namespace", "--operator-namespace", "pg"}, func(o *lockdownOptions) bool {
			return o.set.Scope == policyset.ScopeNamespace && o.source.OperatorNamespace == "pg"
		}},
		{"a dry run over manifests", []string{"a", "--dry-run=client", "-o", "yaml", "-f", "deploy/", "-R"}, func(o *lockdownOptions) bool {
			return o.dryRun == dryRunClient && o.output == formatYAML && o.source.Offline() && o.source.Files.Recursive
		}},
		{"without questions", []string{"a", "-y", "--force", "--wait=false"}, func(o *lockdownOptions) bool {
			return o.yes && o.force && !o.wait
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newLockdownOptions(globals())
			err := errors.Join(o.complete(words(t, o.command(), test.args)), o.validate())
			if err != nil || !test.want(o) {
				t.Errorf("got %+v, %v", o, err)
			}
		})
	}
}

func TestLockdownValidate(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"changing manifests", []string{"a", "-f", "a.yaml"}, "--filename evaluates manifests and changes nothing: use it with --dry-run=client"},
		{"asking a server about manifests", []string{"a", "-f", "a.yaml", "--dry-run=server"},
			"--filename evaluates manifests and changes nothing: use it with --dry-run=client"},
		{"a proof of what is not done", []string{"a", "--prove", "--dry-run=server"}, "--prove connects when the policies are in force: it goes neither with --dry-run nor with --wait=false"},
		{"a proof too early", []string{"a", "--prove", "--wait=false"}, "--prove connects when the policies are in force: it goes neither with --dry-run nor with --wait=false"},
		{"an image without probes", []string{"a", "--probe-image", "x"}, "--probe-image goes with --prove: add it"},
		{"no time", []string{"a", "--timeout", "0s"}, "--timeout 0s: must be longer than nothing; --wait=false does not wait"},
		{"subfolders of nothing", []string{"a", "-R"}, "--recursive needs --filename"},
		{"all that is wrong", []string{"a", "-R", "--timeout=-1s"}, "--timeout -1s: must be longer than nothing; --wait=false does not wait\n--recursive needs --filename"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newLockdownOptions(globals())
			if err := o.complete(words(t, o.command(), test.args)); err != nil {
				t.Fatal(err)
			}
			refuses(t, o.validate(), test.want)
		})
	}
}

// Values that shape the set are read when the options are completed.
func TestLockdownCompleteRefuses(t *testing.T) {
	o := newLockdownOptions(globals())
	refuses(t, o.complete(words(t, o.command(), []string{"a", "--scope", "galaxy"})), noScope)
}

func TestUnlockCompleteAndValidate(t *testing.T) {
	o := newUnlockOptions(globals())
	o.complete(words(t, o.command(), []string{"a", "b", "a", "--dry-run=server", "-o", "name"}))
	if err := o.validate(); err != nil || !slices.Equal(o.names, []string{"a", "b"}) || o.dryRun != dryRunServer || o.output != formatName {
		t.Errorf("got %+v, %v", o, err)
	}
	o = newUnlockOptions(globals())
	o.complete(words(t, o.command(), []string{"a", "--timeout", "-1s"}))
	refuses(t, o.validate(), "--timeout -1s: must be longer than nothing; --wait=false does not wait")
}

func TestDiffCompleteAndValidate(t *testing.T) {
	for _, test := range []struct {
		name  string
		args  []string
		given bool
		err   string
	}{
		{"with the flags of the cluster", []string{"a"}, false, ""},
		{"with the default, said", []string{"a", "--scope", "cluster"}, true, ""},
		{"with a client", []string{"a", "--allow-namespace", "shop"}, true, ""},
		{"the operator shapes no policy", []string{"a", "--operator-namespace", "pg"}, false, ""},
		{"subfolders of nothing", []string{"a", "-R"}, false, "--recursive needs --filename"},
		{"a scope that is none", []string{"a", "--scope", "galaxy"}, true, noScope},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newDiffOptions(globals())
			cmd := o.command()
			args := words(t, cmd, test.args)
			err := errors.Join(o.complete(cmd, args), o.validate())
			if test.err != "" {
				refuses(t, err, test.err)
				return
			}
			if err != nil || o.name != "a" || o.given != test.given {
				t.Errorf("got %+v, %v", o, err)
			}
		})
	}
}
