package assess

import (
	"fmt"
	"net/netip"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// OutletGrant is the grant of lockdown that lets instances and jobs out to a peer on a TCP port; false where there is none:
// nodes and API servers are let out to by no flag. Pods are selected by the label that tells applications apart, where they have one.
func OutletGrant(m *model.Model, peer egress.Peer, port uint16) (policyset.Grant, bool) {
	grant := func(kind policyset.Kind, value string) (policyset.Grant, bool) {
		return policyset.Grant{Kind: kind, Value: fmt.Sprintf("%s:%d", value, port)}, true
	}
	switch {
	case port == 0 || peer.APIServer != nil || peer.Host || peer.Candidate != nil:
	case len(peer.Pods) > 0:
		pod := m.Pod(peer.Pods[0])
		if pod.HostNetwork {
			break
		}
		value := pod.Namespace
		for _, key := range []string{"app.kubernetes.io/name", "k8s-app", "app"} {
			if text := pod.Labels[key]; text != "" {
				return grant(policyset.EgressPods, fmt.Sprintf("%s:%s=%s", value, key, text))
			}
		}
		return grant(policyset.EgressPods, value)
	case peer.Name != "" && m.Inventory().Settings.L7Proxy:
		return grant(policyset.EgressName, peer.Name)
	case peer.Name == "" && peer.Address.IsValid() && !m.Deriver().IsNode(peer.Address):
		prefix := netip.PrefixFrom(peer.Address, peer.Address.BitLen()).String()
		if peer.Address.Is6() {
			prefix = "[" + prefix + "]"
		}
		return grant(policyset.EgressCIDR, prefix)
	}
	return policyset.Grant{}, false
}
