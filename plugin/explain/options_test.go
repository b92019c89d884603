package explain

import (
	"errors"
	"slices"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// given are the options of a command line, and what complete and validate say about them.
func given(t *testing.T, args ...string) (o *options, completed, validated error) {
	t.Helper()
	o = newOptions(kit.NewGlobals(genericiooptions.NewTestIOStreamsDiscard(), "test"))
	cmd := o.command()
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	completed = o.complete(cmd.Flags(), cmd.Flags().Args())
	validated = o.validate()
	return o, completed, validated
}

func TestComplete(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want func(*options) bool
	}{
		{"source and cluster", []string{"pod/web-0", "orders"}, func(o *options) bool {
			return o.name == "orders" && o.from.In("shop").Name() == "pod/web-0" && o.query.Port == "5432" && o.output.Format == report.Table
		}},
		{"a pod that does not exist", []string{"-l", "a=b", "--source-namespace", "shop", "orders"}, func(o *options) bool {
			return o.name == "orders" && slices.Contains(o.from.Namespaces("orders"), "shop")
		}},
		{"another question", []string{"world", "orders", "--port", "metrics", "--pooler", "p", "--why-not"}, func(o *options) bool {
			return o.query.Port == "metrics" && o.query.Pooler == "p" && o.whyNot
		}},
		{"manifests", []string{"world", "orders", "-f", "a.yaml", "-o", "json"}, func(o *options) bool {
			return o.source.Offline() && o.output.Format == report.JSON
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, completed, validated := given(t, test.args...)
			if completed != nil || validated != nil || !test.want(o) {
				t.Errorf("got %+v, %v, %v", o, completed, validated)
			}
		})
	}
}

func TestWhatCompleteRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, "source and cluster are needed: explain SOURCE CLUSTER"},
		{"no cluster", []string{"pod/web"}, "source and cluster are needed: explain SOURCE CLUSTER"},
		{"two clusters", []string{"pod/web", "a", "b"}, `one cluster at a time: "b" is too much`},
		{"labels and a source", []string{"pod/web", "orders", "-l", "a=b"}, `--labels stands in place of the source "pod/web": leave one of them out`},
		{"labels of no namespace", []string{"orders", "-l", "a=b"}, "--labels needs --source-namespace: the namespace that the pod would be in"},
		{"no cluster with labels", []string{"-l", "a=b", "--source-namespace", "shop"},
			"the cluster is missing: explain --labels LABELS --source-namespace NAMESPACE CLUSTER"},
		{"a namespace without labels", []string{"pod/web", "orders", "--source-namespace", "shop"},
			"--source-namespace describes a pod together with --labels: name the namespace of another source in front of it, as in NAMESPACE/pod/NAME"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err, _ := given(t, test.args...)
			if usage := (kit.UsageError{}); err == nil || err.Error() != test.want || !errors.As(err, &usage) {
				t.Errorf("got %v, want %s", err, test.want)
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
		{"a port that is none", []string{"world", "orders", "--port", "70000"}, "port 70000 is out of range: use 1 to 65535, or the name of a container port"},
		{"an image without probes", []string{"world", "orders", "--probe-image", "x"}, "--probe-image goes with --probe: add it"},
		{"probes of manifests", []string{"world", "orders", "--probe", "-f", "a.yaml"},
			"--probe asks the data path of a Kubernetes cluster, and manifests have none: leave out -f and -k"},
		{"a picture of probes", []string{"world", "orders", "--probe", "-o", "mermaid"},
			"--probe has results of connections, which are in no picture: it can't be combined with -o mermaid"},
		{"subfolders of nothing", []string{"world", "orders", "-R"}, "--recursive needs --filename"},
		{"a picture of proposals", []string{"world", "orders", "--why-not", "-o", "mermaid"},
			"--why-not proposes commands and policies, which are no picture: it can't be combined with -o mermaid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := given(t, test.args...)
			if usage := (kit.UsageError{}); err == nil || err.Error() != test.want || !errors.As(err, &usage) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
