package model

import (
	"fmt"

	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/u8proto"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// isOnNode is true for a peer at the address of a node.
func (m *Model) isOnNode(peer egress.Peer) bool {
	return peer.Host || peer.APIServer != nil && peer.APIServer.OnNode || peer.Address.IsValid() && m.known.deriver.IsNode(peer.Address)
}

// intoNode is what nodes let in from an end. Rules for nodes count where the host firewall is on; which of them select a
// node is for its labels to say, which are not known.
func (m *Model) intoNode(from End, protocol u8proto.U8proto, port uint16) engine.Direction {
	if !m.inv.Settings.HostFirewall || from.OnNode || from.Unmanaged || !m.Enforces() {
		return engine.AllowedBecause(notAPod)
	}
	some, all := m.engine.RestrictNodes()
	switch {
	case len(some) > 0:
		return engine.Direction{
			Verdict: v1alpha1.VerdictUnknown, DefaultDeny: some,
			Reason: fmt.Sprintf("%s restricts what some nodes let in, by labels that are not visible from here, and the host firewall is on", some[0]),
		}
	case len(all) > 0:
		return m.engine.DecideOn(from.Identity, m.identities.Reserved(labels.IDNameHost), protocol, port).Ingress
	}
	return engine.AllowedBecause(notAPod)
}
