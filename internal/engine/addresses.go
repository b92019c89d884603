package engine

import (
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// addresses is whose addresses matter: with the option policy-cidr-match-mode, CIDRs match more than
// the world. The agents give labels of all known CIDRs that contain the address to the identities of
//
//   - pods, with the mode pods (Endpoint.computeCIDRLabelsRLocked of pkg/endpoint): a CiliumEndpoint
//     has them, a derived identity does not;
//   - nodes, the local one included, with the mode nodes (manager.nodeIdentityLabels and NodeUpdated of
//     pkg/node/manager): these are known to each agent alone.
//
// Whether a selector matches given labels is for Cilium to say. A CIDR of length 0 matches whoever has
// an address of its family, but only with the mode pods (matchesCIDRWildcard of pkg/policy/types).
type addresses struct {
	nodes, pods bool
	ipv4, ipv6  bool
}

func addressesUnder(s inventory.Settings) addresses {
	return addresses{
		nodes: slices.Contains(s.CIDRMatchMode, "nodes"), pods: slices.Contains(s.CIDRMatchMode, "pods"),
		ipv4: s.IPv4, ipv6: s.IPv6,
	}
}

// unseen tells whether an identity has labels of its addresses that are not among these.
func (a addresses) unseen(l labels.Labels) bool {
	switch {
	case l.HasWorldLabel(), l.HasSource(labels.LabelSourceCIDR):
		return false
	case isNode(l):
		return a.nodes
	default:
		return a.pods && !l.IsReserved()
	}
}

func (a addresses) unseenNode(l labels.Labels) bool { return isNode(l) && a.unseen(l) }

func isNode(l labels.Labels) bool { return l.HasHostLabel() || l.HasRemoteNodeLabel() }

// on is what a selector depends on; nil when that is nothing.
func (a addresses) on(s types.Selector) *hidden {
	switch s := s.(type) {
	case *types.CIDRSelector:
		return a.onLabels()
	case *types.FQDNSelector:
		// The labels of names that resolve to the address are dropped for pods only.
		if fqdn, ok := s.GetFQDNSelector(); ok && a.nodes {
			h := a.onLabels(fqdn.IdentityLabel())
			h.from = a.unseenNode
			return h
		}
	}
	return nil
}

// onLabels is for selectors that look at the labels of an address: of CIDRs, and those given.
func (a addresses) onLabels(others ...labels.Label) *hidden {
	if !a.nodes && !a.pods {
		return nil
	}
	var who []string
	if a.nodes {
		who = append(who, "nodes")
	}
	if a.pods {
		who = append(who, "pods")
	}
	return &hidden{
		why:  "CIDRs, which match " + strings.Join(who, " and ") + " too (policy-cidr-match-mode), whose addresses are not visible from here",
		from: a.unseen, worldIsSeen: true,
		could: func(s types.Selector, l labels.LabelArray) (some, all bool) {
			all = true
			for _, more := range a.hypotheses(s, whose(l), others) {
				matches := s.Matches(slices.Concat(l, more))
				some, all = some || matches, all && matches
			}
			return some, all
		},
	}
}

// hypotheses are the labels that the addresses of an identity may give it, as far as a selector can tell
// them apart: none but that there is an address, one in each of the selector's CIDRs, one with each of
// the others.
func (a addresses) hypotheses(s types.Selector, l labels.Labels, others []labels.Label) []labels.LabelArray {
	var families []labels.LabelArray
	if a.ipv4 {
		families = append(families, labels.LabelArray{labels.ParseLabel("cidr:0.0.0.0/0")})
	}
	if a.ipv6 {
		families = append(families, labels.LabelArray{labels.ParseLabel("cidr:::/0")})
	}
	// Other nodes have an identity for each address, the local one and pods one for all.
	if !l.HasRemoteNodeLabel() {
		families = []labels.LabelArray{slices.Concat(families...)}
	}
	out := slices.Clone(families)
	for _, family := range families {
		for _, prefix := range s.GetCIDRPrefixes() {
			inFamily := slices.ContainsFunc(family, func(l labels.Label) bool { return l.GetCIDRPrefix().Addr().Is4() == prefix.Addr().Is4() })
			if inFamily && prefix.Bits() > 0 {
				out = append(out, slices.Concat(family, labels.GetCIDRLabelArray(prefix)[:1]))
			}
		}
		for _, other := range others {
			out = append(out, slices.Concat(family, labels.LabelArray{other}))
		}
	}
	return out
}
