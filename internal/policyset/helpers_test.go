package policyset

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

func TestMain(m *testing.M) {
	// Cilium's Parse needs the entities of a cluster; "default" is the agent's default name.
	api.InitEntities("default")
	os.Exit(m.Run())
}

// example is the document's cluster and operator, with what a test changes.
func example(change ...func(*Options)) Options {
	o := Options{}.For(types.NamespacedName{Namespace: "default", Name: "cluster-example"}, []Operator{{Namespace: "cnpg-system"}})
	for _, c := range change {
		c(&o)
	}
	return o
}

func scope(s Scope) func(*Options) { return func(o *Options) { o.Scope = s } }
func operatorOnly(o *Options)      { o.OperatorOnly = true }
func throughPoolers(o *Options)    { o.ThroughPoolers = true }
func agents(labels ...string) func(*Options) {
	return func(o *Options) { *o = o.Around(labels) }
}
func operators(list ...Operator) func(*Options) {
	return func(o *Options) { o.DetectedOperators = list }
}

// restricted is egress with one outlet of each kind, and one flag of each.
func restricted(o *Options) {
	o.Egress = true
	*o = o.Reaching([]Outlet{
		{Purpose: DNS, What: "DNS", Places: []Place{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}, Ports: []string{"53/UDP", "53/TCP"}}}},
		{Purpose: Store, What: "the object store s3.example.com:443", Field: "Cluster cluster-example spec.backup.barmanObjectStore.endpointURL", Places: []Place{{Name: "s3.example.com", Ports: []string{"443/TCP"}}}},
		{Purpose: External, What: "the PostgreSQL server legacy-rw.old:5432", Field: "Cluster cluster-example spec.replica.source", Places: []Place{
			{Namespace: "old", Labels: map[string]string{"cnpg.io/cluster": "legacy", "cnpg.io/podRole": "instance"}, Ports: []string{"5432/TCP"}},
		}},
	})
	allow(EgressCIDR, "192.0.2.0/24:443")(o)
	allow(EgressName, "*.example.org")(o)
	allow(EgressPods, "storage:app in (minio,ceph):9000")(o)
}

func named(n string) func(*Options) { return func(o *Options) { o.Cluster.Name = n } }

// allow adds one grant for each value, and one for none.
func allow(kind Kind, values ...string) func(*Options) {
	return func(o *Options) {
		for _, value := range values {
			*o = o.With(Grant{Kind: kind, Value: value})
		}
		if len(values) == 0 {
			*o = o.With(Grant{Kind: kind})
		}
	}
}

func selector(t testing.TB, text string) Selector {
	t.Helper()
	s, err := ParseSelector(text)
	if err != nil {
		t.Fatalf("ParseSelector(%q): %v", text, err)
	}
	return s
}

func build(t testing.TB, o Options) []Policy {
	t.Helper()
	policies, err := Build(o)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return policies
}

// only returns the policy with the role, which must be the only one.
func only(t testing.TB, policies []Policy, role Role) Policy {
	t.Helper()
	var found []Policy
	for _, p := range policies {
		if p.Role == role {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d policies with role %q, want 1", len(found), role)
	}
	return found[0]
}

func names(policies []Policy) []string {
	var out []string
	for _, p := range policies {
		out = append(out, p.Object.Name)
	}
	return out
}

func objects(policies []Policy) []*ciliumv2.CiliumNetworkPolicy {
	var out []*ciliumv2.CiliumNetworkPolicy
	for _, p := range policies {
		out = append(out, p.Object)
	}
	return out
}

// mustBeValid fails when Cilium's agent would refuse the policy.
func mustBeValid(t testing.TB, p Policy) {
	t.Helper()
	if _, err := p.Object.DeepCopy().Parse(slog.New(slog.DiscardHandler), "default"); err != nil {
		t.Errorf("Cilium refuses %s: %v", p.Object.Name, err)
	}
}

// document reads one of the document's literal policies as Cilium's types read it, which pass over
// unknown fields within selectors.
func document(t testing.TB, file string) *ciliumv2.CiliumNetworkPolicy {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "document", file))
	if err != nil {
		t.Fatal(err)
	}
	p := &ciliumv2.CiliumNetworkPolicy{}
	if err := yaml.Unmarshal(raw, p); err != nil {
		t.Fatal(err)
	}
	return p
}
