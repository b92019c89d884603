package assess

import (
	"fmt"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// idleFindings are about enableDefaultDeny for a direction in which a policy has no rule: Cilium looks at it
// for the directions of rules alone.
func idleFindings(m *model.Model, c *model.Cluster, policy int) []v1alpha1.Finding {
	read := &m.Engine().Policies()[policy]
	if !read.Enforced() {
		return nil
	}
	var out []v1alpha1.Finding
	for _, direction := range []string{"ingress", "egress"} {
		wanted := slices.ContainsFunc(rulesOf(m.Inventory().Policies[policy].Object), func(r *api.Rule) bool { return wants(r, direction) })
		if !wanted || brings(m, c, policy, direction) {
			continue
		}
		out = append(out, at(finding(v1alpha1.PolicyIgnoredField, v1alpha1.SeverityInfo,
			fmt.Sprintf("enableDefaultDeny.%s of %s has no effect, because the policy has no %s rules", direction, read.PolicyReference, direction),
			command.Wordsf("Write %s: [{}] to deny what no rule allows, or leave out the field.", direction)), fieldOf(read.PolicyReference, "spec.enableDefaultDeny."+direction)))
	}
	return out
}

// wants tells whether a rule asks for a default deny and has no rules in the direction.
func wants(r *api.Rule, direction string) bool {
	set, rules := r.EnableDefaultDeny.Ingress, len(r.Ingress)+len(r.IngressDeny)
	if direction == "egress" {
		set, rules = r.EnableDefaultDeny.Egress, len(r.Egress)+len(r.EgressDeny)
	}
	return set != nil && *set && rules == 0
}

// brings tells whether the policy has a default deny in the direction at one of the cluster's pods.
func brings(m *model.Model, c *model.Cluster, policy int, direction string) bool {
	return slices.ContainsFunc(c.Members, func(member model.Member) bool {
		return slices.ContainsFunc(m.Engine().Selections(member.Identity), func(s engine.Selection) bool {
			effect := s.Ingress
			if direction == "egress" {
				effect = s.Egress
			}
			return s.Policy == policy && effect == v1alpha1.EffectDefaultDeny
		})
	})
}

// rulesOf are the rules of Cilium's own kinds, none of others.
func rulesOf(object any) []*api.Rule {
	var out []*api.Rule
	add := func(spec *api.Rule, specs api.Rules) {
		for _, rule := range append(api.Rules{spec}, specs...) {
			if rule != nil {
				out = append(out, rule)
			}
		}
	}
	switch object := object.(type) {
	case *ciliumv2.CiliumNetworkPolicy:
		add(object.Spec, object.Specs)
	case *ciliumv2.CiliumClusterwideNetworkPolicy:
		add(object.Spec, object.Specs)
	}
	return out
}
