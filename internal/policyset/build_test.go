package policyset

import (
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
)

func TestGoldenPolicies(t *testing.T) {
	for _, tc := range []struct {
		file    string
		options Options
		role    Role
	}{
		{"1-default-deny", example(), DefaultDeny},
		{"1-default-deny.namespace", example(scope(ScopeNamespace)), DefaultDeny},
		{"1-default-deny.namespace-shared", example(scope(ScopeNamespace), func(o *Options) { o.SharedWith = []string{"orders"} }), DefaultDeny},
		{"2-operator-access", example(operatorOnly), OperatorAccess},
		{"2-operator-access.namespace", example(operatorOnly, scope(ScopeNamespace)), OperatorAccess},
		{"3-internal-access", example(), InternalAccess},
		{"3-internal-access.namespace", example(scope(ScopeNamespace)), InternalAccess},
		{"3-internal-access.two-operators", example(func(o *Options) { o.OperatorNamespaces = []string{"platform", "cnpg-system"} }), InternalAccess},
		{"2-operator-access.seen", example(operatorOnly, operators(manifest)), OperatorAccess},
		{"3-internal-access.seen", example(operators(manifest)), InternalAccess},
		{"3-internal-access.seen-under-another-name", example(operators(renamed)), InternalAccess},
		{"4-pods", example(allow(Pods, "role=backend")), PostgresAccess},
		{"4-pods.expressions", example(allow(Pods, "role in (backend,jobs),tier,!legacy,zone!=b")), PostgresAccess},
		{"5-pods-any-namespace", example(allow("pods-any-namespace", "role=backend")), PostgresAccess},
		{"6-namespace", example(allow(Namespace, "backend")), PostgresAccess},
		{"7-cluster-wide", example(allow(ClusterWide)), PostgresAccess},
		{"cidr", example(allow("cidr", "192.0.2.0/24")), PostgresAccess},
		{"service-account", example(allow("service-account", "backend/shop")), PostgresAccess},
		{"metrics", example(allow(Metrics, "monitoring")), MetricsAccess},
		{"metrics.some-pods", example(allow(Metrics, "monitoring:app=prometheus,!canary")), MetricsAccess},
		{"kubectl-cnpg", example(allow(KubectlCNPG)), KubectlCNPGAccess},
		{"kubectl-cnpg.konnectivity", example(allow(KubectlCNPG), agents("k8s-app", "app")), KubectlCNPGAccess},
		{"4-pods.through-poolers", example(allow(Pods, "role=backend"), throughPoolers), PostgresAccess},
		{"3-internal-access.through-poolers", example(throughPoolers), InternalAccess},
	} {
		t.Run(tc.file, func(t *testing.T) {
			p := only(t, build(t, tc.options), tc.role)
			mustBeValid(t, p)
			got, err := YAML([]Policy{p})
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, filepath.Join("testdata", tc.file+".yaml"), got)
		})
	}
}

func TestClientPoliciesAreTheSameInBothScopes(t *testing.T) {
	clients := []func(*Options){allow(Pods, "role=backend"), allow("pods-any-namespace", "role=backend"), allow(Namespace, "backend"), allow(ClusterWide), allow(Metrics, "monitoring"), allow(KubectlCNPG)}
	narrow := build(t, example(clients...))
	wide := build(t, example(append(clients, scope(ScopeNamespace))...))
	for i, p := range narrow {
		if p.Role == InternalAccess || p.Role == DefaultDeny {
			continue
		}
		// What is stored of the whole set differs.
		if p.Object.Name != wide[i].Object.Name || !reflect.DeepEqual(p.Object.Spec, wide[i].Object.Spec) {
			t.Errorf("%s differs between the scopes", p.Object.Name)
		}
	}
}

// With ScopeNamespace, our policies are the document's, rule by rule.
func TestRulesEqualTheDocument(t *testing.T) {
	for _, tc := range []struct {
		file    string
		options Options
		role    Role
	}{
		{"2-cnpg-operator-access.yaml", example(scope(ScopeNamespace), operatorOnly), OperatorAccess},
		{"3-cnpg-cluster-internal-access.yaml", example(scope(ScopeNamespace)), InternalAccess},
		{"4-postgres-access-backend-label.yaml", example(scope(ScopeNamespace), allow(Pods, "role=backend")), PostgresAccess},
		{"6-postgres-access-backend-namespace.yaml", example(scope(ScopeNamespace), allow(Namespace, "backend")), PostgresAccess},
		{"7-postgres-access-cluster-wide.yaml", example(scope(ScopeNamespace), allow(ClusterWide)), PostgresAccess},
	} {
		t.Run(tc.file, func(t *testing.T) {
			literal := document(t, tc.file)
			ours := only(t, build(t, tc.options), tc.role).Object
			if !reflect.DeepEqual(ours.Spec.EndpointSelector, literal.Spec.EndpointSelector) {
				t.Errorf("endpointSelector is %v, the document's is %v", ours.Spec.EndpointSelector, literal.Spec.EndpointSelector)
			}
			if !reflect.DeepEqual(ours.Spec.Ingress, literal.Spec.Ingress) {
				t.Errorf("ingress is %+v, the document's is %+v", ours.Spec.Ingress, literal.Spec.Ingress)
			}
		})
	}
}

func TestPolicy1DiffersFromTheDocumentInItsRule(t *testing.T) {
	literal := document(t, "1-default-deny.yaml")
	ours := only(t, build(t, example(scope(ScopeNamespace))), DefaultDeny).Object
	if got, want := specPaths(Differences(literal, ours)), []string{"spec.ingress"}; !slices.Equal(got, want) {
		t.Errorf("differs in %v, want %v", got, want)
	}
	if ours.Name != literal.Name || !ours.Spec.EndpointSelector.IsWildcard() || len(ours.Spec.Ingress) != 1 {
		t.Errorf("want the document's name, reach, and one empty rule; got %s, %v", ours.Name, ours.Spec)
	}
	if _, err := literal.Parse(slog.New(slog.DiscardHandler), "default"); err == nil || !strings.Contains(err.Error(), "at least one of Ingress") {
		t.Errorf("Cilium should refuse the document's empty list of rules, got %v", err)
	}
}

func TestPolicy5DiffersFromTheDocumentInTheNesting(t *testing.T) {
	literal := document(t, "5-postgres-access-backend-any-ns.yaml")
	// Cilium's types pass over labelSelector, which is not in the schema.
	if !literal.Spec.Ingress[0].FromEndpoints[0].IsWildcard() {
		t.Errorf("without the unknown field, the document's selector should be {}: %v", literal.Spec.Ingress)
	}
	ours := only(t, build(t, example(scope(ScopeNamespace), allow("pods-any-namespace", "role=backend"))), PostgresAccess).Object
	want := []string{"spec.enableDefaultDeny", "spec.ingress[0].fromEndpoints[0].matchExpressions", "spec.ingress[0].fromEndpoints[0].matchLabels"}
	if got := specPaths(Differences(literal, ours)); !slices.Equal(got, want) {
		t.Errorf("differs in %v, want %v", got, want)
	}
}

func specPaths(paths []string) []string {
	return slices.DeleteFunc(paths, func(p string) bool { return !strings.HasPrefix(p, "spec") })
}

func TestBuildRefuses(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, tc := range []struct {
		name    string
		options Options
		want    []string
	}{
		{"a cluster's name that is no label value", example(named(long)), []string{`"` + long + `" cannot be the name`, "63"}},
		{"a cluster's name that is no object's name", example(named("Orders")), []string{`"Orders" cannot be the name`}},
		{"no name", example(named("")), []string{"the cluster's name is missing"}},
		{"no namespace", example(func(o *Options) { o.Cluster.Namespace = "" }), []string{`namespace of cluster "cluster-example"`}},
		{"no operator", example(func(o *Options) { o.DetectedOperators = nil }), []string{"--operator-namespace"}},
		{"a zero selector", example(allow(Pods)), []string{`--allow-pods "": an empty selector`}},
		{"an unknown scope", example(scope("galaxy")), []string{`scope "galaxy"`}},
		{"a wrong co-user", example(func(o *Options) { o.SharedWith = []string{"A_"} }), []string{`"A_" cannot be the name`}},
		{"everything at once", Options{Grants: []Grant{{Namespace, "Back"}, {Metrics, "x y"}, {ClusterWide, "no"}, {"galaxy", ""}}}, []string{"name is missing", "--operator-namespace", `--allow-namespace "Back"`, `--allow-metrics "x y"`, `--allow-cluster-wide: takes no value, and "no" is one`, `"galaxy" is no kind of client`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			policies, err := Build(tc.options)
			if err == nil {
				t.Fatalf("built %v", names(policies))
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestBuildDoesNotDependOnOrderOrRepetition(t *testing.T) {
	a := example(allow(Pods, "role=backend", "a=b,c in (e,d)"), allow(Namespace, "x", "y"), func(o *Options) { o.OperatorNamespaces = []string{"b", "a"} })
	b := example(allow(Pods, "c in (d,e,d),a==b", "role in (backend)", "role=backend"), allow(Namespace, "y", "x", "y"), func(o *Options) { o.OperatorNamespaces = []string{"a", "b", "a"} })
	if !reflect.DeepEqual(build(t, a), build(t, b)) {
		t.Error("equal wishes gave different sets")
	}
}

func TestSharedDefaultDenyIsReleasedByTheLastUser(t *testing.T) {
	orders := example(scope(ScopeNamespace), named("orders"), func(o *Options) { o.SharedWith = []string{"billing"} })
	billing := example(scope(ScopeNamespace), named("billing"), func(o *Options) { o.SharedWith = []string{"orders"} })
	orders.SharedRecords = map[string]string{"billing": Record(billing)}
	billing.SharedRecords = map[string]string{"orders": Record(orders)}
	shared := only(t, build(t, orders), DefaultDeny)
	if !reflect.DeepEqual(shared, only(t, build(t, billing), DefaultDeny)) {
		t.Error("the shared policy depends on who was locked last")
	}
	for _, cluster := range []string{"billing", "orders"} {
		if !IsManaged(shared.Object.Labels, cluster) {
			t.Errorf("not managed for %s", cluster)
		}
	}
	if IsManaged(shared.Object.Labels, "shipping") {
		t.Error("managed for a cluster that does not need it")
	}

	left, keep := Release(shared.Object, "billing")
	if !keep || !slices.Equal(Users(left.Object.Labels), []string{"orders"}) || left.Object.Labels[LabelCluster] != "orders" {
		t.Errorf("after one has gone: keep %v, labels %v", keep, left.Object)
	}
	alone := only(t, build(t, example(scope(ScopeNamespace), named("orders"))), DefaultDeny)
	if !reflect.DeepEqual(left, alone) {
		t.Error("what is left is not what the other cluster alone would have")
	}
	if _, keep := Release(left.Object, "orders"); keep {
		t.Error("the last user has gone and the policy is kept")
	}
	if _, keep := Release(only(t, build(t, example()), DefaultDeny).Object, "cluster-example"); keep {
		t.Error("a cluster's own default deny is kept")
	}
}

func TestIsManaged(t *testing.T) {
	ours := only(t, build(t, example()), InternalAccess).Object.Labels
	for _, tc := range []struct {
		name    string
		labels  map[string]string
		cluster string
		want    bool
	}{
		{"ours", ours, "cluster-example", true},
		{"another cluster's", ours, "orders", false},
		{"nobody's", nil, "", false},
		{"managed by Helm", map[string]string{LabelManagedBy: "Helm", LabelCluster: "a", LabelPolicy: "x"}, "a", false},
		{"without a role", map[string]string{LabelManagedBy: FieldManager, LabelCluster: "a"}, "a", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := IsManaged(tc.labels, tc.cluster); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestReference(t *testing.T) {
	p := only(t, build(t, example()), InternalAccess)
	if got, want := p.Reference().String(), "CiliumNetworkPolicy/default/cluster-example-internal-access"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestForKeepsWhatItWasGiven(t *testing.T) {
	detected := []Operator{{Namespace: "cnpg-system"}}
	o := Options{}.For(types.NamespacedName{Namespace: "a", Name: "b"}, detected)
	detected[0].Namespace = "other"
	if o.DetectedOperators[0].Namespace != "cnpg-system" {
		t.Error("the options share the caller's slice")
	}
}
