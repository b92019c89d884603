package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/u8proto"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Decide answers whether from can open a TCP connection to the port of to.
func (e *Engine) Decide(from, to *Identity, port uint16) Decision {
	return e.DecideOn(from, to, u8proto.TCP, port)
}

// DecideOn answers whether from can send to the port of to by a protocol that has ports.
func (e *Engine) DecideOn(from, to *Identity, protocol u8proto.U8proto, port uint16) Decision {
	var d Decision
	err := withAgent(e.settings, func() { d = e.decide(from, to, protocol, port) })
	if err != nil {
		unknown := Direction{Verdict: v1alpha1.VerdictUnknown, Reason: err.Error()}
		d = Decision{Ingress: unknown, Egress: unknown}
	}
	return d.withVerdict()
}

// decide must be called withAgent.
func (e *Engine) decide(from, to *Identity, protocol u8proto.U8proto, port uint16) Decision {
	return Decision{Ingress: e.ingress(from, to, protocol, port), Egress: e.egress(from, to, protocol, port)}
}

// ingress is what the target's end says; it must be called withAgent.
func (e *Engine) ingress(from, to *Identity, protocol u8proto.U8proto, port uint16) Direction {
	to = e.StandIn(to)
	if !e.hasEndpoint(to) {
		return Direction{Verdict: v1alpha1.VerdictAllowed, Builtin: "it is no pod, so no policy restricts who reaches it"}
	}
	target := e.subject(to)
	if why := e.hostOtherwise(target, e.StandIn(from)); why != "" {
		return Direction{Verdict: v1alpha1.VerdictUnknown, Reason: why}
	}
	return e.direction(target, &target.ingress, policy.IngressKey().WithIdentity(e.AsPeer(from).id.ID).WithPortProto(protocol, port))
}

// egress is what the source's end says; it must be called withAgent.
func (e *Engine) egress(from, to *Identity, protocol u8proto.U8proto, port uint16) Direction {
	from = e.StandIn(from)
	if !e.hasEndpoint(from) {
		return Direction{Verdict: v1alpha1.VerdictAllowed, Builtin: "it is no pod, so no policy restricts what it opens"}
	}
	source := e.subject(from)
	return e.direction(source, &source.egress, policy.EgressKey().WithIdentity(e.AsPeer(to).id.ID).WithPortProto(protocol, port))
}

// hasEndpoint is true for identities at which an agent enforces policies: pods, the proxy behind Ingresses,
// Cilium's health checks, and nodes with the host firewall. Nobody enforces anything at the world, although
// a clusterwide policy can select its identity.
func (e *Engine) hasEndpoint(i *Identity) bool {
	switch i.name {
	case "", labels.IDNameIngress, labels.IDNameHealth:
		return true
	}
	return i.name == labels.IDNameHost && e.settings.HostFirewall
}

// direction is what holds for a peer at one end. The subjects that the same rules select have the same answer: each
// instance of a database has an identity of its own, and its peers are asked about from each of them.
func (e *Engine) direction(s *subject, end *endInfo, key policy.Key) Direction {
	if s.err != nil {
		return Direction{Verdict: v1alpha1.VerdictUnknown, Reason: s.err.Error()}
	}
	if end.unread != "" {
		return Direction{Verdict: v1alpha1.VerdictUnknown, Reason: end.unread}
	}
	if d, ok := s.known(key); ok {
		return d
	}
	d := e.lookUp(s, end, key)
	s.remember(key, d)
	return d
}

// lookUp asks the policy as the data path has it.
func (e *Engine) lookUp(s *subject, end *endInfo, key policy.Key) Direction {
	found, meta := s.lookup(key)
	var d Direction
	d.Rules, d.Builtin = e.rules(meta)
	switch {
	case found.IsDeny():
		d.Verdict = v1alpha1.VerdictDenied
		if len(d.Rules) > 0 {
			break
		}
		// Nothing matches, or only the rule by which the engine itself denies the rest; it has one
		// where others pass (policy.Repository.computePolicyEnforcementAndRules).
		d.DefaultDeny, d.Builtin = end.defaultDeny, ""
		if len(end.defaultDeny) == 0 {
			d.Builtin = "the agent enforces a default deny on every pod (enable-policy: always)"
		}
	default:
		d.Verdict = v1alpha1.VerdictAllowed
		d.L7 = found.IsRedirectEntry()
		d.Authentication = found.AuthRequirement.AuthType() != 0
		if nothing := e.enforcesNothing(); nothing != "" {
			d.Builtin = nothing
		} else if len(d.Rules) == 0 && !end.selected {
			d.Builtin = "no policy selects it"
		}
	}
	return e.doubt(s, end, key, d)
}

// enforcesNothing says why policies do not matter; empty when they do.
func (e *Engine) enforcesNothing() string {
	switch {
	case e.settings.AuditMode:
		return "the agent is in audit mode and drops nothing"
	case enforcementMode(e.settings) == "never":
		return "the agent enforces no policies (enable-policy: never)"
	default:
		return ""
	}
}

// doubt turns a verdict into unknown when rules that can't be seen to select the peer could have changed it. Whether
// they would make a difference, for this port and beside all other rules, is for Cilium's engine to say.
func (e *Engine) doubt(s *subject, end *endInfo, key policy.Key, d Direction) Direction {
	if len(end.unsure) == 0 {
		return d
	}
	for _, other := range s.others {
		if other.err != nil {
			return end.unknown(nil)
		}
		if found, meta := other.lookup(key); found.IsDeny() != (d.Verdict == v1alpha1.VerdictDenied) {
			rules, _ := e.rules(meta)
			return end.unknown(rules)
		}
	}
	return d
}

// unknown says which rules a verdict depends on: those of the given rules that are unsure, or all.
func (end *endInfo) unknown(rules []Rule) Direction {
	d := Direction{Verdict: v1alpha1.VerdictUnknown}
	unsure := slices.DeleteFunc(slices.Clone(end.unsure), func(u unsureRule) bool { return !slices.Contains(rules, u.Rule) })
	if len(unsure) == 0 {
		unsure = end.unsure
	}
	for _, u := range unsure {
		d.Rules = append(d.Rules, u.Rule)
	}
	d.Reason = fmt.Sprintf("%s of %s has %s", unsure[0].Path, unsure[0].PolicyReference, unsure[0].why)
	d.Rules = slices.Compact(d.Rules)
	return d
}

// unreadableReason names the first few policies that can't be read, and counts the others.
func unreadableReason(reasons []string) string {
	const most = 3
	var more string
	if len(reasons) > most {
		more = fmt.Sprintf("; and %d more can't be read", len(reasons)-most)
	}
	return strings.Join(reasons[:min(most, len(reasons))], "; ") + more + "; correct or remove what can't be read"
}
