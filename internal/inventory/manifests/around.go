package manifests

import (
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// around takes the kinds by which is known what databases need, and how they are reached; false for others.
func (l *loader) around(h header, raw []byte) (known bool, err error) {
	group, _, _ := strings.Cut(h.APIVersion, "/")
	a := &l.inv.Around
	switch group + "/" + h.Kind {
	case "v1/Service":
		return true, keep(l, h.Kind, &a.Services, raw)
	case "v1/Endpoints":
		return true, l.endpoints(raw)
	case "discovery.k8s.io/EndpointSlice":
		return true, keep(l, h.Kind, &a.EndpointSlices, raw)
	case "postgresql.cnpg.io/Backup":
		return true, keep(l, h.Kind, &a.Backups, raw)
	case "postgresql.cnpg.io/Subscription":
		return true, keep(l, h.Kind, &a.Subscriptions, raw)
	case "cilium.io/CiliumCIDRGroup":
		group, err := decode.Object[ciliumv2.CiliumCIDRGroup](raw, "")
		if err == nil {
			put(l, &a.CIDRGroups, objectKey{h.Kind, "", group.Name}, group)
		}
		return true, err
	case "barmancloud.cnpg.io/ObjectStore":
		store, err := decode.Object[inventory.ObjectStore](raw, l.namespace)
		if err == nil {
			put(l, &a.ObjectStores, objectKey{h.Kind, store.Namespace, store.Name}, *store)
		}
		return true, err
	case "monitoring.coreos.com/PodMonitor", "monitoring.coreos.com/ServiceMonitor":
		monitor, err := decode.Object[inventory.Monitor](raw, l.namespace)
		if err == nil {
			put(l, &a.Monitors, objectKey{h.Kind, monitor.Namespace, monitor.Name}, *monitor)
		}
		return true, err
	}
	return false, nil
}

// kept is a type whose objects are kept as they are.
type kept[T any] interface {
	*T
	metav1.Object
}

// keep decodes an object of the slice's type and adds it.
func keep[T any, P kept[T]](l *loader, kind string, slice *[]P, raw []byte) error {
	object, err := decode.Object[T, P](raw, l.namespace)
	if err == nil {
		put(l, slice, objectKey{kind, object.GetNamespace(), object.GetName()}, object)
	}
	return err
}

// endpoints takes the older form of EndpointSlices.
func (l *loader) endpoints(raw []byte) error {
	old, err := decode.Object[corev1.Endpoints](raw, l.namespace) //nolint:staticcheck // Deprecated, and still written.
	if err != nil {
		return err
	}
	for i := range old.Subsets {
		slice := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{
			Namespace: old.Namespace, Name: old.Name, Labels: map[string]string{discoveryv1.LabelServiceName: old.Name},
		}}
		for _, p := range old.Subsets[i].Ports {
			slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &p.Name, Port: &p.Port, Protocol: &p.Protocol})
		}
		for _, a := range old.Subsets[i].Addresses {
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{a.IP}})
		}
		l.inv.EndpointSlices = append(l.inv.EndpointSlices, slice)
	}
	return nil
}
