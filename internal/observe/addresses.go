package observe

import (
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Addresses tell who is behind an address now.
type Addresses struct {
	pods  map[netip.Addr]*inventory.Pod
	nodes map[netip.Addr]bool
}

// AddressesOf are those of the pods and nodes of an inventory.
func AddressesOf(inv *inventory.Inventory) Addresses {
	a := Addresses{pods: map[netip.Addr]*inventory.Pod{}, nodes: map[netip.Addr]bool{}}
	for i := range inv.Pods {
		p := &inv.Pods[i]
		for _, address := range inventory.AddressesOf(p.HostIP) {
			a.nodes[address] = true
		}
		for _, address := range p.Addresses {
			if p.HostNetwork {
				a.nodes[address] = true
			} else {
				a.pods[address] = p
			}
		}
	}
	return a
}

// Client is who has an address, for a pod on the node with the other one; false for a pod that is no client, as one of
// the cluster itself. From nodes come also those behind them whose addresses are rewritten. An address that nobody has is not the
// world's for that: sessions outlive pods.
func (a Addresses) Client(address netip.Addr, node string, cluster types.NamespacedName) (Client, bool) {
	address = address.Unmap()
	if p := a.pods[address]; p != nil {
		if strings.HasPrefix(p.Name, ProbePrefix) {
			return Client{}, false
		}
		if p.Namespace == cluster.Namespace && p.Labels[cnpg.ClusterLabel] == cluster.Name && (p.Labels[cnpg.PodRoleLabel] != "" || p.Labels[cnpg.JobRoleLabel] != "") {
			return Client{}, false
		}
		return Client{Namespace: p.Namespace, Workload: Workload(p.Workload)}, true
	}
	switch {
	case len(inventory.AddressesOf(node)) > 0 && inventory.AddressesOf(node)[0] == address:
		return Client{Entity: v1alpha1.EntityHost, Address: address}, true
	case a.nodes[address]:
		return Client{Entity: v1alpha1.EntityRemoteNode, Address: address}, true
	}
	return Client{Address: address}, true
}
