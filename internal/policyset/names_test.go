package policyset

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

func mustBeName(t testing.TB, name string) {
	t.Helper()
	if messages := validation.IsDNS1123Subdomain(name); len(messages) > 0 {
		t.Errorf("%q is no name for an object: %v", name, messages)
	}
}

func TestNames(t *testing.T) {
	for _, tc := range []struct {
		options Options
		role    Role
		want    string
	}{
		{example(), DefaultDeny, "cluster-example-default-deny"},
		{example(scope(ScopeNamespace)), DefaultDeny, "default-deny"},
		{example(), InternalAccess, "cluster-example-internal-access"},
		{example(scope(ScopeNamespace)), InternalAccess, "cluster-example-internal-access"},
		{example(operatorOnly), OperatorAccess, "cluster-example-operator-access"},
		{example(allow(Pods, "role=backend")), PostgresAccess, "cluster-example-postgres-access-role-backend"},
		{example(allow("pods-any-namespace", "role=backend")), PostgresAccess, "cluster-example-postgres-access-any-namespace-role-backend"},
		{example(allow(Namespace, "backend")), PostgresAccess, "cluster-example-postgres-access-namespace-backend"},
		{example(allow(ClusterWide)), PostgresAccess, "cluster-example-postgres-access-cluster-wide"},
		{example(allow(Metrics, "monitoring")), MetricsAccess, "cluster-example-metrics-access-monitoring"},
		{example(allow(KubectlCNPG)), KubectlCNPGAccess, "cluster-example-kubectl-cnpg-access"},
		{example(allow(Pods, "app.kubernetes.io/name=shop")), PostgresAccess, "cluster-example-postgres-access-app-kubernetes-io-name.82da8197"},
		{example(allow(Pods, "role!=x,!old")), PostgresAccess, "cluster-example-postgres-access-not-old-role-not-x.2cc28d8d"},
	} {
		if got := only(t, build(t, tc.options), tc.role).Object.Name; got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

func TestNamesAreUnique(t *testing.T) {
	long := strings.Repeat("x", 62)
	for _, cluster := range []string{"a", "cluster-example", strings.Repeat("c", 50), strings.Repeat("c", 63)} {
		o := example(named(cluster),
			allow(Pods, "a=b-c", "a-b=c", "a_b=c", "a/b=c", "a.b=c", "a=b.c", "a=B-C", "A=b-c", "a,b", "a=,b", "a in (b,c)", "a notin (b,c)", "!a,b", "a!=b", "a!=b,c",
				"namespace=backend", "any=namespace-role-backend", "cluster=wide", "role=backend", "a="+long, "a="+long+"y", "any-namespace=b"),
			allow("pods-any-namespace", "role=backend", "a=b-c", "a-b=c", "a="+long, "namespace=backend"),
			allow(Namespace, "backend", "any", long, long+"y"), allow(ClusterWide), allow("service-account", "backend", "a.b", "a/b", "a-b/c", "a/b-c", "a/b.c", long, long+"y"), allow(Metrics, "backend", long, long+"y"), allow(KubectlCNPG))
		policies := build(t, o)
		if got, want := len(policies), 2+22+5+4+1+8+3+1; got != want {
			t.Errorf("%d policies, want %d", got, want)
		}
		seen := map[string]bool{}
		for _, p := range policies {
			mustBeName(t, p.Object.Name)
			mustBeValid(t, p)
			if seen[p.Object.Name] {
				t.Errorf("%s exists twice", p.Object.Name)
			}
			seen[p.Object.Name] = true
			if prefix := len(cluster) + len("-postgres-access-"); len(p.Object.Name) > max(63, prefix+minSuffix) {
				t.Errorf("%s has %d characters", p.Object.Name, len(p.Object.Name))
			}
		}
	}
}

func TestNamesDoNotDependOnHowAFlagIsWritten(t *testing.T) {
	for i, same := range [][]string{
		{"a=b,c=d", "c=d,a=b", "c==d, a in (b)"},
		{"role in (a,b)", "role in (b,a)", "role in (a,b,a)"},
		{"x!=y", "x notin (y)"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			want := only(t, build(t, example(allow(Pods, same[0]))), PostgresAccess)
			for _, text := range same[1:] {
				if got := only(t, build(t, example(allow(Pods, text))), PostgresAccess); !reflect.DeepEqual(got, want) {
					t.Errorf("%q gives %s, %q gives %s", text, got.Object.Name, same[0], want.Object.Name)
				}
			}
		})
	}
}
