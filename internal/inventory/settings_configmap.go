package inventory

import (
	"fmt"
	"strconv"
	"strings"
)

// CiliumConfigName is the name of the ConfigMap that Cilium's agent reads its options from.
const CiliumConfigName = "cilium-config"

// SettingsFromConfigMap reads Cilium's options from the data of the ConfigMap cilium-config, as
// the agent does (pkg/option/config.go, pkg/clustermesh/types/option.go): values are trimmed,
// lists are separated by white space, and a key that is absent has the default of the agent's version. Each
// problem is one sentence about a value that the agent would refuse; the default is assumed then.
func SettingsFromConfigMap(namespace, name string, data map[string]string, agent AgentVersion) (Settings, []string) {
	s := DefaultSettings().OfVersion(agent)
	// The Helm chart writes enable-ipv6=false; the agent itself, without the key, assumes true
	// (pkg/defaults/defaults.go).
	s.IPv6 = true
	s.Found = true
	s.Agent = true
	s.Source = namespace + "/" + name
	o := options{source: s.Source, data: data}

	o.text("cluster-name", &s.ClusterName)
	o.clusterID("cluster-id", &s.ClusterID)
	o.oneOf("enable-policy", &s.EnablePolicy, "default", "always", "never")
	o.bool("policy-audit-mode", &s.AuditMode)
	o.bool("enable-non-default-deny-policies", &s.NonDefaultDeny)
	o.bool("enable-k8s-networkpolicy", &s.KubernetesNetworkPolicy)
	o.bool("enable-k8s-cluster-network-policy", &s.ClusterNetworkPolicy)
	o.bool("enable-cilium-network-policy", &s.CiliumNetworkPolicy)
	o.bool("enable-cilium-clusterwide-network-policy", &s.CiliumClusterwideNetworkPolicy)
	o.bool("enable-l7-proxy", &s.L7Proxy)
	o.oneOf("allow-localhost", &s.AllowLocalhost, "auto", "always", "policy")
	o.list("labels", &s.LabelFilter)
	o.list("policy-cidr-match-mode", &s.CIDRMatchMode)
	o.bool("enable-node-selector-labels", &s.NodeSelectorLabels)
	o.bool("policy-default-local-cluster", &s.DefaultLocalCluster)
	o.bool("enable-host-firewall", &s.HostFirewall)
	o.bool("enable-ipv4", &s.IPv4)
	o.bool("enable-ipv6", &s.IPv6)

	if agent.Before(1, 20) {
		s.ClusterNetworkPolicy = false // The agent does not know the option, nor the kind.
	}
	s.CIDRMatchMode = o.known("policy-cidr-match-mode", s.CIDRMatchMode, "nodes", "pods")
	return s, o.problems
}

// options reads single options and collects what is wrong with them.
type options struct {
	source   string
	data     map[string]string
	problems []string
}

func (o *options) value(key string) (string, bool) {
	v, ok := o.data[key]
	return strings.TrimSpace(v), ok
}

func (o *options) problem(key, value, want string, assumed any) {
	o.problems = append(o.problems, fmt.Sprintf("option %q in %s is %q, want %s: %q is assumed",
		key, o.source, value, want, fmt.Sprint(assumed)))
}

func (o *options) text(key string, into *string) {
	v, ok := o.value(key)
	switch {
	case !ok:
	case v == "":
		o.problem(key, v, "a name", *into)
	default:
		*into = v
	}
}

func (o *options) bool(key string, into *bool) {
	v, ok := o.value(key)
	if !ok {
		return
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		o.problem(key, v, "true or false", *into)
		return
	}
	*into = b
}

func (o *options) clusterID(key string, into *uint32) {
	v, ok := o.value(key)
	if !ok {
		return
	}
	// 511 is the largest identifier that Cilium accepts (pkg/clustermesh/types/option.go).
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil || n > 511 {
		o.problem(key, v, "a number from 0 to 511", *into)
		return
	}
	*into = uint32(n)
}

func (o *options) oneOf(key string, into *string, allowed ...string) {
	v, ok := o.value(key)
	if !ok {
		return
	}
	for _, a := range allowed {
		if strings.EqualFold(v, a) {
			*into = a
			return
		}
	}
	o.problem(key, v, "one of "+strings.Join(allowed, ", "), *into)
}

func (o *options) list(key string, into *[]string) {
	if v, ok := o.value(key); ok {
		if fields := strings.Fields(v); len(fields) > 0 {
			*into = fields
		}
	}
}

// known drops the values that are not allowed, and reports each of them.
func (o *options) known(key string, values []string, allowed ...string) []string {
	var kept []string
	for _, v := range values {
		ok := false
		for _, a := range allowed {
			ok = ok || v == a
		}
		if ok {
			kept = append(kept, v)
		} else {
			o.problem(key, v, "a list of "+strings.Join(allowed, ", "), "")
		}
	}
	return kept
}
