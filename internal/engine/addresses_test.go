package engine_test

import (
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

func endpoint(namespace string, more ...string) inventory.Endpoint {
	return inventory.Endpoint{IdentityLabels: append([]string{
		"k8s:io.kubernetes.pod.namespace=" + namespace, "k8s:io.cilium.k8s.policy.cluster=default", "k8s:seen=yes",
	}, more...)}
}

// The expectations are what Cilium does with the labels that its agents give to addresses, see addresses.
func TestCIDRsThatMatchMoreThanTheWorld(t *testing.T) {
	const (
		some  = "ingress: [{fromCIDR: [10.0.0.0/8]}]"
		all   = "ingress: [{fromCIDR: [0.0.0.0/0]}]"
		most  = "ingress: [{fromCIDRSet: [{cidr: 0.0.0.0/0, except: [10.0.0.0/8]}]}]"
		group = "ingress: [{fromCIDRSet: [{cidrGroupRef: g}]}]"
	)
	nodes, pods, both := []string{"nodes"}, []string{"pods"}, []string{"nodes", "pods"}
	for name, tc := range map[string]struct {
		modes []string
		ipv6  bool
		rules string
		asked []asked
	}{
		"nobody":        {nil, false, all, []asked{{"app/web → db/pg", 5432, denied}, {"remote-node → db/pg", 5432, denied}, {"world → db/pg", 5432, allowed}}},
		"nodes":         {nodes, false, some, []asked{{"app/web → db/pg", 5432, denied}, {"remote-node → db/pg", 5432, unknown}, {"kube-apiserver → db/pg", 5432, unknown}, {"host → db/pg", 5432, allowed}, {"world → db/pg", 5432, denied}, {"cidr:10.0.0.0/8 → db/pg", 5432, allowed}}},
		"pods":          {pods, false, some, []asked{{"app/web → db/pg", 5432, unknown}, {"remote-node → db/pg", 5432, denied}, {"health → db/pg", 5432, denied}, {"init → db/pg", 5432, denied}, {"unmanaged → db/pg", 5432, denied}}},
		"pods, all":     {pods, false, all, []asked{{"app/web → db/pg", 5432, allowed}, {"remote-node → db/pg", 5432, denied}, {"health → db/pg", 5432, denied}}},
		"nodes, all":    {nodes, false, all, []asked{{"app/web → db/pg", 5432, denied}, {"remote-node → db/pg", 5432, denied}}},
		"both, all":     {both, false, all, []asked{{"app/web → db/pg", 5432, allowed}, {"remote-node → db/pg", 5432, allowed}, {"kube-apiserver → db/pg", 5432, allowed}}},
		"other family":  {both, false, "ingress: [{fromCIDR: ['::/0', '2001:db8::/32']}]", []asked{{"app/web → db/pg", 5432, denied}, {"remote-node → db/pg", 5432, denied}}},
		"two families":  {both, true, all, []asked{{"app/web → db/pg", 5432, allowed}, {"remote-node → db/pg", 5432, unknown}}},
		"pods, most":    {pods, false, most, []asked{{"app/web → db/pg", 5432, unknown}}},
		"pods, group":   {pods, false, group, []asked{{"app/web → db/pg", 5432, unknown}, {"remote-node → db/pg", 5432, denied}}},
		"another port":  {both, false, "ingress: [{fromCIDR: [10.0.0.0/8], toPorts: [{ports: [{port: '8000'}]}]}]", []asked{{"app/web → db/pg", 5432, denied}, {"app/web → db/pg", 8000, unknown}}},
		"allowed twice": {both, false, "ingress: [{fromCIDR: [10.0.0.0/8]}, {fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: app}}]}]", []asked{{"app/web → db/pg", 5432, allowed}}},
		"denies":        {both, false, "ingress: [{fromEntities: [all]}], ingressDeny: [{fromCIDR: [10.0.0.0/8]}]", []asked{{"app/web → db/pg", 5432, unknown}, {"host → db/pg", 5432, unknown}, {"health → db/pg", 5432, allowed}}},
		"denies all":    {both, false, "ingress: [{fromEntities: [all]}], ingressDeny: [{fromCIDR: [0.0.0.0/0]}]", []asked{{"app/web → db/pg", 5432, denied}}},
		"seen, within":  {pods, false, some, []asked{{"app/in → db/pg", 5432, allowed}, {"app/out → db/pg", 5432, denied}}},
		"seen, most":    {pods, false, most, []asked{{"app/in → db/pg", 5432, denied}, {"app/out → db/pg", 5432, allowed}}},
		"seen, group":   {pods, false, group, []asked{{"app/in → db/pg", 5432, denied}, {"app/member → db/pg", 5432, allowed}}},
		"seen, groups":  {pods, false, "ingress: [{fromCIDRSet: [{cidrGroupSelector: {matchLabels: {a: b}}}]}]", []asked{{"app/in → db/pg", 5432, denied}, {"app/web → db/pg", 5432, unknown}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := smallWorldWith(rules("db", tc.rules), func(s *inventory.Settings) { s.CIDRMatchMode, s.IPv6 = tc.modes, tc.ipv6 })
			w.endpoints = map[string]inventory.Endpoint{
				"app/in":     endpoint("app", "cidr:10.0.0.0/8"),
				"app/out":    endpoint("app", "cidr:0.0.0.0/0"),
				"app/member": endpoint("app", "cidr:0.0.0.0/0", "cidrgroup:io.cilium.policy.cidrgroupname/g="),
			}
			check(t, w, tc.asked, "not visible from here")
		})
	}
}

// The other kinds of policies have CIDRs, too, and ClusterNetworkPolicies have nodes.
func TestAddressesInOtherKinds(t *testing.T) {
	for name, tc := range map[string]struct {
		policies string
		asked    []asked
		why      string
	}{
		"NetworkPolicy": {"kind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}\n",
			[]asked{{"app/web → db/pg", 5432, unknown}}, "spec.ingress[0] of NetworkPolicy/db/p has CIDRs"},
		"networks": {"kind: ClusterNetworkPolicy\nmetadata: {name: p}\nspec: {tier: Admin, priority: 1, subject: {namespaces: {matchLabels: {team: web}}}, egress: [{action: Deny, to: [{networks: [10.0.0.0/8]}]}]}\n",
			[]asked{{"app/web → db/pg", 5432, unknown}, {"db/pg → db/pg", 5432, allowed}}, "spec.egress[0] of ClusterNetworkPolicy/p has CIDRs"},
		"passed on": {"kind: ClusterNetworkPolicy\nmetadata: {name: p}\nspec: {tier: Admin, priority: 1, subject: {namespaces: {matchLabels: {team: web}}}, egress: [{action: Pass, to: [{networks: [10.0.0.0/8]}]}, {action: Accept, to: [{namespaces: {}}]}]}\n---\n" +
			rules("app", "egress: [{}]"),
			[]asked{{"app/web → db/pg", 5432, unknown}}, "spec.egress[0] of ClusterNetworkPolicy/p has CIDRs"},
		"nodes": {"kind: ClusterNetworkPolicy\nmetadata: {name: p}\nspec: {tier: Admin, priority: 1, subject: {namespaces: {matchLabels: {team: web}}}, egress: [{action: Deny, to: [{nodes: {}}]}]}\n",
			[]asked{{"app/web → remote-node", 5432, unknown}, {"app/web → db/pg", 5432, allowed}}, "spec.egress[0] of ClusterNetworkPolicy/p has nodes"},
		"names": {rules("app", "egress: [{toFQDNs: [{matchName: example.com}]}]"),
			[]asked{{"app/web → remote-node", 5432, unknown}, {"app/web → db/pg", 5432, denied}}, "spec.egress[0] of CiliumNetworkPolicy/app/p has CIDRs"},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, smallWorldWith(tc.policies, func(s *inventory.Settings) { s.CIDRMatchMode = []string{"nodes", "pods"} }), tc.asked, tc.why)
		})
	}
}
