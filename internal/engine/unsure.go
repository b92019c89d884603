package engine

import (
	"slices"

	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
)

// hidden is something that selectors depend on and that can't be seen from outside the agents.
type hidden struct {
	why string
	// from tells from whom it is hidden: whether a selector selects the others, it says itself.
	from func(labels.Labels) bool
}

// selector is one of Cilium's selectors with another answer to whom it selects.
type selector struct {
	types.Selector
	key     string
	matches func(labels.LabelArray) bool
}

func (s selector) Key() string                         { return s.key }
func (s selector) String() string                      { return s.key }
func (s selector) IsWildcard() bool                    { return false }
func (s selector) Matches(l labels.LabelArray) bool    { return s.matches(l) }
func (s selector) MarshalJSON() (text []byte, _ error) { return []byte(`"` + s.key + `"`), nil }

// sure selects whom s selects whatever is hidden, possible whom s may select.
func (h hidden) sure(s types.Selector) types.Selector {
	return selector{s, "sure " + s.Key(), func(l labels.LabelArray) bool { return !h.from(l.Labels()) && s.Matches(l) }}
}

func (h hidden) possible(s types.Selector) types.Selector {
	return selector{s, "possible " + s.Key(), func(l labels.LabelArray) bool { return h.from(l.Labels()) || s.Matches(l) }}
}

// hide divides the selectors of a rule for which on returns something into what is sure and what is
// possible. The others are both.
func (r *entry) hide(on func(i int, s types.Selector) *hidden) {
	sure, possible := slices.Clone(r.L3), slices.Clone(r.L3)
	for i, s := range r.L3 {
		if h := on(i, s); h != nil {
			r.unsure = h.why
			sure[i], possible[i] = h.sure(s), h.possible(s)
		}
	}
	if r.unsure != "" {
		r.L3, r.possible = sure, possible
	}
}

// A rule has peers of one kind only (pkg/policy/api/rule_validation.go), and in Cilium's form they
// stand in the same order (utils.mergeEndpointSelectors).
func (r *entry) hideIngress(rule api.IngressCommonRule) {
	switch {
	case len(rule.FromGroups) > 0:
		r.hide(onGroups("fromGroups"))
	case len(rule.FromNodes) > 0:
		r.hide(onNodes("fromNodes"))
	case len(rule.FromCIDRSet) > 0:
		r.hide(onCIDRGroups(rule.FromCIDRSet))
	}
}

func (r *entry) hideEgress(rule api.EgressCommonRule) {
	switch {
	case len(rule.ToServices) > 0:
		// Agents put selectors and addresses in its place (policy/k8s, resolveToServices). Nil selects
		// nothing (types.PolicyEntry.L3).
		r.unsure = "toServices: which pods are behind a Service is not visible from here"
		r.L3, r.possible = nil, types.WildcardSelectors
	case len(rule.ToGroups) > 0:
		r.hide(onGroups("toGroups"))
	case len(rule.ToNodes) > 0:
		r.hide(onNodes("toNodes"))
	case len(rule.ToCIDRSet) > 0:
		r.hide(onCIDRGroups(rule.ToCIDRSet))
	}
}

func onGroups(field string) func(int, types.Selector) *hidden {
	h := &hidden{field + ": the addresses of a cloud provider's groups are not visible from here", labels.Labels.HasWorldLabel}
	return func(int, types.Selector) *hidden { return h }
}

// Both fields select other nodes alone (parseToCiliumIngressCommonRule of pkg/k8s/apis/cilium.io/utils).
func onNodes(field string) func(int, types.Selector) *hidden {
	h := &hidden{field + ": which nodes have these labels is not visible from here", labels.Labels.HasRemoteNodeLabel}
	return func(int, types.Selector) *hidden { return h }
}

func onCIDRGroups(set api.CIDRRuleSlice) func(int, types.Selector) *hidden {
	h := &hidden{"cidrGroupSelector: the members of CiliumCIDRGroups are not visible from here", labels.Labels.HasWorldLabel}
	return func(i int, _ types.Selector) *hidden {
		if i >= len(set) || set[i].CIDRGroupSelector.LabelSelector == nil {
			return nil
		}
		return h
	}
}
