package inventory

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// agentDefaults are the settings of a ConfigMap without any of the keys.
func agentDefaults() Settings {
	s := DefaultSettings()
	s.Found, s.Agent, s.IPv6, s.Source = true, true, true, "kube-system/cilium-config"
	return s
}

func TestSettingsFromConfigMap(t *testing.T) {
	for _, tc := range []struct {
		name string
		data map[string]string
		want func(*Settings)
	}{
		{"empty", nil, func(*Settings) {}},
		{"cluster-name", map[string]string{"cluster-name": " shop\n"}, func(s *Settings) { s.ClusterName = "shop" }},
		{"cluster-id", map[string]string{"cluster-id": "7"}, func(s *Settings) { s.ClusterID = 7 }},
		{"enable-policy, in any case", map[string]string{"enable-policy": "Always"}, func(s *Settings) { s.EnablePolicy = "always" }},
		{"never", map[string]string{"enable-policy": "never"}, func(s *Settings) { s.EnablePolicy = "never" }},
		{"audit", map[string]string{"policy-audit-mode": "true"}, func(s *Settings) { s.AuditMode = true }},
		{"non-default-deny", map[string]string{"enable-non-default-deny-policies": "false"}, func(s *Settings) { s.NonDefaultDeny = false }},
		{"networkpolicy", map[string]string{"enable-k8s-networkpolicy": "0"}, func(s *Settings) { s.KubernetesNetworkPolicy = false }},
		{"cluster network policy", map[string]string{"enable-k8s-cluster-network-policy": "true"}, func(s *Settings) { s.ClusterNetworkPolicy = true }},
		{"cnp", map[string]string{"enable-cilium-network-policy": "false"}, func(s *Settings) { s.CiliumNetworkPolicy = false }},
		{"ccnp", map[string]string{"enable-cilium-clusterwide-network-policy": "false"}, func(s *Settings) { s.CiliumClusterwideNetworkPolicy = false }},
		{"l7", map[string]string{"enable-l7-proxy": "false"}, func(s *Settings) { s.L7Proxy = false }},
		{"localhost", map[string]string{"allow-localhost": "policy"}, func(s *Settings) { s.AllowLocalhost = "policy" }},
		{"labels", map[string]string{"labels": "k8s:app  !k8s:tmp\nk8s:role"}, func(s *Settings) { s.LabelFilter = []string{"k8s:app", "!k8s:tmp", "k8s:role"} }},
		{"empty labels", map[string]string{"labels": " "}, func(*Settings) {}},
		{"cidr match mode", map[string]string{"policy-cidr-match-mode": "nodes pods"}, func(s *Settings) { s.CIDRMatchMode = []string{"nodes", "pods"} }},
		{"node selector labels", map[string]string{"enable-node-selector-labels": "true"}, func(s *Settings) { s.NodeSelectorLabels = true }},
		{"default local cluster", map[string]string{"policy-default-local-cluster": "false"}, func(s *Settings) { s.DefaultLocalCluster = false }},
		{"host firewall", map[string]string{"enable-host-firewall": "true"}, func(s *Settings) { s.HostFirewall = true }},
		{"families", map[string]string{"enable-ipv4": "false", "enable-ipv6": "false"}, func(s *Settings) { s.IPv4, s.IPv6 = false, false }},
		{"unknown keys", map[string]string{"debug-verbose": "", "bpf-root": "/x"}, func(*Settings) {}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := agentDefaults()
			tc.want(&want)
			got, problems := SettingsFromConfigMap("kube-system", "cilium-config", tc.data, AgentVersion{})
			if d := cmp.Diff(want, got); d != "" || len(problems) > 0 {
				t.Errorf("problems %q, difference (-want +got):\n%s", problems, d)
			}
		})
	}
}

func TestSettingsReportWhatTheAgentWouldRefuse(t *testing.T) {
	data := map[string]string{
		"cluster-name": "", "cluster-id": "512", "enable-policy": "off", "policy-audit-mode": "yes",
		"allow-localhost": "", "policy-cidr-match-mode": "nodes worlds", "enable-ipv6": "",
	}
	got, problems := SettingsFromConfigMap("kube-system", "cilium-config", data, AgentVersion{})
	want := agentDefaults()
	want.CIDRMatchMode = []string{"nodes"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("difference (-want +got):\n%s", d)
	}
	for key := range data {
		n := 0
		for _, p := range problems {
			if strings.Contains(p, `"`+key+`"`) && strings.Contains(p, "kube-system/cilium-config") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("option %q is named by %d problems of %q, want 1", key, n, problems)
		}
	}
}

func FuzzSettingsFromConfigMap(f *testing.F) {
	f.Add("enable-policy", "always", "labels", "k8s:app")
	f.Add("cluster-id", "-1", "enable-ipv4", "maybe")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string) {
		s, _ := SettingsFromConfigMap("ns", "name", map[string]string{k1: v1, k2: v2}, AgentVersion{})
		if s.ClusterName == "" || s.ClusterID > 511 {
			t.Errorf("settings that no agent has: %+v", s)
		}
		switch s.EnablePolicy {
		case "default", "always", "never":
		default:
			t.Errorf("enable-policy is %q", s.EnablePolicy)
		}
	})
}
