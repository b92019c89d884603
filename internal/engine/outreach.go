package engine

import (
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/trafficdirection"
	"github.com/cilium/cilium/pkg/u8proto"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Outreach says of a source how to find out whom it may open a TCP port of without asking about everybody, as Reach says who reaches
// a target: its own policy names single identities, and treats all the others alike.
type Outreach struct {
	// Uniform is false when there is no such answer, and everybody has to be asked about.
	Uniform bool
	// Others is the verdict at the source for all identities that are not in Named.
	Others v1alpha1.Verdict
	// Named are the identities for which the source's policy says something of their own, each for all that it stands for, see
	// Engine.AsPeer.
	Named []*Identity
}

// Outreach looks at the source's egress alone.
func (e *Engine) Outreach(from *Identity, port uint16) Outreach {
	var o Outreach
	// An error is about the settings; asking one by one will meet it again.
	_ = withAgent(e.settings, func() { o = e.outreach(e.StandIn(from), port) })
	return o
}

func (e *Engine) outreach(from *Identity, port uint16) Outreach {
	if !e.hasEndpoint(from) {
		return Outreach{Uniform: true, Others: v1alpha1.VerdictAllowed}
	}
	source := e.subject(from)
	others, uniform := e.nobody(source, &source.egress, policy.EgressKey().WithPortProto(u8proto.TCP, port))
	if !uniform {
		return Outreach{}
	}
	return Outreach{Uniform: true, Others: others.Verdict, Named: e.namedBy(source, trafficdirection.Egress)}
}

// Admits is what the target's end says about opening a TCP connection, whatever the source's own policies say.
func (e *Engine) Admits(from, to *Identity, port uint16) Direction {
	var d Direction
	if err := withAgent(e.settings, func() { d = e.ingress(from, to, u8proto.TCP, port) }); err != nil {
		return UnknownBecause(err.Error())
	}
	return d
}
