package policyset

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
)

// guarded is the set of an operator with a plugin and metrics, with what a test changes.
func guarded(change ...func(*Options)) Options {
	o := Options{Egress: true}.Reaching([]Outlet{
		{Purpose: DNS, What: "DNS", Places: []Place{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}, Ports: []string{"53/UDP", "53/TCP"}}}},
	}).ForOperator("cnpg-system", OperatorPods{
		Labels: map[string]string{"app.kubernetes.io/name": "cloudnative-pg"}, WebhookPort: 9443, MetricsPort: 8080,
		Plugins: []PluginPods{{Name: "barman-cloud.cloudnative-pg.io", Labels: map[string]string{"app": "barman-cloud"}, Ports: []uint16{9090}}},
	})
	allow(Metrics, "monitoring:app=prometheus")(&o)
	for _, c := range change {
		c(&o)
	}
	return o
}

func TestGoldenOperatorSet(t *testing.T) {
	for file, o := range map[string]Options{
		"operator-set": guarded(),
		"operator-set.konnectivity-probed": guarded(agents("k8s-app"), func(o *Options) {
			o.Egress, o.Grants, o.Operator.Probed = false, nil, true
		}),
	} {
		t.Run(file, func(t *testing.T) {
			set := build(t, o)
			for _, p := range set {
				mustBeValid(t, p)
			}
			got, err := YAML(set)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, filepath.Join("testdata", file+".yaml"), got)
		})
	}
}

// Whoever is needed is let in before anything is denied, of plugins as of the operator.
func TestOperatorSetComesInOrder(t *testing.T) {
	got := names(build(t, guarded()))
	for i, name := range got {
		got[i], _, _ = strings.Cut(strings.TrimPrefix(name, "cnpg-operator-"), ".")
	}
	want := []string{
		"webhook-access", "plugin-access-barman-cloud-cloudnative-p", "metrics-access-monitoring-app-prometheus",
		"egress-api-server", "egress-dns", "egress-databases", "egress-plugin-barman-cloud-cloudnative-p",
		"default-deny", "default-deny-plugin-barman-cloud-cloudna", "default-deny-egress",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A cluster that is called as the set's policies begin is another one, and so is one of the same namespace.
func TestOperatorSetIsNoCluster(t *testing.T) {
	for _, p := range build(t, guarded()) {
		if !IsManaged(p.Object.Labels, OperatorSet) || IsManaged(p.Object.Labels, "") || IsManaged(p.Object.Labels, operatorPrefix) {
			t.Errorf("%s belongs to somebody else: %v", p.Object.Name, p.Object.Labels)
		}
	}
	if err := checkCluster(OperatorSet); err == nil {
		t.Error("a cluster could have the name that stands for the operator")
	}
	if IsManaged(build(t, example())[0].Object.Labels, OperatorSet) {
		t.Error("the policy of a cluster is taken for the operator's")
	}
}

// What is stored is enough to tell with which flags the set was made, as it is for clusters.
func TestOperatorSetIsReadBack(t *testing.T) {
	set := build(t, guarded())
	var live []*ciliumv2.CiliumNetworkPolicy
	for _, p := range set {
		live = append(live, p.Object)
	}
	key := types.NamespacedName{Namespace: "cnpg-system", Name: OperatorSet}
	want := []string{"--operator", "--operator-namespace=cnpg-system", "--egress", "--allow-metrics=monitoring:app=prometheus"}
	for name, left := range map[string][]*ciliumv2.CiliumNetworkPolicy{"all of it": live, "default deny alone": live[7:8], "one outlet alone": live[4:5]} {
		t.Run(name, func(t *testing.T) {
			o, err := FromLive(key, left)
			if err != nil {
				t.Fatal(err)
			}
			if got := Flags(o); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestDriftOfTheOperatorSet(t *testing.T) {
	for name, tc := range map[string]struct {
		options, now Options
		change       func([]*ciliumv2.CiliumNetworkPolicy)
		want         map[string][]string
	}{
		"as it was made":         {guarded(), guarded(), nil, map[string][]string{}},
		"made with other agents": {guarded(agents("k8s-app")), guarded(), nil, map[string][]string{}},
		"the operator's pods have other labels": {guarded(), guarded(func(o *Options) { o.Operator.Labels = map[string]string{"app": "operator"} }), nil, map[string][]string{
			"cnpg-operator-webhook-access": {"spec.endpointSelector.matchLabels.app", "spec.endpointSelector.matchLabels.app.kubernetes.io/name"},
		}},
		"somebody has opened a port": {guarded(), guarded(), func(live []*ciliumv2.CiliumNetworkPolicy) {
			live[0].Spec.Ingress[0].ToPorts[0].Ports[0].Port = "0"
		}, map[string][]string{"cnpg-operator-webhook-access": {"spec.ingress[0].toPorts[0].ports[0].port"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var live []*ciliumv2.CiliumNetworkPolicy
			for _, p := range build(t, tc.options) {
				live = append(live, p.Object)
			}
			if tc.change != nil {
				tc.change(live)
			}
			got, err := Drift(live, tc.now)
			if err != nil {
				t.Fatal(err)
			}
			for policy, paths := range tc.want {
				if !slices.Equal(got[policy], paths) {
					t.Errorf("%s: got %q, want %q", policy, got[policy], paths)
				}
			}
			if len(tc.want) == 0 && len(got) > 0 {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestOperatorSetRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"the whole namespace": {scope(ScopeNamespace), "--scope namespace: with --operator, the operator and its plugins are locked down alone, because nobody here knows what other pods of their namespace need: leave it out"},
		"no peers":            {operatorOnly, "--operator-only is about the pods of a cluster, and --operator about none: leave it out"},
		"poolers":             {throughPoolers, "--through-poolers is about the pods of a cluster, and --operator about none: leave it out"},
		"clients":             {allow(Pods, "role=backend"), "--allow-pods role=backend: lets in to a database, and --operator is about the operator, which has no such clients: leave it out"},
		"more egress":         {allow(EgressCIDR, "192.0.2.0/24"), "--allow-egress-cidr 192.0.2.0/24: what the operator needs to reach is known, and it needs nothing else: leave it out"},
		"no labels":           {func(o *Options) { o.Operator.Labels = nil }, `no label of the operator's pods in namespace "cnpg-system" is known, so that no rule can select them`},
		"no ports":            {func(o *Options) { o.Operator.WebhookPort = 0 }, "the ports of the operator are not known"},
		"an unseen plugin":    {func(o *Options) { o.Operator.Plugins[0].Ports = nil }, "which pods are the plugin barman-cloud.cloudnative-pg.io, and where it serves the operator, is not known, so that no rule can let it in"},
		"a bad namespace":     {func(o *Options) { o.Cluster.Namespace = "CNPG" }, `"CNPG": not the name of a namespace`},
		"an unknown kind":     {allow("nobody", "x"), `"nobody" is no kind of client`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Build(guarded(tc.change))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}
