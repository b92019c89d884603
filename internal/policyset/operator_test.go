package policyset

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

var (
	// manifest is the operator of CloudNativePG's release manifest.
	manifest = Operator{Namespace: "cnpg-system", PodLabels: map[string]string{"app.kubernetes.io/name": "cloudnative-pg", "app.kubernetes.io/instance": "x"}}
	// renamed has none of the labels that stay with an application.
	renamed = Operator{Namespace: "platform", PodLabels: map[string]string{
		"app": "postgres-operator", "team": "data", "pod-template-hash": "5f6d", "olm.deployment-spec-hash": "x", "app.kubernetes.io/version": "1.30.0", "helm.sh/chart": "cloudnative-pg-0.29.0",
	}}
)

func TestOperatorSelectors(t *testing.T) {
	const wide = "map[io.kubernetes.pod.namespace:cnpg-system]"
	const narrow = "map[app.kubernetes.io/name:cloudnative-pg io.kubernetes.pod.namespace:cnpg-system]"
	const other = "map[app:postgres-operator io.kubernetes.pod.namespace:platform team:data]"
	for _, tc := range []struct {
		name    string
		options Options
		want    []string
	}{
		{"seen", example(operators(manifest)), []string{narrow}},
		{"not seen", example(operators(Operator{Namespace: "cnpg-system"})), []string{wide}},
		{"the document's reach", example(operators(manifest), scope(ScopeNamespace)), []string{wide}},
		{"two", example(operators(renamed, manifest, manifest)), []string{narrow, other}},
		{"one of a namespace was not seen", example(operators(manifest, Operator{Namespace: "cnpg-system"})), []string{wide}},
		{"named, and seen", example(operators(renamed, manifest), func(o *Options) { o.OperatorNamespaces = []string{"cnpg-system"} }), []string{narrow}},
		{"named, and not seen", example(operators(renamed), func(o *Options) { o.OperatorNamespaces = []string{"cnpg-system"} }), []string{wide}},
		{"hashes and versions only", example(operators(Operator{Namespace: "cnpg-system", PodLabels: map[string]string{"pod-template-hash": "a", "helm.sh/chart": "b"}})), []string{wide}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, s := range tc.options.operatorSelectors() {
				got = append(got, fmt.Sprint(s.MatchLabels))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestDrift(t *testing.T) {
	type policy = ciliumv2.CiliumNetworkPolicy
	wide := example(operators(Operator{Namespace: "cnpg-system"}), allow(Namespace, "backend"))
	narrow := example(operators(manifest), allow(Namespace, "backend"))
	const access = "cluster-example-internal-access"
	for _, tc := range []struct {
		name    string
		applied Options
		change  func(*policy)
		now     Options
		want    map[string][]string
	}{
		{"nothing", narrow, nil, narrow, nil},
		{"an older version let in the operator's whole namespace", wide, nil, narrow, nil},
		{"the operator is not seen now", narrow, nil, wide, nil},
		{"the operator has moved", narrow, nil, example(operators(renamed), allow(Namespace, "backend")), map[string][]string{
			access: {"spec.ingress[0].fromEndpoints[0].matchLabels.app.kubernetes.io/name", "spec.ingress[0].fromEndpoints[0].matchLabels.io.kubernetes.pod.namespace"},
		}},
		{"somebody's labels", narrow, func(p *policy) { p.Spec.Ingress[0].FromEndpoints[0].MatchLabels["a"] = "b" }, narrow, map[string][]string{
			access: {"spec.ingress[0].fromEndpoints[0].matchLabels.a"},
		}},
		{"somebody's expression, and the operator is not seen", narrow, func(p *policy) {
			p.Spec.Ingress[0].FromEndpoints[0].MatchExpressions = selector(t, "!a").endpointSelector().MatchExpressions
		}, wide, map[string][]string{
			access: {"spec.ingress[0].fromEndpoints[0].matchExpressions", "spec.ingress[0].fromEndpoints[0].matchLabels.app.kubernetes.io/name"},
		}},
		{"another port, and the operator is not seen", narrow, func(p *policy) { p.Spec.Ingress[0].ToPorts[0].Ports[0].Port = "1" }, wide, map[string][]string{
			access: {"spec.ingress[0].toPorts[0].ports[0].port"},
		}},
		{"the peers' labels", wide, func(p *policy) { p.Spec.Ingress[0].FromEndpoints[1].MatchLabels["a"] = "b" }, narrow, map[string][]string{
			access: {"spec.ingress[0].fromEndpoints[1].matchLabels.a"},
		}},
		{"no spec", narrow, func(p *policy) { p.Spec = nil }, wide, map[string][]string{access: {"spec"}}},
		{"a rule that lets in everybody", narrow, func(p *policy) { p.Spec.Ingress[0].FromEndpoints[0] = api.EndpointSelector{} }, wide, map[string][]string{
			access: {"spec.ingress[0].fromEndpoints[0].matchLabels"},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			live := objects(build(t, tc.applied))
			if tc.change != nil {
				tc.change(live[slices.IndexFunc(live, func(p *policy) bool { return p.Name == access })])
			}
			got, err := Drift(live, tc.now)
			if err != nil {
				t.Fatal(err)
			}
			if len(got)+len(tc.want) > 0 && !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// Which agents of the API server are seen, now and when the set was applied, is no drift; what somebody lets in besides is.
func TestDriftOfAgents(t *testing.T) {
	for _, was := range [][]string{nil, {"k8s-app"}, {"app", "k8s-app"}} {
		for _, is := range [][]string{nil, {"app"}} {
			live := objects(build(t, example(allow(KubectlCNPG), agents(was...))))
			if got, err := Drift(live, example(allow(KubectlCNPG), agents(is...))); err != nil || len(got) > 0 {
				t.Errorf("agents by %q, and by %q now: %q, %v", was, is, got, err)
			}
		}
	}
	policies := build(t, example(allow(KubectlCNPG), agents("app")))
	only(t, policies, KubectlCNPGAccess).Object.Spec.Ingress[1].FromEndpoints[0].MatchLabels["app"] = "another"
	if got, err := Drift(objects(policies), example(allow(KubectlCNPG))); err != nil || len(got) != 1 {
		t.Errorf("another app: %q, %v", got, err)
	}
}

// In the operator's own namespace, the rule for the cluster's pods is not taken for the operator's.
func TestDriftWhereTheOperatorRunsBesideTheCluster(t *testing.T) {
	beside := example(operators(Operator{Namespace: "default"}))
	live := objects(build(t, beside))
	for _, p := range live {
		if Role(p.Labels[LabelPolicy]) == InternalAccess {
			peers := &p.Spec.Ingress[0].FromEndpoints[1]
			peers.MatchLabels[cnpg.ClusterLabel] = "another"
		}
	}
	got, err := Drift(live, beside)
	if err != nil || len(got) != 1 {
		t.Errorf("got %q, %v", got, err)
	}
}

// The next lockdown narrows what an older version let in.
func TestAWideRuleIsUpdated(t *testing.T) {
	wide := only(t, build(t, example(operators(Operator{Namespace: "cnpg-system"}))), InternalAccess)
	narrow := only(t, build(t, example(operators(manifest))), InternalAccess)
	if len(Differences(wide.Object, narrow.Object)) == 0 {
		t.Error("no difference")
	}
}
