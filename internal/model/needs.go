package model

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/cilium/cilium/pkg/u8proto"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// Answer is a decision about a connection with a peer of a need.
type Answer struct {
	// Peer is what the other end is called.
	Peer string
	// Pod is its position in the inventory, -1 for what is no pod of it.
	Pod      int
	Decision engine.Decision
}

// Ask decides whether an end can connect to each of those that a peer stands for. Peers of needs of the model's
// clusters and operators, and those of Options.Extra, can be asked about.
func (m *Model) Ask(end End, peer egress.Peer, port egress.Port) []Answer {
	proto, err := u8proto.ParseProtocol(string(port.Protocol))
	if err != nil {
		proto = u8proto.TCP // Kubernetes' default.
	}
	if len(peer.Pods) > 0 {
		var out []Answer
		var asked []End
		for _, i := range peer.Pods {
			to := m.EndOf(i, m.calledPod(i))
			alike := to
			alike.Name = ""
			if !slices.Contains(asked, alike) && to != end {
				asked = append(asked, alike)
				out = append(out, Answer{to.Name, i, m.betweenOn(end, to, proto, port.Number)})
			}
		}
		return out
	}
	name := calledPeer(peer)
	into := engine.AllowedBecause(notAPod)
	if m.isOnNode(peer) {
		into = m.intoNode(end, proto, port.Number)
	}
	if unrestricted := m.opens(end); unrestricted != "" {
		return []Answer{{name, -1, engine.Join(into, engine.AllowedBecause(unrestricted))}}
	}
	if peer.Unknown != "" {
		return []Answer{{name, -1, engine.Join(into, m.unknownPeer(end, peer, proto, port.Number))}}
	}
	alternatives, why := m.alternatives(end, peer)
	var decisions []engine.Decision
	for _, id := range alternatives {
		decisions = append(decisions, m.engine.DecideOn(end.Identity, id, proto, port.Number))
	}
	d := engine.Either(why, decisions...)
	if d = engine.Join(into, d.Egress); peer.Name != "" && d.Verdict == v1alpha1.VerdictAllowed && !m.resolves(end, proto, port.Number) {
		d = engine.Join(d.Ingress, engine.Direction{
			Verdict: v1alpha1.VerdictDenied, DefaultDeny: m.denyingEgress(end),
			Reason: "a rule names " + peer.Name + ", and no rule for DNS has rules.dns, without which Cilium learns no addresses",
		})
	}
	return []Answer{{name, -1, d}}
}

// resolves is false where an end may connect to names only, and Cilium does not see how it resolves them
// (toFQDNs works by the DNS proxy).
func (m *Model) resolves(end End, protocol u8proto.U8proto, port uint16) bool {
	var anywhere []engine.Decision
	for _, id := range m.known.nowhere[end.Identity.Namespace()] {
		anywhere = append(anywhere, m.engine.DecideOn(end.Identity, id, protocol, port))
	}
	if engine.Either("", anywhere...).Verdict == v1alpha1.VerdictAllowed {
		return true
	}
	resolvers, _ := m.known.deriver.Resolvers()
	for _, peer := range resolvers {
		for _, at := range peer.Ports {
			for _, answer := range m.Ask(end, peer, at) {
				if answer.Decision.Egress.L7 {
					return true
				}
			}
		}
	}
	return false
}

// denyingEgress are the policies that bring default deny to what an end opens.
func (m *Model) denyingEgress(end End) []v1alpha1.PolicyReference {
	var out []v1alpha1.PolicyReference
	for _, s := range m.engine.Selections(end.Identity) {
		if s.Egress == v1alpha1.EffectDefaultDeny {
			out = append(out, m.engine.Policies()[s.Policy].PolicyReference)
		}
	}
	return engine.Unique(out)
}

// AskInbound decides whether those that a peer stands for can connect to an end.
func (m *Model) AskInbound(end End, peer egress.Peer, port uint16) []Answer {
	switch {
	case peer.Unknown != "" && !m.admitsSome(end):
		return []Answer{{calledPeer(peer), -1, engine.Join(engine.AllowedBecause("no policy restricts who reaches it"), engine.AllowedBecause(peer.Unknown))}}
	case peer.Unknown != "":
		return []Answer{{calledPeer(peer), -1, engine.Join(engine.UnknownBecause(peer.Unknown), engine.AllowedBecause(peer.Unknown))}}
	case peer.APIServer != nil:
		var decisions []engine.Decision
		for _, id := range m.comesFrom(end, *peer.APIServer) {
			decisions = append(decisions, m.Between(End{Identity: id, Name: calledPeer(peer)}, end, port))
		}
		return []Answer{{calledPeer(peer), -1, engine.Either(unseenNode, decisions...)}}
	}
	var out []Answer
	for _, i := range peer.Pods {
		from := m.EndOf(i, m.calledPod(i))
		out = append(out, Answer{from.Name, i, m.Between(from, end, port)})
	}
	return out
}

// admitsSome is true where something may restrict who reaches an end.
func (m *Model) admitsSome(end End) bool {
	if !m.Enforces() || end.Unmanaged || end.OnNode {
		return false
	}
	ingress, _ := m.engine.DefaultDeny(end.Identity)
	return ingress || slices.ContainsFunc(m.engine.Selections(end.Identity), func(s engine.Selection) bool { return s.DeniesIngress })
}

// opens says why nothing restricts what an end opens; empty when something does.
func (m *Model) opens(end End) string {
	switch {
	case end.Unmanaged:
		return NotManaged
	case end.OnNode:
		return "it is on its node's network, where the policies for pods say nothing"
	case !m.Enforces():
		return "nothing is enforced"
	case !m.engine.RestrictsEgress(end.Identity):
		return "no policy restricts what it opens"
	}
	return ""
}

func (m *Model) calledPod(i int) string {
	pod := &m.inv.Pods[i]
	return "pod " + pod.Namespace + "/" + pod.Name
}

// calledPeer is what a peer is called that is no pod that was seen.
func calledPeer(peer egress.Peer) string {
	switch {
	case peer.APIServer != nil && peer.APIServer.Address.IsValid():
		return "the API server " + peer.APIServer.Address.String()
	case peer.APIServer != nil:
		return "the API server"
	case peer.Candidate != nil:
		return "a DNS pod of " + peer.Candidate.Namespace
	case peer.Host:
		return "its node"
	case peer.Name != "":
		return peer.Name
	case peer.Address.IsValid():
		return peer.Address.String()
	case len(peer.Like) > 0:
		return peer.Patterns()[0]
	}
	return "what is not known"
}

const unseenNode = "on which node the pod runs, or the API server, was not seen"

// alternatives are the identities that a peer may have for an end; why is why it is not known which.
func (m *Model) alternatives(end End, peer egress.Peer) (ids []*engine.Identity, why string) {
	known := m.known
	switch {
	case peer.APIServer != nil:
		at := *peer.APIServer
		if !at.OnNode {
			return known.apiServers[placed{end.Identity.Namespace(), engine.Outside, at.Address}], fmt.Sprintf("which address %s has was not seen", calledPeer(peer))
		}
		for _, place := range placesOnNodes(end, at.Address) {
			ids = append(ids, known.apiServers[placed{end.Identity.Namespace(), place, at.Address}]...)
		}
		return ids, unseenNode
	case peer.Candidate != nil:
		return one(known.candidates[peer.Candidate.Namespace]), ""
	case peer.Host:
		return one(m.identities.Reserved("host")), ""
	case peer.Name != "":
		return known.names[named{end.Identity.Namespace(), peer.Name}], fmt.Sprintf("it depends on the address of %s, which is not known", peer.Name)
	case known.deriver.IsNode(peer.Address):
		host, remote := m.identities.Reserved("host"), m.identities.Reserved("remote-node")
		switch end.Node {
		case "":
			return []*engine.Identity{host, remote}, unseenNode
		case peer.Address.String():
			return one(host), ""
		}
		return one(remote), ""
	}
	return known.addresses[peer.Address], ""
}

func one(id *engine.Identity) []*engine.Identity {
	if id == nil {
		return nil
	}
	return []*engine.Identity{id}
}

// placesOnNodes are where an API server at the address of a node may be for an end.
func placesOnNodes(end End, address netip.Addr) []engine.Place {
	switch {
	case end.Node == "" || !address.IsValid():
		return []engine.Place{engine.OnOtherNode, engine.OnSameNode}
	case end.Node == address.String():
		return []engine.Place{engine.OnSameNode}
	}
	return []engine.Place{engine.OnOtherNode}
}

// comesFrom are the identities that an API server may have for an end that it connects to: on the end's node,
// it is the local host.
func (m *Model) comesFrom(end End, at egress.APIServerAt) []*engine.Identity {
	if !at.OnNode {
		return one(m.identities.Reserved("kube-apiserver"))
	}
	var out []*engine.Identity
	for _, place := range placesOnNodes(end, at.Address) {
		name := "kube-apiserver"
		if place == engine.OnSameNode {
			name = "host"
		}
		out = append(out, m.identities.Reserved(name))
	}
	return out
}

// EndsOf are those of a cluster that have a need: pods, and what may come, which may run on any node.
func (m *Model) EndsOf(c *Cluster, who egress.Who) []End {
	switch who.Kind {
	case egress.Instances:
		return append(m.Ends(c.Instances()), End{Identity: c.NextInstance, Name: "the next instance"})
	case egress.Pooler:
		return m.Ends(m.Poolers(c)[who.Pooler])
	case egress.Job:
		if id := m.known.jobs[jobOf{c.Key(), who.Job}]; id != nil {
			return []End{{Identity: id, Name: fmt.Sprintf("the %s job", who.Job)}}
		}
	case egress.Operator:
	}
	return nil
}

// Needs are what a cluster's instances, jobs and poolers need to reach, besides each other.
func (m *Model) Needs(c *Cluster) []egress.Need { return m.known.needs[c.Key()] }

// NeedsOf are what an operator needs besides its instances; the position is that in Operators.
func (m *Model) NeedsOf(operator int) []egress.Need { return m.known.operators[operator] }

// Dependants are the needs of other clusters that a cluster serves.
func (m *Model) Dependants(c *Cluster) []Dependant { return m.known.dependants[c.Key()] }

// Deriver derives further needs, those of metrics and of hosts that somebody names.
func (m *Model) Deriver() *egress.Deriver { return m.known.deriver }
