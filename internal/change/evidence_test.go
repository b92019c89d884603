package change_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// previewsOf previews one lockdown of several clusters.
func previewsOf(t *testing.T, inv *inventory.Inventory, flags policyset.FlagValues, clusters ...types.NamespacedName) []change.Preview {
	t.Helper()
	options, err := policyset.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	before, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all []policyset.Options
	for _, c := range clusters {
		all = append(all, options.For(c, assess.Operators(before)))
	}
	p, err := change.ProposeLockdown(before, all)
	if err != nil {
		t.Fatal(err)
	}
	return p.Previews
}

// A default deny that reaches the whole namespace reaches its other clusters, too.
func TestANeighbourThatWouldBeShutOutIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "neighbours.yaml")
	const neighbour = `---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: orders, namespace: NAMESPACE}
spec: {instances: 2, storage: {size: 1Gi}}
`
	orders := types.NamespacedName{Namespace: "shop", Name: "orders"}
	for name, tc := range map[string]struct {
		namespace string
		scope     string
		clusters  []types.NamespacedName
		refused   bool
	}{
		"scope cluster":                     {"shop", "cluster", []types.NamespacedName{fixture.Database()}, false},
		"scope namespace":                   {"shop", "namespace", []types.NamespacedName{fixture.Database()}, true},
		"scope namespace, both":             {"shop", "namespace", []types.NamespacedName{fixture.Database(), orders}, false},
		"scope namespace, other namespaces": {"backend", "namespace", []types.NamespacedName{fixture.Database()}, false},
	} {
		t.Run(name, func(t *testing.T) {
			text := fixture.Manifests + strings.ReplaceAll(neighbour, "NAMESPACE", tc.namespace) +
				fixture.PodOf("shop", "pg-1", "cnpg.io/cluster: pg", "cnpg.io/instanceName: pg-1", "cnpg.io/podRole: instance") +
				fixture.PodOf("shop", "pg-2", "cnpg.io/cluster: pg", "cnpg.io/instanceName: pg-2", "cnpg.io/podRole: instance") +
				fixture.PodOf(tc.namespace, "orders-1", "cnpg.io/cluster: orders", "cnpg.io/instanceName: orders-1", "cnpg.io/podRole: instance") +
				fixture.PodOf(tc.namespace, "orders-2", "cnpg.io/cluster: orders", "cnpg.io/instanceName: orders-2", "cnpg.io/podRole: instance") +
				fixture.PodOf("cnpg-system", "operator-1", "app.kubernetes.io/name: cloudnative-pg")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			preview := previewsOf(t, fixture.Load(t, file), policyset.FlagValues{Scope: tc.scope}, tc.clusters...)[0]
			var want []string
			if tc.refused {
				for _, flow := range []string{v1alpha1.FlowReplication, v1alpha1.FlowIsolationCheck} {
					want = append(want, `cluster "orders" of the same namespace would lose the required flow `+flow+`: lock both down in one command, or use --scope cluster`)
				}
			}
			var got []string
			for _, r := range preview.Refusals {
				got = append(got, r.Message)
			}
			if !slices.Equal(got, want) {
				t.Errorf("refusals %q, want %q", got, want)
			}
		})
	}
}

// missing is evidence that can't be had.
func missing(resource string, scope inventory.Scope, change ...func(*inventory.Inventory)) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		inv.Missing = append(inv.Missing, inventory.Missing{Resource: resource, Scope: scope, Message: "not to be had"})
		for _, f := range change {
			f(inv)
		}
	}
}

func enforcesClusterNetworkPolicies(inv *inventory.Inventory) {
	inv.Settings.ClusterNetworkPolicy = true
}

// fromServer is a server on which there is an agent, whose endpoints may be missing.
func fromServer(agent, endpoints bool) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		inv.Origin, inv.Settings.Agent = inventory.Live, agent
		if !endpoints {
			inv.Endpoints = nil
		}
	}
}

// Evidence without which a policy can't be known makes the posture unknown, and lockdown refuse: a
// preview that may be wrong is none. Evidence that changes no verdict does neither.
func TestWhatCanNotBeSeen(t *testing.T) {
	const (
		cilium = "ciliumnetworkpolicies.cilium.io"
		tiers  = "clusternetworkpolicies.policy.networking.k8s.io"
	)
	for _, tc := range []struct {
		name    string
		change  func(*inventory.Inventory)
		unknown bool
	}{
		{"nothing is missing", func(*inventory.Inventory) {}, false},
		{"policies", missing(cilium, inventory.Scope{}), true},
		{"policies of the cluster's namespace", missing(cilium, inventory.Only("shop")), true},
		{"policies of another namespace", missing(cilium, inventory.Only("backend")), false},
		{"policies of all other namespaces", missing(cilium, inventory.Except("shop")), false},
		{"policies of all namespaces but another one", missing(cilium, inventory.Except("backend")), true},
		{"clusterwide policies", missing("ciliumclusterwidenetworkpolicies.cilium.io", inventory.Scope{}), true},
		{"NetworkPolicies", missing("networkpolicies.networking.k8s.io", inventory.Scope{}), true},
		{"ClusterNetworkPolicies, which the agent enforces", missing(tiers, inventory.Scope{}, enforcesClusterNetworkPolicies), true},
		{"ClusterNetworkPolicies, which it does not", missing(tiers, inventory.Scope{}), false},
		{"poolers", missing("poolers.postgresql.cnpg.io", inventory.Scope{}), false},
		{"a document", missing("manifests", inventory.Scope{}), true},
		{"namespaces, where all pods have endpoints", missing("namespaces", inventory.Scope{}), false},
		{"namespaces, where one has none", missing("namespaces", inventory.Scope{}, fixture.Unmanaged("shop", "pg-2")), true},
		{"nothing, on a server", fromServer(true, true), false},
		{"endpoints, where there is an agent", fromServer(true, false), false},
		{"the agent, where there are endpoints", fromServer(false, true), false},
		{"any sign of an agent", fromServer(false, false), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			open := fixture.World(t, tc.change)
			preview := previewsOf(t, open, policyset.FlagValues{}, fixture.Database())[0]
			if doubted := slices.ContainsFunc(preview.Refusals, func(r v1alpha1.Refusal) bool {
				return r.Reason == v1alpha1.RefusalEvidenceMissing && strings.HasPrefix(r.Message, "the preview is not reliable: ")
			}); doubted != tc.unknown {
				t.Errorf("lockdown refuses for %+v", preview.Refusals)
			}
			for name, inv := range map[string]*inventory.Inventory{
				"open": open, "locked": fixture.Locked(t, policyset.FlagValues{}, tc.change), "broken": fixture.Locked(t, policyset.FlagValues{}, tc.change, brokenDatabase),
			} {
				m, err := model.New(inv, model.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if r := assess.Evaluate(m).Items[0]; (r.Posture == v1alpha1.PostureUnknown) != tc.unknown {
					t.Errorf("%s: posture %s", name, r.Posture)
				}
				if strings.HasPrefix(tc.name, "policies of a") {
					continue // They can be policies at the source.
				}
				e, err := fixture.Explain(t, inv, fixture.Database(), "pod/web", explain.Query{})
				if err != nil {
					t.Fatal(err)
				}
				if e.Verdict == v1alpha1.VerdictUnknown != tc.unknown {
					t.Errorf("%s: explain says %s", name, e.Verdict)
				}
			}
		})
	}
}

// brokenDatabase denies the operator what it needs.
func brokenDatabase(inv *inventory.Inventory) {
	fixture.Policy(`{"metadata":{"name":"shuts-out","namespace":"shop"},"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/cluster":"pg"}},` +
		`"ingressDeny":[{"fromEndpoints":[{"matchLabels":{"k8s:io.kubernetes.pod.namespace":"cnpg-system"}}]}]}}`)(inv)
}
