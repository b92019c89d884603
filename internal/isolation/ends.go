package isolation

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// unmanagedName is the reserved identity of pods that the agents know from Kubernetes only: by their
// address, and not by their labels (pkg/k8s/watchers/pod.go).
const unmanagedName = "unmanaged"

// end is one end of a connection: what to call it, and what the agents at work take it for. Ends are
// the same pod, or pods that are alike, when they are equal.
type end struct {
	identity *engine.Identity
	name     string
	// node is the address of the node that the pod runs on; empty where it is not known.
	node string
	// onNode is true for a pod on its node's network: policies see the node, and identity is nil.
	onNode bool
	// unmanaged is true for a pod that Cilium does not manage: nothing is enforced there, and identity
	// is what it would have.
	unmanaged bool
}

// endOf is the end that a pod of the inventory is.
func (m *Model) endOf(i int, name string) end {
	pod := &m.inv.Pods[i]
	return end{identity: m.of[i], name: name, node: pod.HostIP, onNode: pod.HostNetwork, unmanaged: m.unmanaged[pod.Key()]}
}

func (m *Model) ends(members []member) []end {
	ends := make([]end, 0, len(members))
	for _, member := range members {
		ends = append(ends, m.endOf(member.pod, m.inv.Pods[member.pod].Name))
	}
	return ends
}

// poolerEnds are the pods of the cluster's poolers.
func (m *Model) poolerEnds(c *cluster) []end {
	var ends []end
	for _, members := range [][]member{c.members, c.onNodes} {
		for _, member := range members {
			if member.role == v1alpha1.RolePooler {
				ends = append(ends, m.endOf(member.pod, "pooler pod "+m.inv.Pods[member.pod].Name))
			}
		}
	}
	return ends
}

// peculiarity says why rules by labels do not hold for the end; empty when they do.
func (e end) peculiarity() string {
	switch {
	case e.onNode:
		return "it is on its node's network, where policies see the node and not the pod"
	case e.unmanaged:
		return "Cilium does not manage it, so that no rule by labels lets it in; restart it, if it started before the agent"
	}
	return ""
}

// seenAs are the identities that the end may have in the eyes of the other one. A pod on its node's
// network looks like the local host there, and like a remote node elsewhere.
func (m *Model) seenAs(e, by end) []*engine.Identity {
	host, remote := m.identities.Reserved("host"), m.identities.Reserved("remote-node")
	switch {
	case e.unmanaged:
		return []*engine.Identity{m.identities.Reserved(unmanagedName)}
	case !e.onNode:
		return []*engine.Identity{e.identity}
	case e.node == "" || by.node == "":
		return []*engine.Identity{host, remote}
	case e.node == by.node:
		return []*engine.Identity{host}
	}
	return []*engine.Identity{remote}
}

// between is the worst answer for a connection from one end to the other, which is a pod with an
// identity.
func (m *Model) between(from, to end, port uint16) engine.Decision {
	target := to.identity
	if to.unmanaged {
		target = m.identities.Reserved(unmanagedName)
	}
	var out engine.Decision
	for i, seen := range m.seenAs(from, to) {
		d := m.engine.Decide(seen, target, port)
		ingress, egress := d.Ingress, d.Egress
		if to.unmanaged {
			ingress = allowedBecause(notManaged)
		}
		switch {
		case from.unmanaged:
			egress = allowedBecause(notManaged)
		case from.onNode:
			// What restricts a node's own connections is the host firewall, on the node itself.
			egress = m.engine.Decide(m.identities.Reserved("host"), target, port).Egress
		}
		if d = engine.Join(ingress, egress); i == 0 || worse(d.Verdict, out.Verdict) {
			out = d
		}
	}
	return out
}
