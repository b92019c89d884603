package model

import (
	"net/netip"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// NodeAt is what pods say is the address of their node, of the node that has this one; empty when none has.
func (m *Model) NodeAt(address netip.Addr) string {
	if !address.IsValid() {
		return ""
	}
	for i := range m.inv.Pods {
		pod := &m.inv.Pods[i]
		if slices.Contains(inventory.AddressesOf(pod.HostIP), address) || pod.HostNetwork && slices.Contains(pod.Addresses, address) {
			return pod.HostIP
		}
	}
	return ""
}
