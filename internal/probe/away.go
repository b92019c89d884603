package probe

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

const (
	// mostServices is how many Services are looked at for a pod that the database must not reach, and mostOutsiders how many pods are asked
	// whether they do.
	mostServices, mostOutsiders = 100, 20
	// systemNamespace has the pods of Kubernetes itself: no twin of one of them is made.
	systemNamespace = "kube-system"
)

// keptFrom finds a pod behind a Service that the database's pod is kept from by what it may open, and by nothing else, and somebody who
// is let through to it. Behind a Service, somebody listens.
func keptFrom(m *model.Model, c *model.Cluster, from int) (to place, who int, found bool) {
	services := slices.Clone(m.Inventory().Services)
	own := func(s *corev1.Service) int {
		if s.Namespace == c.Object.Namespace {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(services, func(a, b *corev1.Service) int {
		return cmp.Or(cmp.Compare(own(a), own(b)), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, s := range services[:min(mostServices, len(services))] {
		for _, port := range s.Spec.Ports {
			if len(s.Spec.Selector) == 0 || port.Protocol != "" && port.Protocol != corev1.ProtocolTCP {
				continue
			}
			for _, peer := range m.Deriver().Behind(s, uint16(port.Port)) {
				for _, i := range peer.Pods {
					number := peer.Ports[0].Number
					if !isStranger(m, i) || !keptByEgress(m, from, i, number) {
						continue
					}
					if o, ok := whoReaches(m, c, i, number); ok {
						one := egress.Peer{Pods: []int{i}, Ports: peer.Ports}
						return placesOf(m, one, peer.Ports[0])[0], o, true
					}
				}
			}
		}
	}
	return place{}, 0, false
}

// isStranger is true for a pod with an address of its own that Cilium manages, and that belongs to no database.
func isStranger(m *model.Model, pod int) bool {
	p := m.Pod(pod)
	return !p.Expected && !p.HostNetwork && p.Phase == corev1.PodRunning && len(p.Addresses) > 0 && !m.IsUnmanaged(pod) &&
		m.MemberOf(pod) == nil && m.Unsettled(pod) == ""
}

// keptByEgress is true where it is what the pod may open that keeps it from a port, and not what the other one receives.
func keptByEgress(m *model.Model, from, to int, port uint16) bool {
	d := m.Between(m.EndOf(from, ""), m.EndOf(to, ""), port)
	return d.Egress.Verdict == v1alpha1.VerdictDenied && d.Ingress.Verdict == v1alpha1.VerdictAllowed
}

// whoReaches is a pod that belongs to no database, of which a twin can be made, and that is let through to a port of another pod.
func whoReaches(m *model.Model, c *model.Cluster, to int, port uint16) (int, bool) {
	return outsider(m, c, func(i int) bool {
		return i != to && m.Between(m.EndOf(i, ""), m.EndOf(to, ""), port).Verdict == v1alpha1.VerdictAllowed
	})
}

// unrestricted is a pod that belongs to no database, of which a twin can be made, and that may open what it likes.
func unrestricted(m *model.Model, c *model.Cluster) (int, bool) {
	return outsider(m, c, func(i int) bool { return !m.Engine().RestrictsEgress(m.IdentityOf(i)) })
}

// outsider is the first of the pods for which something holds: those of the database's namespace before others, and the operator last.
// Those that may open what they like come first of all: their answers tell of every place.
func outsider(m *model.Model, c *model.Cluster, is func(int) bool) (int, bool) {
	var near, far, operators []int
	for i := range m.Inventory().Pods {
		switch pod := m.Pod(i); {
		case pod.Namespace == systemNamespace || !isStranger(m, i) || clientOf(m, i, "").Unfit != "":
		case isOperator(m, i):
			operators = append(operators, i)
		case pod.Namespace == c.Object.Namespace:
			near = append(near, i)
		case len(far) < mostOutsiders:
			far = append(far, i)
		}
	}
	near = near[:min(mostOutsiders, len(near))]
	second, found := 0, false
	for _, i := range slices.Concat(near, far, operators) {
		switch {
		case !is(i):
		case !m.Engine().RestrictsEgress(m.IdentityOf(i)):
			return i, true
		case !found:
			second, found = i, true
		}
	}
	return second, found
}
