package policyset

import (
	"slices"
	"testing"
)

func TestApplyOrderAndRemovalOrder(t *testing.T) {
	policies := build(t, example(allowKubectlCNPG, allowMetrics("monitoring"), allowClusterWide, allowNamespace("backend"), allowPods(t, "role=backend")))
	want := []string{
		"cluster-example-internal-access",
		"cluster-example-postgres-access-role-backend",
		"cluster-example-postgres-access-namespace-backend",
		"cluster-example-postgres-access-cluster-wide",
		"cluster-example-metrics-access-monitoring",
		"cluster-example-kubectl-cnpg-access",
		"cluster-example-default-deny",
	}
	shuffled := slices.Clone(policies)
	slices.SortFunc(shuffled, func(a, b Policy) int { return len(a.Object.Name) - len(b.Object.Name) })
	for name, got := range map[string][]Policy{"Build": policies, "ApplyOrder": ApplyOrder(policies)} {
		if !slices.Equal(names(got), want) {
			t.Errorf("%s: %v", name, names(got))
		}
	}
	sorted := ApplyOrder(shuffled)
	if sorted[0].Role != InternalAccess || sorted[len(sorted)-1].Role != DefaultDeny {
		t.Errorf("shuffled: %v", names(sorted))
	}
	slices.Reverse(want)
	if got := names(RemovalOrder(policies)); !slices.Equal(got, want) {
		t.Errorf("RemovalOrder: %v", got)
	}
}

func TestSeveralClustersGetTheirAccessBeforeAnyClient(t *testing.T) {
	both := append(build(t, example(named("a"), allowClusterWide)), build(t, example(named("b"), allowClusterWide))...)
	want := []string{"a-internal-access", "b-internal-access", "a-postgres-access-cluster-wide", "b-postgres-access-cluster-wide", "a-default-deny", "b-default-deny"}
	if got := names(ApplyOrder(both)); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestNarrowFirst(t *testing.T) {
	wide := func(name string) []Policy { return build(t, example(named(name), scope(ScopeNamespace))) }
	elsewhere := build(t, example(named("c"), scope(ScopeNamespace), func(o *Options) { o.Cluster.Namespace = "other" }))

	both := slices.Concat(wide("a"), wide("b"), elsewhere)
	stones := NarrowFirst(both)
	if got := names(stones); !slices.Equal(got, []string{"a-internal-access", "b-internal-access"}) {
		t.Fatalf("got %v", got)
	}
	for i, name := range []string{"a", "b"} {
		if got := stones[i].Object.Spec.EndpointSelector.MatchLabels[LabelCNPGCluster]; got != name {
			t.Errorf("%s selects %q", stones[i].Object.Name, got)
		}
		mustBeValid(t, stones[i])
	}
	if !both[0].Object.Spec.EndpointSelector.IsWildcard() {
		t.Error("the set itself was changed")
	}
	for name, none := range map[string][]Policy{
		"one cluster of a namespace": slices.Concat(wide("a"), elsewhere),
		"scope cluster":              slices.Concat(build(t, example(named("a"))), build(t, example(named("b")))),
	} {
		if got := NarrowFirst(none); len(got) != 0 {
			t.Errorf("%s: %v", name, names(got))
		}
	}
}
