package inventory

// Settings are the parts of Cilium's configuration that change verdicts, from the ConfigMap
// cilium-config. The zero value is not useful: start from DefaultSettings.
type Settings struct {
	// Found is false when cilium-config could not be read and these are Cilium's defaults.
	Found bool
	// Source is where they were read: "kube-system/cilium-config".
	Source string
	// Version is that of the agents.
	Version AgentVersion
	// ClusterName is the option cluster-name.
	ClusterName string
	// ClusterID is the option cluster-id, 0 without cluster mesh.
	ClusterID uint32
	// EnablePolicy is "default", "always" or "never" (option enable-policy).
	EnablePolicy string
	// AuditMode is the option policy-audit-mode: verdicts are logged, nothing is dropped.
	AuditMode bool
	// NonDefaultDeny is the option enable-non-default-deny-policies.
	NonDefaultDeny bool
	// KubernetesNetworkPolicy is the option enable-k8s-networkpolicy.
	KubernetesNetworkPolicy bool
	// ClusterNetworkPolicy is the option enable-k8s-cluster-network-policy, which agents know from 1.20 on.
	ClusterNetworkPolicy bool
	// CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy are the options
	// enable-cilium-network-policy and enable-cilium-clusterwide-network-policy.
	CiliumNetworkPolicy            bool
	CiliumClusterwideNetworkPolicy bool
	// L7Proxy is the option enable-l7-proxy; without it, rules with L7 parts are invalid.
	L7Proxy bool
	// AllowLocalhost is "auto", "always" or "policy"; on Kubernetes the agent reads auto as always.
	AllowLocalhost string
	// LabelFilter is the option labels: which labels count for identities. Empty is Cilium's default.
	LabelFilter []string
	// CIDRMatchMode is the option policy-cidr-match-mode.
	CIDRMatchMode []string
	// NodeSelectorLabels is the option enable-node-selector-labels.
	NodeSelectorLabels bool
	// DefaultLocalCluster is the option policy-default-local-cluster: selectors without a cluster
	// match the local cluster only.
	DefaultLocalCluster bool
	// HostFirewall is the option enable-host-firewall.
	HostFirewall bool
	IPv4, IPv6   bool
	// Agent is evidence that Cilium runs here at all: its DaemonSet, its ConfigMap or an endpoint.
	Agent bool
}

// DefaultSettings are Cilium v1.20's defaults, the engine's version.
func DefaultSettings() Settings {
	return Settings{
		ClusterName:                    "default",
		EnablePolicy:                   "default",
		NonDefaultDeny:                 true,
		KubernetesNetworkPolicy:        true,
		CiliumNetworkPolicy:            true,
		CiliumClusterwideNetworkPolicy: true,
		L7Proxy:                        true,
		AllowLocalhost:                 "auto",
		DefaultLocalCluster:            true,
		IPv4:                           true,
	}
}

// OfVersion are the settings with the defaults of another version of the agents, before any option is read.
func (s Settings) OfVersion(v AgentVersion) Settings {
	s.Version = v
	if v.Before(1, 19) {
		s.DefaultLocalCluster = false // pkg/clustermesh/types/option.go of 1.18
	}
	return s
}
