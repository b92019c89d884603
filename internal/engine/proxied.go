package engine

import (
	"slices"

	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/u8proto"
)

// Proxied are the rules because of which connections to a TCP port pass Cilium's proxy: those that the identity receives, and those
// that it opens. They are in order, and there are none where the policy can't be resolved, which every verdict says.
func (e *Engine) Proxied(i *Identity, port uint16) (ingress, egress []Rule) {
	if !e.hasProxyRules(i) {
		return nil, nil
	}
	// An error is about the settings; asking for verdicts will meet it again.
	_ = withAgent(e.settings, func() {
		s := e.subject(i)
		if s.err != nil {
			return
		}
		ingress = e.proxied(s, policy.IngressKey().WithPortProto(u8proto.TCP, port))
		egress = e.proxied(s, policy.EgressKey().WithPortProto(u8proto.TCP, port))
	})
	return ingress, egress
}

func (e *Engine) proxied(s *subject, asked policy.Key) []Rule {
	var out []Rule
	for key, entry := range s.policy.Entries() {
		if key.TrafficDirection() != asked.TrafficDirection() || !key.PortProtoIsEqual(asked) && !key.PortProtoIsBroader(asked) ||
			entry.IsDeny() || !entry.IsRedirectEntry() {
			continue
		}
		if meta, err := s.policy.GetRuleMeta(key); err == nil {
			rules, _ := e.rules(meta)
			out = append(out, rules...)
		}
	}
	slices.SortFunc(out, compareRules)
	return slices.Compact(out)
}

// hasProxyRules tells whether a rule that selects the identity has something for the proxy at all; few have.
func (e *Engine) hasProxyRules(i *Identity) bool {
	for _, index := range e.candidates(i) {
		for r := range e.policies[index].entries {
			if rule := &e.policies[index].entries[r]; rule.forProxy() && rule.selects(i) {
				return true
			}
		}
	}
	return false
}

func (r *entry) forProxy() bool {
	if r.L4 == nil {
		return false
	}
	found := false
	_ = r.L4.Iterate(func(ports api.Ports) error {
		if p := ports.GetPortRule(); p != nil {
			found = found || !p.Rules.IsEmpty() || len(p.ServerNames) > 0 || p.TerminatingTLS != nil || p.OriginatingTLS != nil || p.Listener != nil
		}
		return nil
	})
	return found
}
