package plugin

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

const (
	recordings   = "../internal/inventory/testdata/"
	explainables = "../internal/explain/testdata/"
)

// What people read, on manifests.
func TestExplain(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	for _, test := range []struct {
		name  string
		args  string
		files []string
		code  int
	}{
		{"allowed", "deploy/web orders", []string{"shop.yaml"}, kit.ExitFine},
		{"allowed-by-rule", "pod/backend cluster-example", []string{"../../inventory/testdata/live-locked.json"}, kit.ExitFine},
		{"denied", "pod/frontend cluster-example", []string{"../../inventory/testdata/live-locked.json"}, kit.ExitNo},
		{"denied-at-both-ends", "backend/deploy/api orders --why-not", []string{"shop.yaml", "locked.yaml", "egress.yaml"}, kit.ExitNo},
		{"deny-rule", "deploy/worker orders --why-not", []string{"shop.yaml", "deny.yaml"}, kit.ExitNo},
		{"l7", "deploy/web orders", []string{"shop.yaml", "l7.yaml"}, kit.ExitFine},
		{"authentication", "deploy/web orders", []string{"shop.yaml", "authentication.yaml"}, kit.ExitFine},
		{"port-name", "deploy/web orders --port postgresql", []string{"shop.yaml", "named-port.yaml"}, kit.ExitFine},
		{"differing", "sts/cache orders", []string{"shop.yaml", "primary.yaml"}, kit.ExitNo},
		{"unknown", "backend/deploy/api orders", []string{"shop.yaml", "to-services.yaml"}, kit.ExitFailed},
		{"refused-policy", "world orders", []string{"shop.yaml", "refused.yaml"}, kit.ExitFine},
		{"world", "world orders", []string{"shop.yaml", "cidr.yaml"}, kit.ExitNo},
		{"prefix", "203.0.113.0/24 orders --why-not", []string{"shop.yaml", "cidr.yaml"}, kit.ExitNo},
		{"node-network", "ds/node-agent orders", []string{"shop.yaml", "locked.yaml"}, kit.ExitNo},
		{"to-be", "--labels role=backend,app=web --source-namespace default cluster-example", []string{"../../inventory/testdata/live-locked.json"}, kit.ExitFine},
		{"pooler", "ns/other cluster-example --pooler cluster-example-pooler-rw", []string{"../../inventory/testdata/live-locked.json"}, kit.ExitNo},
		{"why-not-command", "ns/other cluster-example --why-not", []string{"../../inventory/testdata/live-open.json", "lockdown.yaml"}, kit.ExitNo},
		{"why-not-manifest", "other/pod/backend cluster-example --why-not", []string{"../../inventory/testdata/live-locked.json"}, kit.ExitNo},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{"explain"}, strings.Fields(test.args)...)
			for _, file := range test.files {
				args = append(args, "-f", explainables+file)
			}
			code, stdout, stderr := run(t, args...)
			if code != test.code || (stderr != "") != (code == kit.ExitFailed) {
				t.Errorf("exit code %d, want %d, stderr %q", code, test.code, stderr)
			}
			golden.Compare(t, filepath.Join("testdata", "explain", test.name+".txt"), []byte(stdout))
			for line := range strings.Lines(stdout) {
				if width := terminal.Width(strings.TrimSuffix(line, "\n")); width > 100 && !strings.Contains(line, "kubectl cnpg-netpol lockdown") {
					t.Errorf("%d columns: %s", width, line)
				}
			}
		})
	}
}

func TestExplainAsJSON(t *testing.T) {
	_, stdout, _ := run(t, "explain", "pod/frontend", "cluster-example", "-o", "json", "-f", recordings+"live-locked.json")
	var e v1alpha1.Explanation
	if err := json.Unmarshal([]byte(stdout), &e); err != nil {
		t.Fatal(err)
	}
	if e.APIVersion != v1alpha1.APIVersion || e.Kind != "Explanation" || e.Verdict != v1alpha1.VerdictDenied || strings.Contains(stdout, "null") {
		t.Errorf("got %s", stdout)
	}
}

// A verdict that is unknown is an error, and --why-not has nothing to say then.
func TestExplainUnknown(t *testing.T) {
	code, _, stderr := run(t, "explain", "backend/deploy/api", "orders", "--why-not", "-f", explainables+"shop.yaml", "-f", explainables+"to-services.yaml")
	want := "Nothing to propose: the verdict is unknown.\n" +
		"error: it is unknown whether deployment/api can connect to cluster \"orders\": spec.egress[0] of CiliumNetworkPolicy/backend/api-services has toServices: which pods are behind a Service is not visible from here\n"
	if code != kit.ExitFailed || stderr != want {
		t.Errorf("exit code %d, stderr\n%s", code, stderr)
	}
}

func TestExplainRefuses(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	shop := "-f " + explainables + "shop.yaml"
	for _, test := range []struct{ name, args, want string }{
		{"nothing", "", "source and cluster are needed: explain SOURCE CLUSTER"},
		{"no cluster", "pod/web", "source and cluster are needed"},
		{"two clusters", "pod/web a b", `one cluster at a time: "b" is too much`},
		{"no cluster with labels", "--labels a=b --source-namespace shop", "the cluster is missing: explain --labels"},
		{"malformed source", "web orders", `source "web": use pod/NAME`},
		{"labels and source", "pod/web orders --labels a=b --source-namespace shop", `--labels stands in place of the source "pod/web"`},
		{"labels without namespace", "orders --labels a=b", "--labels needs --source-namespace"},
		{"malformed labels", "orders --labels a --source-namespace shop", `"a" is not a label`},
		{"namespace without labels", "pod/web orders --source-namespace shop", "--source-namespace describes a pod together with --labels"},
		{"account without labels", "pod/web orders --source-service-account x", "--source-service-account describes a pod together with --labels"},
		{"port out of range", "pod/web orders --port 70000", "port 70000 is out of range"},
		{"negative port", "pod/web orders --port=-1", "port -1 is out of range"},
		{"recursive without files", "pod/web orders -R", "--recursive needs --filename"},
		{"a picture of proposals", "pod/web orders --why-not -o mermaid", "--why-not proposes commands and policies, which are no picture: it can't be combined with -o mermaid"},
		{"unknown format", "pod/web orders -o xml", "must be one of table, wide, json, yaml"},
		{"unknown cluster", "world order " + shop, `no CloudNativePG cluster "order" in the manifests: they hold shop/orders`},
		{"cluster of another namespace", "world orders -n backend " + shop, `no CloudNativePG cluster "orders" in namespace "backend" of the manifests: they hold shop/orders`},
		{"no cluster at all", "world orders -f " + explainables + "locked.yaml", "in the manifests: they hold no Cluster"},
		{"ambiguous cluster", "world orders " + shop + " -f " + explainables + "two-clusters.yaml", `there is a cluster "orders" in each of the namespaces shop, shop2: choose one with -n`},
		{"unknown pod", "pod/nobody orders " + shop, `there is no pod "nobody" in namespace "shop" of the manifests`},
		{"unknown kind", "gadget/web orders " + shop, `no pod belongs to a "gadget"`},
		{"unknown port name", "deploy/web orders --port postgres " + shop, `no port of the instances of cluster "orders" is named "postgres"`},
		{"unknown pooler", "deploy/web orders --pooler x " + shop, `no pod of a pooler "x"`},
		{"missing file", "deploy/web orders -f nowhere.yaml", "nowhere.yaml"},
		{"no kubeconfig", "deploy/web orders", "no kubeconfig found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := run(t, append([]string{"explain"}, strings.Fields(test.args)...)...)
			if code != kit.ExitFailed || stdout != "" || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d, stdout %q, stderr\n%swant %q", code, stdout, stderr, test.want)
			}
		})
	}
}

// Every problem of a command line is reported.
func TestExplainReportsAllProblems(t *testing.T) {
	_, _, stderr := run(t, "explain", "web", "a", "b", "--port", "0", "-R", "--source-namespace", "x")
	if got := strings.Count(stderr, "error: "); got != 5 {
		t.Errorf("%d errors:\n%s", got, stderr)
	}
}

// A document that can't be read makes the answer unknown, and is named.
func TestExplainWithABrokenDocument(t *testing.T) {
	code, stdout, stderr := run(t, "explain", "deploy/web", "orders", "-f", explainables+"shop.yaml", "-f", "testdata/explain/broken.yaml")
	if code != kit.ExitFailed || !strings.Contains(stdout, "Verdict  unknown") || !strings.Contains(stderr, "broken.yaml document 1") {
		t.Errorf("exit code %d, stdout\n%s, stderr\n%s", code, stdout, stderr)
	}
}

func TestExplainCompletion(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	for _, test := range []struct{ args, want string }{
		{"explain ", "pod/\ndeployment/\nstatefulset/\ndaemonset/\njob/\ncronjob/\nnamespace/\nworld\nhost\nremote-node\nkube-apiserver\ningress\nunmanaged\ninit\nhealth\n:6\n"},
		{"explain -f " + explainables + "shop.yaml pod/web-1 ", "orders\n:4\n"},
		{"explain -f " + explainables + "shop.yaml --labels a=b ", "orders\n:4\n"},
		{"explain -f " + explainables + "shop.yaml pod/web-1 orders ", ":4\n"},
	} {
		words := strings.Split(test.args, " ")
		if _, stdout, _ := run(t, append([]string{"__complete"}, words...)...); stdout != test.want {
			t.Errorf("%q: got %q, want %q", test.args, stdout, test.want)
		}
	}
}
