package model

import (
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/u8proto"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// addLike adds the identities that names have in a namespace that stand for one that is not known, and those of each
// name that policies name: it may be one of these.
func (m *Model) addLike(names []string, namespace string, world engine.World) error {
	for _, name := range names {
		ids, err := m.identities.Name(name, world)
		if err != nil {
			return err
		}
		m.known.names[named{namespace, name}] = ids
	}
	if m.known.mentioned[namespace] != nil {
		return nil
	}
	for _, selector := range world.Names {
		name := selector.MatchName
		if name == "" {
			name = strings.ReplaceAll(selector.MatchPattern, "*", "x")
		}
		ids, err := m.identities.Name(name, world)
		if err != nil {
			return err
		}
		m.known.mentioned[namespace] = append(m.known.mentioned[namespace], ids...)
	}
	return nil
}

// unknownPeer is the answer at the source for a peer that can't be told: unknown, unless the policies treat alike
// whatever it may be outside the Kubernetes cluster.
func (m *Model) unknownPeer(end End, peer egress.Peer, protocol u8proto.U8proto, port uint16) engine.Direction {
	unknown := engine.UnknownBecause(peer.Unknown)
	if len(peer.Like) == 0 {
		return unknown
	}
	ask := func(ids []*engine.Identity) engine.Decision {
		var all []engine.Decision
		for _, id := range ids {
			all = append(all, m.engine.DecideOn(end.Identity, id, protocol, port))
		}
		return engine.Either(peer.Unknown, all...)
	}
	namespace := end.Identity.Namespace()
	var like []*engine.Identity
	for _, name := range peer.Like {
		like = append(like, m.known.names[named{namespace, name}]...)
	}
	if d := ask(like); d.Verdict == v1alpha1.VerdictAllowed && m.resolves(end, protocol, port) {
		return d.Egress
	}
	if d := ask(slices.Concat(like, m.known.nowhere[namespace], m.known.mentioned[namespace])); d.Verdict == v1alpha1.VerdictDenied {
		return d.Egress
	}
	return unknown
}
