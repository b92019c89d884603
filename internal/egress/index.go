package egress

import (
	"net/netip"
	"slices"
	"sync"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// index finds the objects of an inventory by what refers to them: a fleet has thousands of each kind, and each database asks for a few.
// Those of one place are in the order of the inventory.
type index struct {
	// poolers and subscriptions are found by their cluster, endpointSlices by their Service.
	poolers        map[types.NamespacedName][]*cnpgv1.Pooler
	subscriptions  map[types.NamespacedName][]*cnpgv1.Subscription
	endpointSlices map[types.NamespacedName][]*discoveryv1.EndpointSlice
	backups        map[types.NamespacedName]*cnpgv1.Backup
	objectStores   map[types.NamespacedName]*inventory.ObjectStore
	servicesIn     map[string][]*corev1.Service
	// monitors are found by the namespaces that they look into; those that look into all have an empty one.
	monitors map[string][]monitor
	// inhabitants are who has an address.
	inhabitants func() map[netip.Addr]inhabitant
}

// monitor is one of the inventory's, and its position there.
type monitor struct {
	*inventory.Monitor
	at       int
	selector labels.Selector
}

// inhabitant is a pod, by its position, or else a Service.
type inhabitant struct {
	pod     int
	service *corev1.Service
}

func indexOf(inv *inventory.Inventory) index {
	x := index{
		poolers: map[types.NamespacedName][]*cnpgv1.Pooler{}, subscriptions: map[types.NamespacedName][]*cnpgv1.Subscription{},
		endpointSlices: map[types.NamespacedName][]*discoveryv1.EndpointSlice{}, backups: map[types.NamespacedName]*cnpgv1.Backup{},
		objectStores: map[types.NamespacedName]*inventory.ObjectStore{}, servicesIn: map[string][]*corev1.Service{},
		monitors:    map[string][]monitor{},
		inhabitants: sync.OnceValue(func() map[netip.Addr]inhabitant { return inhabitantsOf(inv) }),
	}
	key := func(namespace, name string) types.NamespacedName {
		return types.NamespacedName{Namespace: namespace, Name: name}
	}
	for _, p := range inv.Poolers {
		of := key(p.Namespace, p.Spec.Cluster.Name)
		x.poolers[of] = append(x.poolers[of], p)
	}
	for _, s := range inv.Subscriptions {
		of := key(s.Namespace, s.Spec.ClusterRef.Name)
		x.subscriptions[of] = append(x.subscriptions[of], s)
	}
	for _, s := range inv.EndpointSlices {
		of := key(s.Namespace, s.Labels[discoveryv1.LabelServiceName])
		x.endpointSlices[of] = append(x.endpointSlices[of], s)
	}
	for _, b := range slices.Backward(inv.Backups) { // The first of a name counts.
		x.backups[key(b.Namespace, b.Name)] = b
	}
	for i := range slices.Backward(inv.ObjectStores) {
		s := &inv.ObjectStores[i]
		x.objectStores[key(s.Namespace, s.Name)] = s
	}
	for _, s := range inv.Services {
		x.servicesIn[s.Namespace] = append(x.servicesIn[s.Namespace], s)
	}
	for i := range inv.Monitors {
		x.addMonitor(&inv.Monitors[i], i)
	}
	return x
}

func (x *index) addMonitor(m *inventory.Monitor, at int) {
	selector, err := metav1.LabelSelectorAsSelector(&m.Spec.Selector)
	if err != nil {
		return // The API server knows the schema of a selector, and not more; nobody is scraped by it.
	}
	in := m.Spec.NamespaceSelector
	namespaces := slices.DeleteFunc(slices.Clone(in.MatchNames), func(name string) bool { return name == "" })
	switch {
	case in.Any:
		namespaces = []string{""}
	case len(namespaces) < len(in.MatchNames): // An empty name is nobody's.
	case len(namespaces) == 0:
		namespaces = []string{m.Namespace}
	}
	for _, namespace := range namespaces {
		x.monitors[namespace] = append(x.monitors[namespace], monitor{m, at, selector})
	}
}

// inhabitantsOf are the first who have each address: pods before Services, but for pods that have their node's.
func inhabitantsOf(inv *inventory.Inventory) map[netip.Addr]inhabitant {
	out := map[netip.Addr]inhabitant{}
	add := func(addresses []netip.Addr, who inhabitant) {
		for _, address := range addresses {
			if _, taken := out[address]; !taken {
				out[address] = who
			}
		}
	}
	for i := range inv.Pods {
		if !inv.Pods[i].HostNetwork {
			add(inv.Pods[i].Addresses, inhabitant{pod: i})
		}
	}
	for _, s := range inv.Services {
		add(inventory.AddressesOf(append([]string{s.Spec.ClusterIP}, s.Spec.ClusterIPs...)...), inhabitant{service: s})
	}
	return out
}
