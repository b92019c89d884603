package engine

import (
	"maps"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/fqdn/dns"
	"github.com/cilium/cilium/pkg/fqdn/matchpattern"
	"github.com/cilium/cilium/pkg/policy/api"
)

// nameIndex finds the selectors of names that match a name without trying each: a policy may have tens of thousands, of which each
// may be a name that somebody asks about.
type nameIndex struct {
	selectors []api.FQDNSelector
	// byLiteral are the positions of the selectors by the longest text between their wildcards, which is in each name that they
	// match, and lengths are those of these texts.
	byLiteral map[string][]int
	lengths   []int
}

func newNameIndex(selectors []api.FQDNSelector) *nameIndex {
	x := &nameIndex{selectors: selectors, byLiteral: make(map[string][]int, len(selectors))}
	lengths := map[int]bool{}
	for i := range selectors {
		text := literalOf(&selectors[i])
		x.byLiteral[text] = append(x.byLiteral[text], i)
		lengths[len(text)] = true
	}
	x.lengths = slices.Sorted(maps.Keys(lengths))
	return x
}

// literalOf is the longest text that each name has which the selector matches, empty where there need be none. Of patterns that are
// nothing but wildcards, not even the dot counts (matchpattern.ToAnchoredRegexp).
func literalOf(s *api.FQDNSelector) string {
	if s.MatchName != "" {
		return asAsked(s.MatchName)
	}
	pattern := strings.ToLower(strings.TrimSpace(matchpattern.Sanitize(s.MatchPattern)))
	if strings.Trim(pattern, "*.") == "" {
		return ""
	}
	longest := ""
	for part := range strings.SplitSeq(pattern, "*") {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}

// asAsked is a name as agents see it asked for.
func asAsked(name string) string { return dns.FQDN(strings.ToLower(name)) }

// matching are the positions of the selectors that match a name. Which do is for Cilium's own expressions to say, but for names
// without wildcards.
func (x *nameIndex) matching(name string) []int {
	name = asAsked(name)
	var out []int
	for _, at := range x.candidates(name) {
		s := &x.selectors[at]
		if s.MatchName != "" {
			if asAsked(s.MatchName) == name {
				out = append(out, at)
			}
			continue
		}
		// A pattern that is too long for an expression, as one of 255 characters is to which the last dot is added, is stored all the
		// same: agents complain in their log, and have no name for it (RegisterFQDNSelector of pkg/fqdn/namemanager).
		if expression, err := s.ToRegex(); err == nil && expression.MatchString(name) {
			out = append(out, at)
		}
	}
	return out
}

// candidates are the positions of the selectors that may match a name, in order.
func (x *nameIndex) candidates(name string) []int {
	var out []int
	for _, length := range x.lengths {
		if length == 0 {
			out = append(out, x.byLiteral[""]...)
			continue
		}
		for from := 0; from+length <= len(name); from++ {
			out = append(out, x.byLiteral[name[from:from+length]]...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
