package engine

import (
	"fmt"
	"slices"
)

const (
	// mostTrials is how many identities the selectors of one policy may be tried on: about half a second.
	mostTrials = 5_000_000
	// everywhere is how many selectors for all namespaces a policy may have in any case, however many
	// identities there are: what they cost grows with the fleet, as everything does.
	everywhere = 300
	// keyStep is the length of a selector's text that counts as one more trial.
	keyStep = 256
)

// tooLarge says why a policy is not evaluated; empty for one that is. One object that anybody in a namespace
// may write must not stop the answer about all others.
func (a *alike) tooLarge(p *Policy, sizes func() map[string]int) string {
	limit, all, selectors := max(mostTrials, everywhere*a.known), a.known, 0
	for i := range p.entries {
		selectors += len(p.entries[i].L3) + len(p.entries[i].possible)
	}
	longest, trials := 0, 0
	for i := range p.entries {
		for _, s := range slices.Concat(p.entries[i].L3, p.entries[i].possible) {
			cost := 1 + len(s.Key())/keyStep
			longest = max(longest, cost)
			switch namespaces := s.SelectedNamespaces(); {
			case len(namespaces) > 0 && (selectors*all > limit || cost > 1):
				for _, namespace := range namespaces {
					trials += sizes()[namespace] * cost
				}
			case len(namespaces) > 0:
				trials += cost
			default:
				if prefix, ok := only(s, s.GetCIDRPrefixes()); ok && a.narrow {
					trials += len(a.selected[prefix])
				} else {
					trials += all * cost
				}
			}
		}
	}
	if trials <= limit {
		return ""
	}
	return fmt.Sprintf("its %d selectors would have to be compared with %d identities, which is more than is evaluated", selectors, all)
}

// limit takes the rules of policies that are too large out of their place: what they do is unknown then.
// It returns the policies as they are when there are none. Must be called withAgent.
func (a *alike) limit(policies []Policy, ids *Identities) []Policy {
	var byNamespace map[string]int
	sizes := func() map[string]int {
		if byNamespace == nil {
			byNamespace = map[string]int{}
			for _, i := range ids.byNumber {
				byNamespace[i.Namespace()]++
			}
		}
		return byNamespace
	}
	out := policies
	for i := range policies {
		why := a.tooLarge(&policies[i], sizes)
		if why == "" {
			continue
		}
		if &out[0] == &policies[0] {
			out = slices.Clone(policies)
		}
		out[i].whole = &policies[i]
		out[i].Valid, out[i].Message, out[i].Unreadable = false, why, why
		out[i].entries, out[i].withheld = nil, policies[i].entries
	}
	return out
}

// Whole is the policy as it was read: engines leave out the rules of those that are too large for what they know.
func (p *Policy) Whole() Policy {
	if p.whole != nil {
		return *p.whole
	}
	return *p
}
