package egress

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// APIServerAt is where an API server is. Policies see it by that, and not by the Service in front of it.
type APIServerAt struct {
	// Address is where it answers; not valid when that is not known.
	Address netip.Addr
	// OnNode is true for one at the address of a node, false for one outside.
	OnNode bool
}

const (
	// kubernetesService is the Service default/kubernetes, whose endpoints the API servers write themselves.
	kubernetesService = "kubernetes"
	// The ports of API servers that were not seen: of kubeadm and most others, and of managed ones.
	usualPort, managedPort = 6443, 443
	// mostAPIServers is how many addresses and ports of API servers are asked about for each database. Nobody has as many.
	mostAPIServers = 100
)

// findAPIServers finds the API servers by the endpoints of default/kubernetes, and whether these are on nodes
// by the addresses that pods on their nodes' network have. What is not known becomes alternatives.
func findAPIServers(inv *inventory.Inventory, nodes []netip.Addr) (peers []Peer, which string) {
	for _, slice := range inv.EndpointSlices {
		if slice.Namespace != corev1.NamespaceDefault || slice.Labels[discoveryv1.LabelServiceName] != kubernetesService {
			continue
		}
		var ports []Port
		for _, p := range slice.Ports {
			if p.Port != nil {
				ports = append(ports, Port{uint16(*p.Port), corev1.ProtocolTCP})
			}
		}
		for i := range slice.Endpoints {
			for _, address := range inventory.AddressesOf(slice.Endpoints[i].Addresses...) {
				onNode := slices.Contains(nodes, address)
				peers = append(peers, Peer{APIServer: &APIServerAt{Address: address, OnNode: onNode}, Ports: ports})
				if len(nodes) == 0 {
					which = "whether the API server's address is a node's was not seen"
					peers = append(peers, Peer{APIServer: &APIServerAt{Address: address, OnNode: true}, Ports: ports})
				}
			}
		}
	}
	asked := 0
	for _, p := range peers {
		asked += max(1, len(p.Ports))
	}
	switch {
	case asked > mostAPIServers:
		return []Peer{{Unknown: fmt.Sprintf("the API server has %d addresses and ports, and more than %d are not asked about", asked, mostAPIServers)}}, ""
	case len(peers) > 0:
		return peers, which
	}
	for _, port := range []uint16{usualPort, managedPort} {
		peers = append(peers,
			Peer{APIServer: &APIServerAt{OnNode: true}, Ports: tcp(port)}, Peer{APIServer: &APIServerAt{}, Ports: tcp(port)})
	}
	return peers, "where the API server runs, and its port, was not seen"
}

// nodeAddresses are those of the nodes on which pods were seen.
func nodeAddresses(inv *inventory.Inventory) []netip.Addr {
	var out []netip.Addr
	for i := range inv.Pods {
		pod := &inv.Pods[i]
		out = append(out, inventory.AddressesOf(pod.HostIP)...)
		if pod.HostNetwork {
			out = append(out, pod.Addresses...)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// APIServers are where Kubernetes answers, or may.
func (d *Deriver) APIServers() []Peer { return d.apiServers }

// IsNode is true for an address of a node on which pods were seen.
func (d *Deriver) IsNode(address netip.Addr) bool {
	_, found := slices.BinarySearchFunc(d.nodes, address, netip.Addr.Compare)
	return found
}

// Konnectivity are the positions of the pods through which API servers connect that stand apart from the nodes'
// network; none where no such pod was seen.
func (d *Deriver) Konnectivity() []int { return d.konnectivity }

func (d *Deriver) findKonnectivity() []int {
	var out []int
	for _, label := range inventory.KonnectivityLabels() {
		out = append(out, d.podsBy(inventory.KonnectivityNamespace, map[string]string{label: inventory.KonnectivityApp})...)
	}
	return out
}

// FromAPIServer are whom a pod sees when the API server connects to it.
func (d *Deriver) FromAPIServer() (peers []Peer, which string) {
	if agents := d.Konnectivity(); len(agents) > 0 {
		return []Peer{{Pods: agents}}, ""
	}
	for _, p := range d.apiServers {
		p.Ports = nil
		peers = append(peers, p)
	}
	return peers, d.which
}
