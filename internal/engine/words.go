package engine

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/policy/api"
)

// combining is how Cilium refuses a rule that has peers of several kinds. It finds two of them by ranging over a
// map, so that it names others in every run.
var combining = regexp.MustCompile(`\bcombining (?:From|To)\w+ and (?:From|To)\w+ is not supported`)

// sameWords is Cilium's error about the rules, in the same words in every run.
func sameWords(err error, rules api.Rules) error {
	if !combining.MatchString(err.Error()) || strings.Contains(err.Error(), "and ToPorts") {
		return err
	}
	for _, rule := range rules {
		if rule == nil {
			continue
		}
		for _, kinds := range kindsOfPeers(rule) {
			if len(kinds) < 2 {
				continue
			}
			last := len(kinds) - 1
			said := "combining " + strings.Join(kinds[:last], ", ") + " and " + kinds[last] + " is not supported"
			return errors.New(combining.ReplaceAllLiteralString(err.Error(), said))
		}
	}
	return err
}

// kindsOfPeers are the fields for peers that each part of a rule has, in the order in which Cilium looks at the parts.
func kindsOfPeers(rule *api.Rule) [][]string {
	var out [][]string
	ingress := func(r api.IngressCommonRule) {
		out = append(out, present(map[string]int{
			"FromEndpoints": len(r.FromEndpoints), "FromCIDR": len(r.FromCIDR), "FromCIDRSet": len(r.FromCIDRSet),
			"FromEntities": len(r.FromEntities), "FromNodes": len(r.FromNodes), "FromGroups": len(r.FromGroups),
		}))
	}
	egress := func(r api.EgressCommonRule, names int) {
		out = append(out, present(map[string]int{
			"ToEndpoints": len(r.ToEndpoints), "ToCIDR": len(r.ToCIDR), "ToCIDRSet": len(r.ToCIDRSet), "ToEntities": len(r.ToEntities),
			"ToServices": len(r.ToServices), "ToNodes": len(r.ToNodes), "ToGroups": len(r.ToGroups), "ToFQDNs": names,
		}))
	}
	for i := range rule.Ingress {
		ingress(rule.Ingress[i].IngressCommonRule)
	}
	for i := range rule.IngressDeny {
		ingress(rule.IngressDeny[i].IngressCommonRule)
	}
	for i := range rule.Egress {
		egress(rule.Egress[i].EgressCommonRule, len(rule.Egress[i].ToFQDNs))
	}
	for i := range rule.EgressDeny {
		egress(rule.EgressDeny[i].EgressCommonRule, 0)
	}
	return out
}

// present are the names of what there is some of, in order.
func present(counts map[string]int) []string {
	var out []string
	for name, n := range counts {
		if n > 0 {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
