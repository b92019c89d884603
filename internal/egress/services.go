package egress

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

func (d *Deriver) seen(namespace, name string) *corev1.Service {
	return d.services[types.NamespacedName{Namespace: namespace, Name: name}]
}

// Host are the peers behind a host name or address, as who in the namespace would reach them by TCP. The
// host is a Service of the Kubernetes cluster when its name says so, or when one of that name was seen.
func (d *Deriver) Host(namespace, host string, port uint16) []Peer {
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if address, err := netip.ParseAddr(host); err == nil {
		return d.at(address.Unmap(), port)
	}
	parts := strings.Split(strings.ToLower(host), ".")
	name, in, sure := parts[0], namespace, len(parts) == 1
	if len(parts) > 1 {
		in, sure = parts[1], len(parts) > 2 && parts[2] == "svc"
	}
	if sure && len(parts) > 3 && parts[3] != "cluster" && !strings.HasSuffix(host, ".local") {
		sure = false // Somebody has a host called svc.
	}
	if s := d.seen(in, name); s != nil && (sure || len(parts) == 2) {
		return d.behind(s, port, corev1.ProtocolTCP)
	}
	if sure {
		return []Peer{{Unknown: "the Service " + in + "/" + name + " was not seen", Within: in, Ports: tcp(port)}}
	}
	return []Peer{{Name: strings.ToLower(host), Ports: tcp(port)}}
}

// at are the peers at an address: pods that have it, the Service of which it is, or the world.
func (d *Deriver) at(address netip.Addr, port uint16) []Peer {
	who, known := d.inhabitants()[address]
	switch {
	case !known:
		return []Peer{{Address: address, Ports: tcp(port)}}
	case who.service != nil:
		return d.behind(who.service, port, corev1.ProtocolTCP)
	default:
		return []Peer{{Pods: []int{who.pod}, Ports: tcp(port)}}
	}
}

// behind are the peers behind a port of a Service: policies see these, and the ports that they have.
func (d *Deriver) behind(s *corev1.Service, port uint16, protocol corev1.Protocol) []Peer {
	called := s.Namespace + "/" + s.Name
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		return []Peer{{Name: strings.ToLower(strings.TrimSuffix(s.Spec.ExternalName, ".")), Ports: []Port{{port, protocol}}}}
	}
	target := intstr.FromInt32(int32(port))
	if s.Spec.ClusterIP != corev1.ClusterIPNone {
		i := slices.IndexFunc(s.Spec.Ports, func(p corev1.ServicePort) bool {
			return p.Port == int32(port) && (p.Protocol == protocol || p.Protocol == "" && protocol == corev1.ProtocolTCP)
		})
		if i < 0 {
			return []Peer{{Unknown: "the Service " + called + " has no such port", Ports: []Port{{port, protocol}}}}
		}
		if t := s.Spec.Ports[i].TargetPort; t != intstr.FromInt32(0) && t != intstr.FromString("") {
			target = t
		}
	}
	if len(s.Spec.Selector) == 0 {
		return d.endpointsOf(s, target, protocol)
	}
	// Which instance is the primary changes at every failover.
	selector := maps.Clone(s.Spec.Selector)
	if selector[cnpg.ClusterLabel] != "" && (selector[cnpg.InstanceRoleLabel] != "" || selector[cnpg.OldInstanceRoleLabel] != "") {
		delete(selector, cnpg.InstanceRoleLabel)
		delete(selector, cnpg.OldInstanceRoleLabel)
		selector[cnpg.PodRoleLabel] = cnpg.InstancePodRole
	}
	pods, by := d.podsBy(s.Namespace, selector), &Candidate{s.Namespace, selector}
	if len(pods) == 0 {
		unseen := Peer{Unknown: "no pod behind the Service " + called + " was seen", Ports: []Port{{port, protocol}}}
		if target.Type == intstr.Int {
			unseen.By, unseen.Ports = by, []Port{{uint16(target.IntValue()), protocol}}
		}
		return []Peer{unseen}
	}
	byPort, unnamed := map[uint16][]int{}, false
	for _, i := range pods {
		number := uint16(target.IntValue())
		if target.Type == intstr.String {
			number = portNamed(&d.inv.Pods[i], target.StrVal, protocol)
		}
		unnamed = unnamed || number == 0
		byPort[number] = append(byPort[number], i)
	}
	if unnamed {
		return []Peer{{Unknown: "a pod behind the Service " + called + " has no port called " + target.StrVal, Ports: []Port{{port, protocol}}}}
	}
	var out []Peer
	for _, number := range slices.Sorted(maps.Keys(byPort)) {
		out = append(out, Peer{Pods: byPort[number], By: by, Ports: []Port{{number, protocol}}})
	}
	return out
}

func portNamed(pod *inventory.Pod, name string, protocol corev1.Protocol) uint16 {
	for _, p := range pod.NamedPorts {
		if p.Name == name && (p.Protocol == protocol || p.Protocol == "" && protocol == corev1.ProtocolTCP) {
			return p.Port
		}
	}
	return 0
}

// endpointsOf are the addresses behind a Service without a selector.
func (d *Deriver) endpointsOf(s *corev1.Service, target intstr.IntOrString, protocol corev1.Protocol) []Peer {
	var out []Peer
	for _, slice := range d.endpointSlices[types.NamespacedName{Namespace: s.Namespace, Name: s.Name}] {
		number := uint16(target.IntValue())
		for _, p := range slice.Ports {
			if p.Port != nil && (len(slice.Ports) == 1 || p.Name != nil && *p.Name == target.StrVal) {
				number = uint16(*p.Port)
			}
		}
		for i := range slice.Endpoints {
			for _, address := range inventory.AddressesOf(slice.Endpoints[i].Addresses...) {
				out = append(out, Peer{Address: address, Ports: []Port{{number, protocol}}})
			}
		}
	}
	if len(out) == 0 {
		return []Peer{{Unknown: "what is behind the Service " + s.Namespace + "/" + s.Name + ", which has no selector, was not seen"}}
	}
	return out
}
