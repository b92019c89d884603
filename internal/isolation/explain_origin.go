package isolation

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// origin is one identity behind a source.
type origin struct {
	identity *engine.Identity
	// pods are indexes into the inventory; none for entities and for pods that do not exist.
	pods []int
	// name is what to call it when there are no pods.
	name string
	// egress is set when the source's side is not decided by the engine's answer for identity:
	// the reason for which nothing restricts it there.
	egress string
	// node is true when the source's side is decided by what holds on a node.
	node bool
	// address is that of the node of a pod on its node's network, and where says how it is to the target's
	// node; empty where they are not known.
	address, where string
	// apiServer is true for the API server, which can look like the instance's own node.
	apiServer bool
	// prefix is set for a part of the world whose addresses are known.
	prefix netip.Prefix
}

// Matches tells whether a pod belongs to the source.
func (s Source) Matches(pod *inventory.Pod) bool {
	if s.form != formPods || pod.Namespace != s.namespace {
		return false
	}
	w := pod.Workload
	switch s.workload.Kind {
	case "pod":
		return pod.Name == s.workload.Name
	case "replicaset":
		// A ReplicaSet of a Deployment is named by it and by the hash of the template.
		hash := pod.Labels["pod-template-hash"]
		return w == s.workload || hash != "" && w.Kind == "deployment" && w.Name+"-"+hash == s.workload.Name
	case "cronjob":
		// The controller names a CronJob's Jobs by its own name and the minute.
		minute, made := strings.CutPrefix(w.Name, s.workload.Name+"-")
		return w == s.workload || made && w.Kind == "job" && minute != "" && strings.Trim(minute, "0123456789") == ""
	}
	return w == s.workload
}

// addSource finds or makes the identities behind the source. It must run before the engine is
// built, and after the policies have been read, since they split the world.
func (m *Model) addSource(s *Source) error {
	if s == nil {
		return nil
	}
	m.source = s
	switch s.form {
	case formEntity:
		m.addEntity(s)
		return nil
	case formPrefix:
		return m.addPrefix(s.prefix)
	case formNamespace, formHypothetical:
		return m.addHypothetical(s)
	case formPods:
	}
	at := map[*engine.Identity]int{}
	var onNode []int
	for i := range m.inv.Pods {
		pod := &m.inv.Pods[i]
		if !s.Matches(pod) {
			continue
		}
		o := origin{identity: m.of[i]}
		switch {
		case pod.HostNetwork:
			onNode = append(onNode, i)
			continue
		case m.unmanaged[pod.Key()]:
			// The agents know the pod's address from Kubernetes, and nothing of its labels
			// (pkg/k8s/watchers/pod.go).
			o.identity = m.identities.Reserved(unmanagedName)
			o.egress = notManaged
			m.sourceNotes = append(m.sourceNotes, fmt.Sprintf(
				"Cilium does not manage pod %q, so that no rule by labels lets it in: restart it, if it started before the agent", pod.Name))
		}
		m.addPod(at, o, i)
	}
	if len(onNode) > 0 {
		m.addNodes(s.Name(), onNode)
	}
	if len(m.origins) == 0 {
		return unknownSourceError{m.unknownSource(s)}
	}
	return nil
}

// addPod adds a pod to the origin of its identity, whose position is in at.
func (m *Model) addPod(at map[*engine.Identity]int, o origin, pod int) {
	index, known := at[o.identity]
	if !known {
		index = len(m.origins)
		at[o.identity] = index
		m.origins = append(m.origins, o)
	}
	m.origins[index].pods = append(m.origins[index].pods, pod)
}

func (m *Model) addEntity(s *Source) {
	switch name := s.entity; name {
	case worldName:
		// On dual stack, each family has a world of its own (pkg/labels/cidr.go).
		for _, id := range m.identities.Worlds() {
			if family := familyOf(id); !s.prefix.IsValid() || !family.IsValid() || family == s.prefix {
				m.origins = append(m.origins, origin{identity: id, name: id.Name(), egress: outsideReason})
			}
		}
	case "kube-apiserver":
		m.origins = append(m.origins, origin{identity: m.identities.Reserved(name), name: name, apiServer: true, egress: "the API server is no pod: policies for pods do not apply to it"})
	default:
		m.origins = append(m.origins, origin{identity: m.identities.Reserved(name), name: name, node: true})
	}
}

// familyOf are all addresses of a world that is one of two; invalid for other identities.
func familyOf(id *engine.Identity) netip.Prefix {
	switch id.Name() {
	case "world-ipv4":
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	case "world-ipv6":
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.Prefix{}
}

const notManaged = "Cilium does not manage the pod, so that nothing is enforced there"

const outsideReason = "it is outside the Kubernetes cluster, where no policy of it applies"

// addPrefix adds the prefix and those parts of it that policies name: they have identities of
// their own. What is made of smaller parts altogether has no address left.
func (m *Model) addPrefix(prefix netip.Prefix) error {
	if err := m.inside(prefix); err != nil {
		return err
	}
	parts := []netip.Prefix{prefix}
	for _, id := range m.outside {
		part, err := netip.ParsePrefix(strings.TrimPrefix(id.Name(), "cidr:"))
		if err == nil && part.Bits() > prefix.Bits() && prefix.Contains(part.Addr()) && !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	for i, part := range parts {
		if covered(part, slices.Delete(slices.Clone(parts), i, i+1)) {
			continue
		}
		id, err := m.identities.CIDR(part)
		if err != nil {
			return err
		}
		m.origins = append(m.origins, origin{identity: id, name: prefixText(part), egress: outsideReason, prefix: part})
	}
	return nil
}

func (m *Model) addHypothetical(s *Source) error {
	known := slices.ContainsFunc(m.inv.Namespaces, func(n inventory.Namespace) bool { return n.Name == s.namespace })
	switch {
	case known:
	case m.inv.Origin == inventory.Manifests:
		m.sourceNotes = append(m.sourceNotes, fmt.Sprintf(
			"namespace %q is not in the manifests: it is taken to have no labels but %s", s.namespace, corev1.LabelMetadataName))
	case len(m.missingAt("namespaces", s.namespace)) == 0:
		return fmt.Errorf("there is no namespace %q: 'kubectl get namespaces' lists all", s.namespace)
	}
	pod := inventory.Pod{Namespace: s.namespace, Labels: s.labels, ServiceAccount: s.serviceAccount}
	ids, err := m.identities.Pods([]inventory.Pod{pod}, m.namespaceLabels(s.namespace))
	if err != nil {
		return err
	}
	name := s.Name()
	if s.form == formNamespace {
		name = "a pod without labels"
	}
	m.origins = append(m.origins, origin{identity: ids[0], name: name})
	return nil
}
