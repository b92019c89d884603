package manifests

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// load reads text from the standard input.
func load(t *testing.T, text string) (*inventory.Inventory, error) {
	t.Helper()
	return Load(context.Background(), Options{
		FilenameOptions: resource.FilenameOptions{Filenames: []string{"-"}}, Stdin: strings.NewReader(text),
	})
}

func mustLoad(t *testing.T, text string) *inventory.Inventory {
	t.Helper()
	inv, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func files(names ...string) Options {
	return Options{FilenameOptions: resource.FilenameOptions{Filenames: names}}
}

func podNames(inv *inventory.Inventory) []string {
	var names []string
	for _, p := range inv.Pods {
		name := p.Namespace + "/" + p.Name + " " + p.Workload.String()
		if p.Expected {
			name += " expected"
		}
		names = append(names, name)
	}
	return names
}

func TestARecordedCluster(t *testing.T) {
	inv, err := Load(context.Background(), files("../testdata/live-document-literal.json"))
	if err != nil {
		t.Fatal(err)
	}
	if inv.Origin != inventory.Manifests || len(inv.Missing) > 0 {
		t.Errorf("origin %q, missing %v", inv.Origin, inv.Missing)
	}
	if len(inv.Pods) != 19 || len(inv.Namespaces) != 9 || len(inv.Endpoints) != 13 || len(inv.Clusters) != 1 || len(inv.Poolers) != 1 {
		t.Errorf("%d pods, %d namespaces, %d endpoints, %d clusters, %d poolers",
			len(inv.Pods), len(inv.Namespaces), len(inv.Endpoints), len(inv.Clusters), len(inv.Poolers))
	}
	for _, p := range inv.Pods {
		if p.Expected {
			t.Errorf("%s was seen", p.Name)
		}
	}
	if s := inv.Settings; !s.Found || !s.Agent || s.L7Proxy || s.IPv6 || s.Source != "kube-system/cilium-config" {
		t.Errorf("settings %+v", s)
	}
	want := []inventory.Operator{{
		Namespace: "cnpg-system", Deployment: "cnpg-controller-manager", ServiceAccount: "cnpg-manager",
		PodLabels: map[string]string{"app.kubernetes.io/name": "cloudnative-pg"},
		Image:     "ghcr.io/cloudnative-pg/cloudnative-pg:1.29.1",
		FoundBy:   "label app.kubernetes.io/name=cloudnative-pg",
	}}
	if d := cmp.Diff(want, inv.Operators); d != "" {
		t.Error(d)
	}
	var valid []string
	for _, p := range inv.Policies {
		if p.Condition != nil && p.Condition.Valid {
			valid = append(valid, p.Name)
		}
	}
	if d := cmp.Diff([]string{"cnpg-cluster-internal-access", "postgres-access-backend-any-ns", "postgres-access-backend-label"}, valid); d != "" || len(inv.Policies) != 4 {
		t.Error(len(inv.Policies), d)
	}
	e := inv.Endpoints[types.NamespacedName{Namespace: "default", Name: "cluster-example-1"}]
	if e.IdentityID != 2656 || !slices.Contains(e.IdentityLabels, "k8s:cnpg.io/instanceRole=primary") || len(e.NamedPorts) != 3 {
		t.Errorf("endpoint %+v", e)
	}
}

func TestADirectory(t *testing.T) {
	inv, err := Load(context.Background(), files("../testdata/document"))
	if err != nil || len(inv.Policies) != 7 {
		t.Fatalf("%v, %+v", err, inv)
	}
	for _, p := range inv.Policies {
		if !strings.HasPrefix(p.Source.String(), filepath.Join("..", "testdata", "document")) || !strings.HasSuffix(p.Source.String(), ".yaml document 1") {
			t.Errorf("source %q", p.Source)
		}
		if want := p.Name == "postgres-access-backend-any-ns"; (len(p.IgnoredFields) > 0) != want {
			t.Errorf("%s: ignored fields %v", p.Name, p.IgnoredFields)
		}
	}
	if inv.Settings.Found || inv.Settings.Agent {
		t.Errorf("settings %+v", inv.Settings)
	}
}

func TestDirectoriesWithinAndPatterns(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pod := func(name string) string { return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\n" }
	write("a.yaml", pod("a"))
	write("b.json", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"}}`)
	write("notes.txt", "not looked at")
	write("sub/c.yml", pod("c"))
	write("utf16.yaml", "\xff\xfe"+strings.Join(strings.Split(pod("u"), ""), "\x00")+"\x00")
	for _, tc := range []struct {
		name      string
		filenames []string
		recursive bool
		want      []string
	}{
		{"directory", []string{dir}, false, []string{"a", "b", "u"}},
		{"recursive", []string{dir}, true, []string{"a", "b", "c", "u"}},
		{"pattern", []string{filepath.Join(dir, "*.json")}, false, []string{"b"}},
		{"two files", []string{filepath.Join(dir, "b.json"), filepath.Join(dir, "a.yaml")}, false, []string{"a", "b"}},
	} {
		o := files(tc.filenames...)
		o.Recursive = tc.recursive
		inv, err := Load(context.Background(), o)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		var names []string
		for _, p := range inv.Pods {
			names = append(names, p.Name)
		}
		if d := cmp.Diff(tc.want, names); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
}

func TestForms(t *testing.T) {
	const a, b = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"}}`
	for name, text := range map[string]string{
		"JSON values":           a + "\n" + b,
		"JSON and YAML":         a + "\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n",
		"JSON with separators":  a + "\n---\n" + b,
		"YAML flow":             "{apiVersion: v1, kind: Pod, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: b}}",
		"List":                  `{"apiVersion":"v1","kind":"List","items":[` + a + "," + b + "]}",
		"PodList without kinds": `{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}`,
		"List of Lists":         `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"List","items":[` + a + "]}," + b + "]}",
		"empty documents":       "# a comment\n---\n---\n" + a + "\n---\n# nothing\n---\n" + b + "\n---\n",
		"byte order mark":       "\xef\xbb\xbf" + a + b,
		"other kinds":           a + b + `{"apiVersion":"v1","kind":"Secret"}{"apiVersion":"cluster.x-k8s.io/v1","kind":"Cluster"}`,
	} {
		inv, err := load(t, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff([]string{"default/a pod/a", "default/b pod/b"}, podNames(inv)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestTheLastDocumentOfANameCounts(t *testing.T) {
	inv := mustLoad(t, `
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {v: "1"}}
---
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: default, labels: {v: "2"}}
---
apiVersion: v1
kind: Pod
metadata: {name: over}
status: {phase: Succeeded}
`)
	if len(inv.Pods) != 1 || inv.Pods[0].Labels["v"] != "2" {
		t.Errorf("pods %+v", inv.Pods)
	}
}

func TestDefaultNamespace(t *testing.T) {
	o := files("-")
	o.DefaultNamespace = "shop"
	o.Stdin = strings.NewReader("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}}")
	inv, err := Load(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := []inventory.Namespace{{Name: "shop", Labels: map[string]string{"kubernetes.io/metadata.name": "shop"}}}
	if d := cmp.Diff(want, inv.Namespaces); d != "" || inv.Policies[0].Namespace != "shop" || inv.Policies[0].Source.String() != "stdin document 1" {
		t.Error(inv.Policies[0], d)
	}
}

const workloads = `
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: shop}
spec: {instances: 2}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: rw, namespace: shop}
spec: {cluster: {name: pg}, pgbouncer: {poolMode: session}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: rw, namespace: shop, ownerReferences: [{apiVersion: postgresql.cnpg.io/v1, kind: Pooler, name: rw, uid: u, controller: true}]}
spec: {template: {metadata: {labels: {cnpg.io/poolerName: rw, cnpg.io/podRole: pooler}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 2, template: {metadata: {labels: {app: web}}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-abc, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}]}
spec: {replicas: 2, template: {metadata: {labels: {app: web, pod-template-hash: abc}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec: {template: {metadata: {labels: {app: api}}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: api-abc-xyz
  namespace: shop
  labels: {app: api, pod-template-hash: abc}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: api-abc, uid: u, controller: true}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: cilium, namespace: kube-system, labels: {k8s-app: cilium}}
spec: {template: {spec: {hostNetwork: true}}}
`

func TestExpectedPodsOfWorkloads(t *testing.T) {
	inv := mustLoad(t, workloads)
	want := []string{
		"kube-system/cilium-1 daemonset/cilium expected",
		"shop/api-abc-xyz deployment/api",
		"shop/pg-1 cluster/pg expected",
		"shop/pg-2 cluster/pg expected",
		"shop/rw-1 pooler/rw expected",
		"shop/web-1 deployment/web expected",
		"shop/web-2 deployment/web expected",
	}
	if d := cmp.Diff(want, podNames(inv)); d != "" {
		t.Error(d)
	}
	if !inv.Settings.Agent || inv.Settings.Found {
		t.Errorf("settings %+v", inv.Settings)
	}
}

func TestAPoolersDeploymentWithoutThePooler(t *testing.T) {
	documents := strings.SplitAfter(workloads, "---\n")
	inv := mustLoad(t, documents[2])
	if d := cmp.Diff([]string{"shop/rw-1 pooler/rw expected"}, podNames(inv)); d != "" {
		t.Error(d)
	}
}

func TestOperators(t *testing.T) {
	const pod = `
apiVersion: v1
kind: Pod
metadata: {name: op-1, namespace: pg-operator, labels: {app: op}}
---
`
	const webhook = `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: cnpg-mutating-webhook-configuration}
webhooks:
- {name: mbackup.cnpg.io, clientConfig: {service: {name: cnpg-webhook-service, namespace: pg-operator}}}
- {name: mcluster.cnpg.io, clientConfig: {service: {name: cnpg-webhook-service, namespace: pg-operator}}}
---
`
	const service = `
apiVersion: v1
kind: Service
metadata: {name: cnpg-webhook-service, namespace: pg-operator}
spec: {selector: {app: op}}
---
`
	for _, tc := range []struct {
		name, text string
		want       []inventory.Operator
	}{
		{"none", pod, nil},
		{"webhook", webhook, []inventory.Operator{{Namespace: "pg-operator", FoundBy: "webhook configuration cnpg-mutating-webhook-configuration"}}},
		{"webhook with service and pod", pod + webhook + service, []inventory.Operator{{
			Namespace: "pg-operator", PodLabels: map[string]string{"app": "op"}, ServiceAccount: "default",
			FoundBy: "webhook configuration cnpg-mutating-webhook-configuration"}}},
	} {
		if d := cmp.Diff(tc.want, mustLoad(t, tc.text).Operators); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
}

func TestSettingsThatCannotBeUsed(t *testing.T) {
	inv := mustLoad(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: net}\ndata: {enable-policy: some}")
	if len(inv.Missing) != 1 || !strings.Contains(inv.Missing[0].Message, `"enable-policy" in net/cilium-config is "some"`) || !inv.Settings.Found {
		t.Errorf("missing %+v, settings %+v", inv.Missing, inv.Settings)
	}
}

func TestWhichSettingsCount(t *testing.T) {
	config := func(namespace, enforcement string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: " + namespace + "}\ndata: {enable-policy: " + enforcement + "}\n---\n"
	}
	agent := "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: cilium, namespace: net, labels: {k8s-app: cilium}}\n---\n"
	for name, tc := range map[string]struct{ text, source, missing string }{
		"the only one":              {config("app", "always"), "app/cilium-config", ""},
		"kube-system's":             {config("kube-system", "always") + config("app", "never"), "kube-system/cilium-config", "not from app/cilium-config"},
		"that beside the agent":     {config("kube-system", "never") + config("net", "always") + agent, "net/cilium-config", "not from kube-system/cilium-config"},
		"the first one by its name": {config("b", "never") + config("a", "always"), "a/cilium-config", "not from b/cilium-config"},
	} {
		inv := mustLoad(t, tc.text)
		if inv.Settings.Source != tc.source || inv.Settings.EnablePolicy != "always" {
			t.Errorf("%s: settings %+v", name, inv.Settings)
		}
		if tc.missing == "" && len(inv.Missing) > 0 || tc.missing != "" && (len(inv.Missing) != 1 || !strings.Contains(inv.Missing[0].Message, tc.missing)) {
			t.Errorf("%s: missing %+v", name, inv.Missing)
		}
	}
}

func TestEveryProblemIsReportedAndTheRestIsRead(t *testing.T) {
	inv, err := load(t, `
apiVersion: v1
kind: Pod
metadata: {name: good}
---
a: [
---
kind: Pod
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: broken}
spec: []
---
apiVersion: v1
kind: Pod
metadata: {name: bad, labels: {a: 1}}
---
apiVersion: v1
kind: PodList
items: [{metadata: {name: fine}}, {metadata: {}}]
---
--- x
`)
	if inv == nil || err == nil {
		t.Fatalf("inventory %v, error %v", inv, err)
	}
	want := []string{
		"stdin document 2: not valid YAML",
		"stdin document 3: not a Kubernetes object: apiVersion or kind is missing",
		"stdin document 5: metadata.labels: a number is here, and text is needed",
		"stdin document 6 item 2: metadata.name is missing",
		"stdin document 7: invalid Yaml document separator",
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) || len(inv.Missing) != len(want) {
		t.Fatalf("%d problems and %d missing, want %d:\n%v", len(lines), len(inv.Missing), len(want), err)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) || inv.Missing[i].Reason != inventory.Failed || !strings.HasPrefix(inv.Missing[i].Message, want[i]) {
			t.Errorf("problem %q, missing %+v, want %q", lines[i], inv.Missing[i], want[i])
		}
	}
	if d := cmp.Diff([]string{"default/fine pod/fine", "default/good pod/good"}, podNames(inv)); d != "" {
		t.Error(d)
	}
	if len(inv.Policies) != 1 || inv.Policies[0].Refused == "" || inv.Policies[0].Source.String() != "stdin document 4" {
		t.Errorf("policies %+v", inv.Policies)
	}
}

func TestNothingToRead(t *testing.T) {
	empty := t.TempDir()
	for _, tc := range []struct {
		name string
		o    Options
		want string
	}{
		{"no file named", files(), "no manifests named"},
		{"missing file", files("no-such.yaml", "neither.yaml"), "the path \"no-such.yaml\" does not exist\nthe path \"neither.yaml\" does not exist"},
		{"bad pattern", files("["), `pattern "[" is not valid`},
		{"URL", files("https://example.org/x.yaml"), "is a URL"},
		{"a kustomization that is not there", Options{Kustomizations: []string{"dir"}}, "the kustomization \"dir\" does not exist"},
		{"a kustomization that is a file", Options{Kustomizations: []string{"load.go"}}, "\"load.go\" is no directory"},
		{"a kustomization elsewhere", Options{Kustomizations: []string{"https://example.org/x"}}, "is a URL"},
		{"no name", files(""), "the name of a file is empty"},
		{"empty directory", files(empty), "no Kubernetes objects in " + empty},
		{"empty input", files("-"), "no Kubernetes objects in -"},
	} {
		inv, err := Load(context.Background(), tc.o)
		if inv != nil || err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: inventory %v, error %v, want %q", tc.name, inv, err, tc.want)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Load(ctx, files("../testdata/live-open.json")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(workloads))
	f.Add([]byte("a: [\n--- x\n{"))
	f.Add([]byte(`{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ListList","items":[null,1,{}]}]}`))
	for _, file := range []string{"1-default-deny.yaml", "5-postgres-access-backend-any-ns.yaml"} {
		text, err := os.ReadFile("../testdata/document/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		inv, err := load(t, string(text))
		if (inv == nil) && err == nil {
			t.Error("neither an inventory nor an error")
		}
	})
}

// Control characters are no part of a name, whatever a terminal makes of the bracket among them: they stand for none.
func TestNamesWithControlCharactersAreNoPlaceholders(t *testing.T) {
	inv := mustLoad(t, "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: \"p\\u001b[31m\", namespace: db}\nspec: {endpointSelector: {}, ingress: [{}]}\n")
	if len(inv.Missing) > 0 || len(inv.Policies) != 1 || !strings.Contains(inv.Policies[0].Refused, "is not valid") {
		t.Errorf("missing %v, policies %+v", inv.Missing, inv.Policies)
	}
	inv = mustLoad(t, "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: \"p[31m\", namespace: db}\nspec: {endpointSelector: {}, ingress: [{}]}\n")
	if len(inv.Missing) != 1 || inv.Missing[0].Reason != inventory.NotRendered {
		t.Errorf("a bracket without them: %v", inv.Missing)
	}
}
