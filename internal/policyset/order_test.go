package policyset

import (
	"slices"
	"testing"
)

func TestApplyOrderAndRemovalOrder(t *testing.T) {
	policies := build(t, example(allow(KubectlCNPG), allow(Metrics, "monitoring"), allow(ClusterWide), allow(Namespace, "backend"), allow(Pods, "role=backend")))
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
	both := append(build(t, example(named("a"), allow(ClusterWide))), build(t, example(named("b"), allow(ClusterWide)))...)
	want := []string{"a-internal-access", "b-internal-access", "a-postgres-access-cluster-wide", "b-postgres-access-cluster-wide", "a-default-deny", "b-default-deny"}
	if got := names(ApplyOrder(both)); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// Everything else follows from this: whatever is applied before the last policy denies nobody.
func TestOnlyDefaultDenyBringsDefaultDeny(t *testing.T) {
	for _, p := range build(t, example(restricted, allow(KubectlCNPG), allow(Metrics, "monitoring"), allow(ClusterWide), allow(Pods, "role=backend"))) {
		if p.Role == EgressAccess || p.Role == EgressDefaultDeny {
			spec := p.Object.Spec
			setting := spec.EnableDefaultDeny.Egress
			if len(spec.Ingress) > 0 || spec.EnableDefaultDeny.Ingress != nil || (p.Role == EgressDefaultDeny) != (setting == nil) || setting != nil && *setting {
				t.Errorf("%s brings default deny of its own, or is about ingress", p.Object.Name)
			}
			continue
		}
		setting := p.Object.Spec.EnableDefaultDeny.Ingress
		if p.Role == DefaultDeny && setting != nil {
			t.Errorf("%s should leave Cilium's default, which is to deny", p.Object.Name)
		}
		if p.Role != DefaultDeny && (setting == nil || *setting) {
			t.Errorf("%s brings default deny of its own", p.Object.Name)
		}
	}
}
