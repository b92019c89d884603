package egress

import (
	"net/netip"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Deriver knows where to look. Get one from New.
type Deriver struct {
	index
	inv *inventory.Inventory
	// services are those that were seen, and those that the operator would create.
	services map[types.NamespacedName]*corev1.Service
	// pods are the positions of the pods of a namespace.
	pods map[string][]int
	// nodes are the addresses of nodes, in order.
	nodes []netip.Addr
	// scrapers are the positions of pods that scrape metrics.
	scrapers []int
	// konnectivity are the positions of the agents by which an API server reaches pods.
	konnectivity []int
	// apiServers are where Kubernetes answers.
	apiServers []Peer
	which      string
	dns        resolvers
	// dependants are who needs which cluster, once somebody has asked.
	dependants func() map[types.NamespacedName][]Dependant
}

// New returns what derives the needs of the inventory's databases. The inventory must not change.
func New(inv *inventory.Inventory) *Deriver {
	d := &Deriver{index: indexOf(inv), inv: inv, services: map[types.NamespacedName]*corev1.Service{}, pods: map[string][]int{}}
	for i := range inv.Pods {
		d.pods[inv.Pods[i].Namespace] = append(d.pods[inv.Pods[i].Namespace], i)
	}
	for _, cluster := range slices.Concat(inv.Clusters, inv.Others) {
		for _, s := range cnpg.Services(cluster) {
			d.services[types.NamespacedName{Namespace: s.Namespace, Name: s.Name}] = s
		}
	}
	for _, pooler := range inv.Poolers {
		d.services[types.NamespacedName{Namespace: pooler.Namespace, Name: pooler.Name}] = cnpg.PoolerService(pooler)
	}
	for _, s := range inv.Services {
		d.services[types.NamespacedName{Namespace: s.Namespace, Name: s.Name}] = s
	}
	d.nodes = nodeAddresses(inv)
	d.apiServers, d.which = findAPIServers(inv, d.nodes)
	selector := scrapers()
	for i := range inv.Pods {
		if selector.Matches(labels.Set(inv.Pods[i].Labels)) {
			d.scrapers = append(d.scrapers, i)
		}
	}
	d.konnectivity = d.findKonnectivity()
	d.dns = d.findDNS()
	d.dependants = sync.OnceValue(d.findDependants)
	return d
}

// podsBy are the positions of the pods of a namespace that the labels select.
func (d *Deriver) podsBy(namespace string, selector map[string]string) []int {
	matches := labels.SelectorFromSet(selector)
	var out []int
	for _, i := range d.pods[namespace] {
		if matches.Matches(labels.Set(d.inv.Pods[i].Labels)) {
			out = append(out, i)
		}
	}
	return out
}
