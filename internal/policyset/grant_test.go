package policyset

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// clients are all kinds of clients in an example: how the flag is typed, what is stored, and what the
// policy is called. What is stored and the name must never change.
var clients = []struct{ argument, stored, name string }{
	{"--allow-pods=role=backend", "pods=role=backend", "postgres-access-role-backend"},
	{"--allow-pods=!legacy,role in (jobs,backend)", "pods=!legacy,role in (backend,jobs)", "postgres-access-not-legacy-role-in-bac.23dda6f2"},
	{"--allow-pods-any-namespace=role==backend", "pods-any-namespace=role=backend", "postgres-access-any-namespace-role-backend"},
	{"--allow-namespace=backend", "namespace=backend", "postgres-access-namespace-backend"},
	{"--allow-cluster-wide", "cluster-wide", "postgres-access-cluster-wide"},
	{"--allow-service-account=shop", "service-account=default/shop", "postgres-access-service-account.default.shop"},
	{"--allow-service-account=backend/shop.v2", "service-account=backend/shop.v2", "postgres-access-service-account.backend.shop.v2"},
	{"--allow-service-account=data-platform/etl-nightly-runner", "service-account=data-platform/etl-nightly-runner", "postgres-access-service-account-data-p.53270b2e"},
	{"--allow-cidr=192.0.2.0/24", "cidr=192.0.2.0/24", "postgres-access-cidr-192-0-2-0-24.92f7a33b"},
	{"--allow-metrics=monitoring", "metrics=monitoring", "metrics-access-monitoring"},
	{"--allow-kubectl-cnpg", "kubectl-cnpg", "kubectl-cnpg-access"},
	{"--allow-egress-cidr=192.0.2.0/24:443", "egress-cidr=192.0.2.0/24:443", "egress-cidr-192-0-2-0-24-443.44e69eda"},
	{"--allow-egress-cidr=2001:db8::/32", "egress-cidr=2001:db8::/32", "egress-cidr-2001-db8-32.d9d20b69"},
	{"--allow-egress-cidr=[2001:db8::1]:5432", "egress-cidr=[2001:db8::1/128]:5432", "egress-cidr-2001-db8-1-128-5432.1e68860a"},
	{"--allow-egress-fqdn=S3.example.com.:443", "egress-fqdn=s3.example.com:443", "egress-fqdn-s3-example-com-443.edfdce8f"},
	{"--allow-egress-fqdn=backups.s3.*.amazonaws.com", "egress-fqdn=backups.s3.*.amazonaws.com", "egress-fqdn-backups-s3-amazonaws-com.a9db4991"},
	{"--allow-egress-pods=storage", "egress-pods=storage", "egress-pods-storage.6b8fb439"},
	{"--allow-egress-pods=storage:9000", "egress-pods=storage:9000", "egress-pods-storage-9000.c1b2b837"},
	{"--allow-egress-pods=storage:app in (minio,b):9000", "egress-pods=storage:app in (b,minio):9000", "egress-pods-storage-app-in-b-minio-900.51215bd8"},
}

func clientArguments() []string {
	var out []string
	for _, c := range clients {
		out = append(out, c.argument)
	}
	return out
}

func isEgress(argument string) bool { return strings.HasPrefix(argument, "--allow-egress-") }

func TestGrants(t *testing.T) {
	seen := map[Kind]bool{}
	for _, tc := range clients {
		t.Run(tc.argument, func(t *testing.T) {
			egress := strings.HasPrefix(tc.argument, "--allow-egress-")
			o, err := Parse(FlagValues{Allow: []string{tc.argument}, Egress: egress})
			if err != nil {
				t.Fatal(err)
			}
			g := o.Grants[0]
			seen[g.Kind] = true
			again, err := parseGrant(tc.stored)
			if err != nil || again.String() != tc.stored {
				t.Errorf("read as %q: %v", again, err)
			}
			o = o.For(types.NamespacedName{Namespace: "default", Name: "cluster-example"}, []Operator{{Namespace: "cnpg-system"}})
			d, _ := definition(g.Kind)
			set := slices.DeleteFunc(build(t, o), func(p Policy) bool { return IsOutlet(p.Object) })
			p := only(t, set, d.Role)
			mustBeValid(t, p)
			if p.Object.Name != "cluster-example-"+tc.name {
				t.Errorf("its policy is called %s", p.Object.Name)
			}
			record := map[string]any{"scope": "cluster", "allow": []string{tc.stored}}
			if egress {
				record["egress"] = true
			}
			stored, err := json.Marshal(record)
			if err != nil {
				t.Fatal(err)
			}
			if p.Object.Annotations["cnpg-netpol/grant"] != tc.stored || len(p.Object.Annotations) != 2 || !sameJSON(p.Object.Annotations["cnpg-netpol/set"], string(stored)) {
				t.Errorf("its policy has the annotations %v", p.Object.Annotations)
			}
		})
	}
	for _, d := range Definitions() {
		if !seen[d.Kind] {
			t.Errorf("no example of %s", d.Kind)
		}
	}
}

// Before, the flag was stored. What was locked then is as it shall be, and is read as what it is.
func TestSetsThatHoldFlags(t *testing.T) {
	o, err := Parse(FlagValues{Allow: slices.DeleteFunc(clientArguments(), isEgress)})
	if err != nil {
		t.Fatal(err)
	}
	cluster := types.NamespacedName{Namespace: "default", Name: "cluster-example"}
	o = o.For(cluster, []Operator{{Namespace: "cnpg-system"}})
	policies := build(t, o)
	live := objects(policies)
	for i, p := range live {
		live[i] = p.DeepCopy()
		if text, ok := p.Annotations[AnnotationGrant]; ok {
			live[i].Annotations = map[string]string{"cnpg-netpol/flag": "--allow-" + text}
		}
		delete(live[i].Annotations, AnnotationSet)
		if !IsOlder(live[i], policies[i].Object) {
			t.Errorf("%s differs in %q", p.Name, Differences(live[i], policies[i].Object))
		}
	}
	got, err := FromLive(cluster, live)
	if err != nil || !slices.Equal(Flags(got), Flags(o)) {
		t.Errorf("read as %q, %v", got.Grants, err)
	}

	changed := live[1]
	desired := policies[1].Object
	for name, annotations := range map[string]map[string]string{
		"another flag":    {"cnpg-netpol/flag": "--allow-pods=role=frontend"},
		"both":            {"cnpg-netpol/flag": "--allow-" + desired.Annotations[AnnotationGrant], AnnotationGrant: desired.Annotations[AnnotationGrant]},
		"no flag at all":  {"cnpg-netpol/flag": desired.Annotations[AnnotationGrant][1:]},
		"an empty string": {"cnpg-netpol/flag": ""},
	} {
		changed.Annotations = annotations
		if got := Differences(changed, desired); !slices.Contains(got, "metadata.annotations[cnpg-netpol/flag]") {
			t.Errorf("%s: differs in %q", name, got)
		}
	}
}

func TestDefinitions(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Definitions() {
		for _, key := range []string{string(d.Kind), d.Flag} {
			if seen[key] {
				t.Errorf("%s is there twice", key)
			}
			seen[key] = true
		}
		if strings.ContainsAny(string(d.Kind), "=,") || !strings.HasPrefix(d.Flag, "--allow-") {
			t.Errorf("%s, %s: want a name without = and a flag --allow-…", d.Kind, d.Flag)
		}
		if repeatable := strings.HasSuffix(d.Usage, " (repeatable)"); repeatable != (d.Placeholder != "") {
			t.Errorf("%s: kinds with a value are repeatable, and others are not: %q", d.Kind, d.Usage)
		}
		if d.Document != "" && d.Role != PostgresAccess {
			t.Errorf("%s: the document has no such policy", d.Kind)
		}
	}
}

func TestSuggestions(t *testing.T) {
	labels := func(namespace string) (Selector, bool) {
		if namespace == "" {
			return selector(t, "app=shop,role=backend"), true
		}
		return selector(t, "role=backend"), true
	}
	noLabels := func(string) (Selector, bool) { return Selector{}, false }
	for _, tc := range []struct {
		name   string
		port   uint16
		source Source
		want   string
	}{
		{"a pod beside the database", cnpg.PostgresPort, Source{Home: "shop", Namespace: "shop", Selector: labels},
			"pods=role=backend namespace=shop pods-any-namespace=app=shop,role=backend cluster-wide"},
		{"a pod elsewhere", cnpg.PostgresPort, Source{Home: "shop", Namespace: "backend", Selector: labels},
			"namespace=backend pods-any-namespace=app=shop,role=backend cluster-wide"},
		{"pods of several namespaces", cnpg.PostgresPort, Source{Home: "shop", Selector: labels},
			"pods-any-namespace=app=shop,role=backend cluster-wide"},
		{"a pod without labels", cnpg.PostgresPort, Source{Home: "shop", Namespace: "shop", Selector: noLabels}, "namespace=shop cluster-wide"},
		{"a pod with an account", cnpg.PostgresPort, Source{Home: "shop", Namespace: "shop", ServiceAccount: "web", Selector: labels},
			"pods=role=backend service-account=shop/web namespace=shop pods-any-namespace=app=shop,role=backend cluster-wide"},
		{"a pod with an account elsewhere", cnpg.PostgresPort, Source{Home: "shop", Namespace: "backend", ServiceAccount: "web", Selector: noLabels},
			"service-account=backend/web namespace=backend cluster-wide"},
		{"a pod that names no account", cnpg.PostgresPort, Source{Home: "shop", Namespace: "backend", ServiceAccount: "default", Selector: noLabels},
			"namespace=backend cluster-wide"},
		{"no pod", cnpg.PostgresPort, Source{Home: "shop", Selector: noLabels}, "cluster-wide"},
		{"metrics", cnpg.MetricsPort, Source{Home: "shop", Namespace: "monitoring", Selector: labels}, "metrics=monitoring:role=backend"},
		{"metrics, a pod without labels", cnpg.MetricsPort, Source{Home: "shop", Namespace: "monitoring", Selector: noLabels}, "metrics=monitoring"},
		{"metrics of poolers, no pod", cnpg.PoolerMetricsPort, Source{Home: "shop", Selector: noLabels}, ""},
		{"status", cnpg.StatusPort, Source{Home: "shop", Namespace: "backend", Selector: labels}, "kubectl-cnpg"},
		{"a port that no kind opens", 22, Source{Home: "shop", Namespace: "backend", Selector: labels}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, g := range Suggestions(tc.port, tc.source) {
				got = append(got, g.String())
			}
			if text := strings.Join(got, " "); text != tc.want {
				t.Errorf("got %s, want %s", text, tc.want)
			}
		})
	}
}
