package policyset_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

var database = types.NamespacedName{Namespace: "shop", Name: "pg"}

// strangers are pods as NAMESPACE/NAME/SERVICEACCOUNT/ROLE, beside the instance shop/pg-1 and its operator.
var strangers = []string{
	"shop/backend/backend/backend", "shop/frontend/default/frontend", "shop/job/backend/job",
	"other/backend/backend/backend", "other/frontend/default/frontend", "monitoring/prometheus/prometheus/metrics", "monitoring/other/default/other",
}

// Each kind of client lets in whom it names, on its ports, and nobody else: by Cilium's own engine.
func TestWhoGetsIn(t *testing.T) {
	const everyStranger = "shop/backend shop/frontend shop/job other/backend other/frontend monitoring/prometheus monitoring/other"
	reached := map[policyset.Kind]bool{}
	for _, tc := range []struct{ allow, want string }{
		{"", ""},
		{"--allow-pods=role=backend", "shop/backend"},
		{"--allow-pods-any-namespace=role=backend", "shop/backend other/backend"},
		{"--allow-namespace=other", "other/backend other/frontend"},
		{"--allow-cluster-wide", everyStranger + " kube-apiserver remote-node"},
		{"--allow-service-account=backend", "shop/backend shop/job"},
		{"--allow-service-account=other/backend", "other/backend"},
		{"--allow-service-account=default", "shop/frontend"},
		{"--allow-cidr=192.0.2.0/24", "192.0.2.7"},
		{"--allow-metrics=monitoring", "monitoring/prometheus monitoring/other"},
		{"--allow-metrics=monitoring:role=metrics", "monitoring/prometheus"},
		{"--allow-kubectl-cnpg", "kube-apiserver remote-node"},
	} {
		t.Run(tc.allow, func(t *testing.T) {
			var flags policyset.FlagValues
			if tc.allow != "" {
				flags.Allow = []string{tc.allow}
			}
			options, err := policyset.Parse(flags)
			if err != nil {
				t.Fatal(err)
			}
			opened := []uint16{}
			for _, g := range options.Grants {
				for _, d := range policyset.Definitions() {
					if d.Kind == g.Kind {
						opened, reached[d.Kind] = d.Ports, true
					}
				}
			}
			for _, port := range []uint16{cnpg.PostgresPort, cnpg.StatusPort, cnpg.MetricsPort, cnpg.PoolerMetricsPort, 22} {
				want := strings.Fields(tc.want)
				if !slices.Contains(opened, port) {
					want = nil
				}
				if got := whoReaches(t, options.For(database, []policyset.Operator{{Namespace: "cnpg-system"}}), strangers, port); !slices.Equal(got, want) {
					t.Errorf("port %d: %q get in, want %q", port, got, want)
				}
			}
		})
	}
	for _, d := range policyset.Definitions() {
		if d.Direction == policyset.Ingress && !reached[d.Kind] {
			t.Errorf("nobody asks who gets in with %s", d.Kind)
		}
	}
}

// Where the API server connects by way of agents, these get in beside it, and nobody else of their namespace.
func TestAgentsOfTheAPIServerGetIn(t *testing.T) {
	pods := []string{"kube-system/agent/konnectivity-agent/konnectivity", "kube-system/other/other/other", "other/agent/konnectivity-agent/konnectivity"}
	for agents, want := range map[string][]string{
		"":        {"kube-apiserver", "remote-node"},
		"k8s-app": {"kube-system/agent", "kube-apiserver", "remote-node"},
		"app":     {"kube-apiserver", "remote-node"},
	} {
		options := policyset.Options{Grants: []policyset.Grant{{Kind: policyset.KubectlCNPG}}}.For(database, []policyset.Operator{{Namespace: "cnpg-system"}})
		options = options.Around(strings.Fields(agents))
		if got := whoReaches(t, options, pods, cnpg.StatusPort); !slices.Equal(got, want) {
			t.Errorf("agents by %q: %q get in, want %q", agents, got, want)
		}
	}
}

// Through poolers alone, clients do not get in to the instances, and the poolers still do.
func TestThroughPoolers(t *testing.T) {
	pods := []string{"shop/backend/backend/backend", "shop/pooler/pg-rw/pooler", "monitoring/prometheus/prometheus/metrics"}
	var flags policyset.FlagValues
	flags.ThroughPoolers = true
	flags.Allow = []string{"--allow-pods=role=backend", "--allow-cluster-wide", "--allow-metrics=monitoring", "--allow-kubectl-cnpg"}
	options, err := policyset.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	options = options.For(database, []policyset.Operator{{Namespace: "cnpg-system"}})
	for port, want := range map[uint16][]string{
		cnpg.PostgresPort: {"shop/pooler"},
		cnpg.MetricsPort:  {"monitoring/prometheus"},
		cnpg.StatusPort:   {"shop/pooler", "kube-apiserver", "remote-node"},
	} {
		if got := whoReaches(t, options, pods, port); !slices.Equal(got, want) {
			t.Errorf("port %d of an instance: %q get in, want %q", port, got, want)
		}
	}
	if got, want := whoReachesPod(t, options, poolerLabels(), pods, cnpg.PostgresPort), []string{"shop/backend", "shop/pooler", "monitoring/prometheus", "kube-apiserver", "remote-node"}; !slices.Equal(got, want) {
		t.Errorf("the pooler: %q get in, want %q", got, want)
	}
}

func poolerLabels() map[string]string {
	return map[string]string{cnpg.ClusterLabel: "pg", cnpg.PoolerNameLabel: "pg-rw", cnpg.PodRoleLabel: cnpg.PoolerPodRole}
}

// Where the operator was seen, nobody else of its namespace gets in; with the document's literal reach, or
// where it was not seen, all do.
func TestTheOperatorGetsIn(t *testing.T) {
	platform := []string{"platform/operator/cnpg/operator", "platform/dashboard/default/dashboard", "other/operator/cnpg/operator"}
	seen := policyset.Operator{Namespace: "platform", PodLabels: map[string]string{"role": "operator"}}
	for _, tc := range []struct {
		name     string
		scope    policyset.Scope
		operator policyset.Operator
		want     []string
	}{
		{"seen", policyset.ScopeCluster, seen, []string{"platform/operator"}},
		{"not seen", policyset.ScopeCluster, policyset.Operator{Namespace: "platform"}, []string{"platform/operator", "platform/dashboard"}},
		{"the document", policyset.ScopeNamespace, seen, []string{"platform/operator", "platform/dashboard"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			options := policyset.Options{Scope: tc.scope}.For(database, []policyset.Operator{tc.operator})
			if got := whoReaches(t, options, platform, cnpg.StatusPort); !slices.Equal(got, tc.want) {
				t.Errorf("%q get in, want %q", got, tc.want)
			}
		})
	}
}

// whoReaches are the strangers, and those that are no pods, whom the engine lets in to the instance.
func whoReaches(t *testing.T, options policyset.Options, strangers []string, port uint16) []string {
	t.Helper()
	return whoReachesPod(t, options, map[string]string{cnpg.ClusterLabel: "pg"}, strangers, port)
}

// whoReachesPod is whoReaches for the cluster's pod with these labels. The local host is left out: the kubelet's probes
// come from there (allow-localhost). What is called pooler is one, and what is called konnectivity an agent of the API server.
func whoReachesPod(t *testing.T, options policyset.Options, target map[string]string, strangers []string, port uint16) []string {
	t.Helper()
	set, err := policyset.Build(options)
	if err != nil {
		t.Fatal(err)
	}
	var policies []inventory.Policy
	for _, p := range set {
		policies = append(policies, inventory.Policy{PolicyReference: p.Reference(), Object: p.Object})
	}
	settings := inventory.DefaultSettings()
	ids, err := engine.NewIdentities(settings)
	if err != nil {
		t.Fatal(err)
	}
	pods := []inventory.Pod{{Namespace: "shop", Name: "pg-1", ServiceAccount: "pg", Labels: target}}
	for _, stranger := range strangers {
		part := strings.Split(stranger, "/")
		labels := map[string]string{"role": part[3]}
		switch part[3] {
		case "pooler":
			labels = poolerLabels()
		case "konnectivity":
			labels = map[string]string{"k8s-app": inventory.KonnectivityApp}
		}
		pods = append(pods, inventory.Pod{Namespace: part[0], Name: part[1], ServiceAccount: part[2], Labels: labels})
	}
	identities, err := ids.Pods(pods, nil)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, p := range pods {
		names = append(names, p.Namespace+"/"+p.Name)
	}
	for _, entity := range []string{"kube-apiserver", "remote-node", "world"} {
		identities, names = append(identities, ids.Reserved(entity)), append(names, entity)
	}
	for _, address := range []string{"192.0.2.7", "198.51.100.7"} {
		id, err := ids.CIDR(netip.MustParsePrefix(address + "/32"))
		if err != nil {
			t.Fatal(err)
		}
		identities, names = append(identities, id), append(names, address)
	}
	read, err := engine.Read(settings, policies)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(ids, read)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, id := range identities[1:] {
		if e.Decide(id, identities[0], port).Ingress.Verdict == v1alpha1.VerdictAllowed {
			out = append(out, names[i+1])
		}
	}
	return out
}
