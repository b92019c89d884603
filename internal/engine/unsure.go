package engine

import (
	"cmp"
	"slices"

	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
)

// hidden is something that selectors depend on and that can't be seen from outside the agents.
type hidden struct {
	why string
	// from tells from whom it is hidden, by the labels that whose has left: whether a selector selects the others, it says itself.
	from func(labels.Labels) bool
	// could tells for those from whom it is hidden whether a selector selects them in some or in all
	// cases; nil when it does in some.
	could func(types.Selector, labels.LabelArray) (some, all bool)
	// worldIsSeen tells that nothing is hidden of addresses in the world.
	worldIsSeen bool
}

// selector is one of Cilium's selectors with another answer to whom it selects.
type selector struct {
	types.Selector
	key     string
	matches func(labels.LabelArray) bool
	// worldIsSeen tells that it selects of the world what the selector itself does.
	worldIsSeen bool
}

func (s selector) Key() string                      { return s.key }
func (s selector) String() string                   { return s.key }
func (s selector) IsWildcard() bool                 { return false }
func (s selector) Matches(l labels.LabelArray) bool { return s.matches(l) }

// sure selects whom s selects whatever is hidden, possible whom s may select.
func (h hidden) sure(s types.Selector) types.Selector {
	return selector{s, "sure " + s.Key(), func(l labels.LabelArray) bool { _, all := h.selects(s, l); return all }, h.worldIsSeen}
}

func (h hidden) possible(s types.Selector) types.Selector {
	return selector{s, "possible " + s.Key(), func(l labels.LabelArray) bool { some, _ := h.selects(s, l); return some }, h.worldIsSeen}
}

func (h hidden) selects(s types.Selector, l labels.LabelArray) (some, all bool) {
	switch {
	case !h.from(whose(l)):
		all = s.Matches(l)
		return all, all
	case h.could == nil:
		return true, false
	default:
		return h.could(s, l)
	}
}

// whose are those of an identity's labels that tell whether it is a pod, a node or an address: identities may have very many, and
// are asked about by each selector.
func whose(l labels.LabelArray) labels.Labels {
	out := labels.Labels{}
	for i := range l {
		switch l[i].Key {
		case labels.IDNameWorld, labels.IDNameWorldIPv4, labels.IDNameWorldIPv6, labels.IDNameHost, labels.IDNameRemoteNode:
			out[l[i].Key] = l[i]
			continue
		}
		if l[i].Source == labels.LabelSourceCIDR || l[i].Source == labels.LabelSourceReserved {
			out[l[i].Key] = l[i]
		}
	}
	return out
}

// hide divides the selectors of a rule that depend on something hidden into what is sure and what is
// possible. The others are both. Those that do not depend on addresses alone are on's to tell.
func (r *entry) hide(a addresses, on func(i int, s types.Selector) *hidden) {
	sure, possible := slices.Clone(r.L3), slices.Clone(r.L3)
	for i, s := range r.L3 {
		var h *hidden
		if on != nil {
			h = on(i, s)
		}
		if h == nil {
			h = a.on(s)
		}
		if h != nil {
			r.unsure = cmp.Or(r.unsure, h.why)
			sure[i], possible[i] = h.sure(s), h.possible(s)
		}
	}
	if r.unsure != "" {
		r.L3, r.possible = sure, possible
	}
}

// A rule has peers of one kind only (pkg/policy/api/rule_validation.go), and in Cilium's form they
// stand in the same order (utils.mergeEndpointSelectors).
func (r *entry) hideIngress(a surroundings, rule api.IngressCommonRule) {
	switch {
	case len(rule.FromGroups) > 0:
		r.hide(a.addresses, a.onGroups("fromGroups"))
	case len(rule.FromNodes) > 0:
		r.hide(a.addresses, onNodes("fromNodes"))
	case len(rule.FromCIDRSet) > 0:
		r.hide(a.addresses, a.onCIDRSet(rule.FromCIDRSet))
	default:
		r.hide(a.addresses, nil)
	}
}

func (r *entry) hideEgress(a surroundings, rule api.EgressCommonRule, services string) {
	switch {
	case len(rule.ToServices) > 0:
		// Selectors and addresses are in its place (see resolveServices). Where there are none for sure, the
		// engine lets a rule with ports select everybody, and so do agents; where they are not known, nil
		// selects nobody (types.PolicyEntry.L3).
		r.hide(a.addresses, nil)
		if services == "" {
			break
		}
		if r.unsure, r.possible = services, types.WildcardSelectors; len(r.L3) == 0 {
			r.L3 = nil
		}
	case len(rule.ToGroups) > 0:
		r.hide(a.addresses, a.onGroups("toGroups"))
	case len(rule.ToNodes) > 0:
		r.hide(a.addresses, onNodes("toNodes"))
	case len(rule.ToCIDRSet) > 0:
		r.hide(a.addresses, a.onCIDRSet(rule.ToCIDRSet))
	default:
		r.hide(a.addresses, nil)
	}
}

// inGroups tells whether membership in groups of addresses is hidden.
func (a addresses) inGroups(l labels.Labels) bool { return l.HasWorldLabel() || a.unseen(l) }

func (a addresses) onGroups(field string) func(int, types.Selector) *hidden {
	h := &hidden{why: field + ": the addresses of a cloud provider's groups are not visible from here", from: a.inGroups}
	return func(int, types.Selector) *hidden { return h }
}

// Both fields select other nodes alone (parseToCiliumIngressCommonRule of pkg/k8s/apis/cilium.io/utils).
func onNodes(field string) func(int, types.Selector) *hidden {
	h := &hidden{why: field + ": which nodes have these labels is not visible from here", from: labels.Labels.HasRemoteNodeLabel}
	return func(int, types.Selector) *hidden { return h }
}

// onNodesOfTiers is for the nodes of ClusterNetworkPolicies: selectors of the entities host and remote-node
// with node labels (kcnpProcessNodeSelector of pkg/k8s).
func onNodesOfTiers(_ int, s types.Selector) *hidden {
	if l, ok := s.(*types.LabelSelector); !ok || !l.HasKeyPrefix(labels.LabelSourceReservedKeyPrefix) {
		return nil
	}
	return &hidden{why: "nodes: which nodes have these labels is not visible from here", from: isNode}
}

func (a surroundings) onCIDRSet(set api.CIDRRuleSlice) func(int, types.Selector) *hidden {
	h := &hidden{why: "cidrGroupSelector: the members of CiliumCIDRGroups are not visible from here", from: a.inGroups}
	if len(a.around.CIDRGroups) > 0 {
		// Those that are known are members for sure.
		h.could = func(s types.Selector, l labels.LabelArray) (some, all bool) { return true, s.Matches(l) }
	}
	return func(i int, _ types.Selector) *hidden {
		switch {
		case i >= len(set):
			return nil
		case set[i].CIDRGroupSelector.LabelSelector != nil && isEmpty(set[i].CIDRGroupSelector):
			return everybodyOrGroups()
		case set[i].CIDRGroupSelector.LabelSelector != nil && a.around.AllCIDRGroups:
			return a.onLabels()
		case set[i].CIDRGroupSelector.LabelSelector != nil:
			return h
		case set[i].CIDRGroupRef != "":
			return a.onLabels(api.LabelForCIDRGroupRef(string(set[i].CIDRGroupRef)))
		}
		return nil
	}
}

func isEmpty(s api.EndpointSelector) bool { return len(s.MatchLabels)+len(s.MatchExpressions) == 0 }

// everybodyOrGroups is for the selector of all groups. The engine finds its selectors by their text, and this
// one has the text of the selector of everybody: which of both a rule gets depends on which came first.
func everybodyOrGroups() *hidden {
	return &hidden{
		why:   "cidrGroupSelector: {}, which Cilium may take for everybody",
		from:  func(labels.Labels) bool { return true },
		could: func(s types.Selector, l labels.LabelArray) (some, all bool) { return true, s.Matches(l) },
	}
}
