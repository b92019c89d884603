package model

import (
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/u8proto"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// End is one end of a connection: what to call it, and what the agents at work take it for. Ends are
// the same pod, or pods that are alike, when they are equal.
type End struct {
	Identity *engine.Identity
	Name     string
	// Node is the address of the node that the pod runs on; empty where it is not known.
	Node string
	// OnNode is true for a pod on its node's network: policies see the node, and identity is nil.
	OnNode bool
	// Unmanaged is true for a pod that Cilium does not manage: nothing is enforced there, and identity
	// is what it would have.
	Unmanaged bool
	// Unsettled says why the agent is not known to enforce there what the policies say (see Model.Unsettled);
	// empty when it is. Unidentified is true when the agent has not given the pod its identity yet, by which
	// other pods' policies know it.
	Unsettled    string
	Unidentified bool
}

// EndOf is the end that a pod of the inventory is.
func (m *Model) EndOf(i int, name string) End {
	pod := &m.inv.Pods[i]
	return End{
		Identity: m.of[i], Name: name, Node: pod.HostIP, OnNode: pod.HostNetwork, Unmanaged: m.unmanaged[pod.Key()],
		Unsettled: m.Unsettled(i), Unidentified: m.hasEndpoint[i] && !m.inv.Endpoints[pod.Key()].Identified(),
	}
}

// Ends are the ends that members are, called by the names of their pods.
func (m *Model) Ends(members []Member) []End {
	ends := make([]End, 0, len(members))
	for _, member := range members {
		ends = append(ends, m.EndOf(member.Pod, m.inv.Pods[member.Pod].Name))
	}
	return ends
}

// PoolerEnds are the pods of the cluster's poolers.
func (m *Model) PoolerEnds(c *Cluster) []End {
	var ends []End
	for _, members := range [][]Member{c.Members, c.OnNodes} {
		for _, member := range members {
			if member.Role == v1alpha1.RolePooler {
				ends = append(ends, m.EndOf(member.Pod, "pooler pod "+m.inv.Pods[member.Pod].Name))
			}
		}
	}
	return ends
}

// Peculiarity says why rules by labels do not hold for the end; empty when they do.
func (e End) Peculiarity() string {
	switch {
	case e.OnNode:
		return "it is on its node's network, where policies see the node and not the pod"
	case e.Unmanaged:
		return "Cilium does not manage it, so that no rule by labels lets it in; restart it, if it started before the agent"
	}
	return ""
}

// SeenAs are the identities that the end may have in the eyes of the other one. A pod on its node's
// network looks like the local host there, and like a remote node elsewhere.
func (m *Model) SeenAs(e, by End) []*engine.Identity {
	host, remote := m.identities.Reserved(labels.IDNameHost), m.identities.Reserved(labels.IDNameRemoteNode)
	switch {
	case e.Unmanaged:
		return []*engine.Identity{m.identities.Reserved(labels.IDNameUnmanaged)}
	case !e.OnNode:
		return []*engine.Identity{e.Identity}
	case e.Node == "" || by.Node == "":
		return []*engine.Identity{host, remote}
	case e.Node == by.Node:
		return []*engine.Identity{host}
	}
	return []*engine.Identity{remote}
}

// Between is the worst answer for a connection from one end to the other.
func (m *Model) Between(from, to End, port uint16) engine.Decision {
	return m.betweenOn(from, to, u8proto.TCP, port)
}

// betweenOn is Between by any protocol that has ports.
func (m *Model) betweenOn(from, to End, protocol u8proto.U8proto, port uint16) engine.Decision {
	if to.OnNode {
		return m.toNode(from, to, protocol, port)
	}
	target := to.Identity
	if to.Unmanaged {
		target = m.identities.Reserved(labels.IDNameUnmanaged)
	}
	var out engine.Decision
	for i, seen := range m.SeenAs(from, to) {
		d := m.engine.DecideOn(seen, target, protocol, port)
		ingress, egress := d.Ingress, d.Egress
		if to.Unmanaged {
			ingress = engine.AllowedBecause(NotManaged)
		}
		switch {
		case from.Unmanaged:
			egress = engine.AllowedBecause(NotManaged)
		case from.OnNode:
			// What restricts a node's own connections is the host firewall, on the node itself.
			egress = m.engine.DecideOn(m.identities.Reserved(labels.IDNameHost), target, protocol, port).Egress
		}
		if d = engine.Join(ingress, egress); i == 0 || d.Verdict.WorseThan(out.Verdict) {
			out = d
		}
	}
	return out
}

// toNode is the worst answer for a connection to a pod on its node's network, where the agents see the node.
func (m *Model) toNode(from, to End, protocol u8proto.U8proto, port uint16) engine.Decision {
	if from.OnNode || from.Unmanaged {
		return engine.Join(engine.AllowedBecause(notAPod), engine.AllowedBecause(notAPod))
	}
	var out engine.Decision
	for i, seen := range m.SeenAs(to, from) {
		if d := m.engine.DecideOn(from.Identity, seen, protocol, port); i == 0 || d.Verdict.WorseThan(out.Verdict) {
			out = d
		}
	}
	return engine.Join(m.intoNode(from, protocol, port), out.Egress)
}

// notAPod says why policies for pods do not count at an end.
const notAPod = "it is no pod to the policies, which restrict pods"

// NotManaged says why everything is allowed at a pod.
const NotManaged = "Cilium does not manage the pod, so that nothing is enforced there"
