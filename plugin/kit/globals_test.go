package kit

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// parsed returns options as the flags leave them.
func parsed(t *testing.T, kubeconfig string, flags ...string) *Globals {
	t.Helper()
	t.Setenv("KUBECONFIG", kubeconfig)
	o := NewGlobals(genericiooptions.NewTestIOStreamsDiscard(), "v0.1.0")
	root := &cobra.Command{}
	o.AddFlags(root)
	if err := root.PersistentFlags().Parse(flags); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestNamespace(t *testing.T) {
	for _, test := range []struct {
		name     string
		flags    []string
		want     string
		explicit bool
	}{
		{"of the context", nil, "shop", false},
		{"of another context, which has none", []string{"--context=staging"}, "default", false},
		{"of the flag", []string{"-n", "blog"}, "blog", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := parsed(t, "testdata/kubeconfig.yaml", test.flags...)
			got, explicit, err := o.namespace()
			if got != test.want || explicit != test.explicit || err != nil {
				t.Errorf("got %q, %t, %v", got, explicit, err)
			}
			if scope, err := o.scope(false); scope != test.want || err != nil {
				t.Errorf("scope is %q, %v", scope, err)
			}
			if scope, err := o.scope(true); scope != "" || err != nil {
				t.Errorf("with all namespaces, scope is %q, %v", scope, err)
			}
		})
	}
}

// Manifests are evaluated without a kubeconfig, however broken the one is that happens to be there.
func TestManifestNamespaceReadsNoKubeconfig(t *testing.T) {
	if got, explicit := parsed(t, "testdata/missing.yaml").manifestNamespace(); got != "default" || explicit {
		t.Errorf("got %q, %t", got, explicit)
	}
	if got, explicit := parsed(t, "testdata/missing.yaml", "-n", "blog").manifestNamespace(); got != "blog" || !explicit {
		t.Errorf("got %q, %t", got, explicit)
	}
}

func TestRestConfig(t *testing.T) {
	config, err := parsed(t, "testdata/kubeconfig.yaml", "--request-timeout=7s").RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(config.UserAgent, "kubectl-cnpg_netpol/") {
		t.Errorf("user agent %q", config.UserAgent)
	}
	if config.QPS < 50 || config.Timeout.Seconds() != 7 {
		t.Errorf("%g requests per second, timeout %s", config.QPS, config.Timeout)
	}
}

// --server is enough, without a kubeconfig.
func TestServerWithoutKubeconfig(t *testing.T) {
	config, err := parsed(t, "testdata/missing.yaml", "--server=http://127.0.0.1:1").RESTConfig()
	if err != nil || config.Host != "http://127.0.0.1:1" {
		t.Errorf("got %v, %v", config, err)
	}
}

func TestServerWarningsGoToStderr(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/kubeconfig.yaml")
	var stderr bytes.Buffer
	o := NewGlobals(genericiooptions.IOStreams{Out: &bytes.Buffer{}, ErrOut: &stderr}, "v0.1.0")
	config, err := o.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	config.WarningHandler.HandleWarningHeader(299, "-", "v2alpha1 is deprecated")
	config.WarningHandler.HandleWarningHeader(299, "-", "v2alpha1 is deprecated")
	if got, want := stderr.String(), "Warning: v2alpha1 is deprecated\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestKubeconfigProblems(t *testing.T) {
	for _, test := range []struct {
		name, kubeconfig string
		flags            []string
		want             string
	}{
		{"none at all", "testdata/missing.yaml", nil, "no kubeconfig found (testdata/missing.yaml): "},
		{"file of --kubeconfig missing", "", []string{"--kubeconfig=testdata/missing.yaml"}, "testdata/missing.yaml"},
		{"unknown context", "testdata/kubeconfig.yaml", []string{"--context=moon"}, `context "moon" does not exist`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parsed(t, test.kubeconfig, test.flags...).RESTConfig()
			if err == nil {
				t.Fatal("no error")
			}
			var stderr bytes.Buffer
			PrintError(&stderr, "kubectl cnpg-netpol status", err)
			if !strings.Contains(stderr.String(), test.want) || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("got %q, want one line with %q", stderr.String(), test.want)
			}
		})
	}
}

func TestColors(t *testing.T) {
	for _, test := range []struct {
		flag string
		want bool
	}{{"auto", false}, {"always", true}, {"never", false}} {
		o := parsed(t, "", "--color="+test.flag)
		if got := o.Colors(o.Out).Enabled(); got != test.want {
			t.Errorf("--color=%s into a buffer: colored is %t", test.flag, got)
		}
	}
}

func TestABufferIsNobodyToAsk(t *testing.T) {
	if NewGlobals(genericiooptions.IOStreams{In: strings.NewReader("y\n")}, "v0.1.0").Interactive() {
		t.Error("a reader that is no terminal counts as one")
	}
}
