package engine

import (
	"slices"
	"strconv"

	"github.com/cilium/cilium/pkg/policy/types"
)

// Meant are the rules for the target's ingress that name the peer's namespace, select the peer, and do not select the
// other one of that namespace; and, with the same peer in both places, those that select it. Only rules count that
// list the port, by its number or by this name; with port 0, all do. A rule without ports or with a range is for
// whatever there is.
func (e *Engine) Meant(to, peer, other *Identity, port uint16, portName string) []Rule {
	var out []Rule
	// An error is about the settings; asking for verdicts will meet it again.
	_ = withAgent(e.settings, func() {
		for _, index := range e.candidates(to) {
			p := &e.policies[index]
			for r := range p.entries {
				rule := &p.entries[r]
				if !rule.Ingress || rule.Verdict != types.Allow || !rule.selects(to) || port != 0 && !rule.lists(port, portName) {
					continue
				}
				if slices.ContainsFunc(rule.L3, func(s types.Selector) bool {
					return slices.Contains(s.SelectedNamespaces(), peer.Namespace()) && s.Matches(peer.id.LabelArray) &&
						(other == peer || !s.Matches(other.id.LabelArray))
				}) {
					out = append(out, Rule{PolicyReference: p.PolicyReference, Path: rule.path})
				}
			}
		}
	})
	return out
}

// lists tells whether a rule has the port itself among its ports.
func (r *entry) lists(port uint16, name string) bool {
	for _, ports := range r.L4 {
		for _, p := range ports.GetPortProtocols() {
			if p.EndPort == 0 && (p.Port == strconv.Itoa(int(port)) || p.Port == name) {
				return true
			}
		}
	}
	return false
}
