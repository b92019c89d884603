package engine_test

import (
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Each option of the agent that changes a verdict does so, on the same policies.
func TestSettingsThatChangeVerdicts(t *testing.T) {
	const (
		clusterwide = "kind: CiliumClusterwideNetworkPolicy\nmetadata: {name: p}\nspec: {endpointSelector: {}, ingress: [{}]}\n"
		kubernetes  = "kind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}, policyTypes: [Ingress]}\n"
		tiers       = "kind: ClusterNetworkPolicy\nmetadata: {name: p}\nspec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}\n"
		nodes       = "kind: CiliumClusterwideNetworkPolicy\nmetadata: {name: p}\nspec: {nodeSelector: {}, ingress: [{}]}\n"
	)
	for _, tc := range []struct {
		name     string
		policies string
		question string
		change   func(*inventory.Settings)
		before   v1alpha1.Verdict
		after    v1alpha1.Verdict
	}{
		{"CiliumNetworkPolicies off", lockedDatabase, "app/web → db/pg", func(s *inventory.Settings) { s.CiliumNetworkPolicy = false }, denied, allowed},
		{"clusterwide policies off", clusterwide, "app/web → db/pg", func(s *inventory.Settings) { s.CiliumClusterwideNetworkPolicy = false }, denied, allowed},
		{"NetworkPolicies off", kubernetes, "app/web → db/pg", func(s *inventory.Settings) { s.KubernetesNetworkPolicy = false }, denied, allowed},
		{"ClusterNetworkPolicies off", tiers, "app/web → db/pg", func(s *inventory.Settings) { s.ClusterNetworkPolicy = false }, denied, allowed},
		{"one kind off, another on", lockedDatabase + "---\n" + clusterwide, "app/web → db/pg", func(s *inventory.Settings) { s.CiliumClusterwideNetworkPolicy = false }, denied, denied},
		{"enable-policy always", "", "app/web → db/pg", func(s *inventory.Settings) { s.EnablePolicy = "always" }, allowed, denied},
		{"enable-policy never", lockedDatabase, "app/web → db/pg", func(s *inventory.Settings) { s.EnablePolicy = "never" }, denied, allowed},
		{"audit mode", lockedDatabase, "app/web → db/pg", func(s *inventory.Settings) { s.AuditMode = true }, denied, allowed},
		{"the local host has no privilege", lockedDatabase, "host → db/pg", func(s *inventory.Settings) { s.AllowLocalhost = "policy" }, allowed, denied},
		{"the host firewall on", nodes, "app/web → host", func(s *inventory.Settings) { s.HostFirewall = true }, allowed, denied},
		{"enableDefaultDeny unknown", strings.Replace(lockedDatabase, "endpointSelector", "enableDefaultDeny: {ingress: false}, endpointSelector", 1),
			"app/web → db/pg", func(s *inventory.Settings) { s.NonDefaultDeny = false }, allowed, denied},
		{"selectors reach the whole mesh", rules("db", "ingress: [{fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: app}}]}]"),
			"app/far → db/pg", func(s *inventory.Settings) { s.DefaultLocalCluster = false }, denied, allowed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, c := range []struct {
				when   string
				change func(*inventory.Settings)
				want   v1alpha1.Verdict
			}{{"before", func(*inventory.Settings) {}, tc.before}, {"after", tc.change, tc.after}} {
				w := smallWorldWith(tc.policies, c.change)
				w.endpoints = map[string]inventory.Endpoint{"app/far": {IdentityLabels: []string{
					"k8s:io.kubernetes.pod.namespace=app", "k8s:io.cilium.k8s.policy.cluster=far", "k8s:app=far",
				}}}
				if d := w.ask(t, tc.question, 5432).Ingress; d.Verdict != c.want {
					t.Errorf("%s: %s, want %s: %+v", c.when, d.Verdict, c.want, d)
				}
			}
		})
	}
}

// A policy of a kind that is switched off is valid, and says why it does not count.
func TestKindsThatAreSwitchedOff(t *testing.T) {
	const policy = "kind: CiliumClusterwideNetworkPolicy\nmetadata: {name: p}\nspec: {endpointSelector: {}, ingress: [{}]}\n"
	for option, w := range map[string]smallWorld{
		"": smallWorldWith(policy),
		"enable-cilium-clusterwide-network-policy": smallWorldWith(policy, func(s *inventory.Settings) { s.CiliumClusterwideNetworkPolicy = false }),
	} {
		read, err := engine.Read(w.settings, w.read(t))
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if option != "" {
			want = "not enforced: Cilium's option " + option + " is off"
		}
		if p := read[0]; !p.Valid || p.Enforced() != (option == "") || p.Message != want {
			t.Errorf("valid %t, enforced %t, message %q, want %q", p.Valid, p.Enforced(), p.Message, want)
		}
	}
}
