package engine

import (
	"errors"
	"fmt"
	"net/netip"

	k8s "github.com/cilium/cilium/pkg/k8s"
	k8sCiliumUtils "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/utils"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	policyutils "github.com/cilium/cilium/pkg/policy/utils"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// imported is a policy after Cilium has read it.
type imported struct {
	entries []entry
	// err is Cilium's reason for refusing the policy.
	err error
	// unread is why the policy was not given to Cilium's reader.
	unread string
	// subjects are what a refused policy would select of pods; nil when that can't be told.
	subjects []*types.LabelSelector
	// prefixes, groups and names are the parts of the world that the policy names.
	prefixes []netip.Prefix
	groups   []string
	names    []api.FQDNSelector
}

// surroundings is what the reading of a policy depends on.
type surroundings struct {
	addresses
	around Around
}

// entry is one rule in the engine's form and where it stands in the object.
type entry struct {
	*types.PolicyEntry
	path string
	// unsure says why the rule may select more peers than L3 does, empty when it does not: possible
	// are all whom it could select then.
	unsure   string
	possible types.Selectors
}

// read hands a policy to Cilium's own reader. Must be called withAgent.
func read(p *inventory.Policy, cluster string, a surroundings) (result imported) {
	// The readers expect what the API server has validated, and panic on some of the rest (a
	// NetworkPolicy with an ipBlock that is no CIDR).
	defer func() {
		if r := recover(); r != nil {
			result = imported{err: fmt.Errorf("cilium's reader fails on it: %v", r)}
		}
	}()
	if why := tooLongSelector(p.Object); why != "" {
		return imported{unread: why}
	}
	switch object := p.Object.(type) {
	case *ciliumv2.CiliumNetworkPolicy:
		// Parse changes what it reads, hence the copies.
		object = object.DeepCopy()
		if object.Namespace == "" {
			object.Namespace = p.Namespace
		}
		resolved := object.DeepCopy()
		services := a.around.resolveServices(allRules(resolved.Spec, resolved.Specs))
		rules, err := resolved.Parse(quiet, cluster)
		return fromRules(rules, err, object.Spec, object.Specs, subjectsIn(object.Namespace, cluster), a, services)
	case *ciliumv2.CiliumClusterwideNetworkPolicy:
		resolved := object.DeepCopy()
		services := a.around.resolveServices(allRules(resolved.Spec, resolved.Specs))
		rules, err := resolved.Parse(quiet, cluster)
		return fromRules(rules, err, object.Spec, object.Specs, subjectsIn("", cluster), a, services)
	case *slim_networkingv1.NetworkPolicy:
		return fromNetworkPolicy(object.DeepCopy(), cluster, a)
	case *policyv1alpha2.ClusterNetworkPolicy:
		return fromClusterNetworkPolicy(object.DeepCopy(), cluster, a)
	default:
		return imported{err: fmt.Errorf("%T is no policy that cilium reads", p.Object)}
	}
}

// allRules are the rules of a policy, in the order in which its reader returns them.
func allRules(spec *api.Rule, specs api.Rules) api.Rules {
	if spec == nil {
		return specs
	}
	return append(api.Rules{spec}, specs...)
}

// subjectsIn returns a function that reads only the subject of a rule. It serves for rules that
// Cilium refuses, to tell whose pods they were meant for.
func subjectsIn(namespace, cluster string) func(rule *api.Rule) *types.LabelSelector {
	return func(rule *api.Rule) *types.LabelSelector {
		subject := rule.EndpointSelector.DeepCopy()
		if subject.LabelSelector == nil || subject.Sanitize() != nil {
			return nil
		}
		parsed := k8sCiliumUtils.ParseToCiliumRule(quiet, cluster, namespace, "refused", "", &api.Rule{EndpointSelector: *subject})
		return types.NewLabelSelector(parsed.EndpointSelector)
	}
}

func fromRules(
	rules api.Rules, err error, spec *api.Rule, specs api.Rules, subject func(*api.Rule) *types.LabelSelector,
	a surroundings, services unsureServices,
) imported {
	if err != nil {
		specs = allRules(spec, specs)
		err = sameWords(err, specs)
		out := imported{err: err}
		if len(specs) > 0 {
			out.subjects = []*types.LabelSelector{}
		}
		for _, rule := range specs {
			if rule == nil || rule.NodeSelector.LabelSelector != nil {
				continue // A rule for nodes selects no pods.
			}
			s := subject(rule)
			if s == nil {
				return imported{err: err} // Then it may have been meant for everybody.
			}
			out.subjects = append(out.subjects, s)
		}
		return out
	}
	var out imported
	hasSpec := spec != nil
	for i, rule := range rules {
		prefix := fmt.Sprintf("specs[%d]", i)
		if hasSpec {
			if prefix = "spec"; i > 0 {
				prefix = fmt.Sprintf("specs[%d]", i-1)
			}
		}
		out.add(rule, prefix, a, services, i)
	}
	return out
}

// add converts one rule and notes for each of the resulting entries where it comes from:
// RulesToPolicyEntries returns them in the order ingress, ingressDeny, egress, egressDeny.
func (out *imported) add(rule *api.Rule, prefix string, a surroundings, services unsureServices, at int) {
	hintNamespaces(rule)
	entries := policyutils.RulesToPolicyEntries(api.Rules{rule})
	next := 0
	section := func(name string, n int, hide func(e *entry, i int)) {
		for i := range n {
			e := entry{PolicyEntry: entries[next], path: fmt.Sprintf("%s.%s[%d]", prefix, name, i)}
			hide(&e, i)
			out.entries = append(out.entries, e)
			out.selectors(e.L3)
			next++
		}
	}
	section("ingress", len(rule.Ingress), func(e *entry, i int) { e.hideIngress(a, rule.Ingress[i].IngressCommonRule) })
	section("ingressDeny", len(rule.IngressDeny), func(e *entry, i int) { e.hideIngress(a, rule.IngressDeny[i].IngressCommonRule) })
	section("egress", len(rule.Egress), func(e *entry, i int) {
		e.hideEgress(a, rule.Egress[i].EgressCommonRule, services[[2]int{at, i}])
		out.toNames(rule.Egress[i].ToFQDNs)
	})
	section("egressDeny", len(rule.EgressDeny), func(e *entry, i int) { e.hideEgress(a, rule.EgressDeny[i].EgressCommonRule, "") })
	for _, r := range rule.Ingress {
		out.cidrGroups(a.around, r.FromCIDRSet)
	}
	for _, r := range rule.IngressDeny {
		out.cidrGroups(a.around, r.FromCIDRSet)
	}
	for _, r := range rule.Egress {
		out.cidrGroups(a.around, r.ToCIDRSet)
	}
	for _, r := range rule.EgressDeny {
		out.cidrGroups(a.around, r.ToCIDRSet)
	}
}

// cidrGroups notes the groups that a rule names, by their prefixes where these are known. A selector of
// groups may name each of them.
func (out *imported) cidrGroups(around Around, set api.CIDRRuleSlice) {
	for _, c := range set {
		if c.CIDRGroupRef != "" && !around.knowsGroup(string(c.CIDRGroupRef)) {
			out.groups = append(out.groups, string(c.CIDRGroupRef))
		}
		for _, group := range around.CIDRGroups {
			if c.CIDRGroupSelector.LabelSelector != nil || group.Name == string(c.CIDRGroupRef) {
				out.prefixes = append(out.prefixes, groupPrefixes(group)...)
			}
		}
	}
}

func (out *imported) toNames(names api.FQDNSelectorSlice) { out.names = append(out.names, names...) }

func (out *imported) selectors(l3 types.Selectors) {
	for _, s := range l3 {
		out.prefixes = append(out.prefixes, s.GetCIDRPrefixes()...)
	}
}

// fromNetworkPolicy notes the positions in the order of k8s.ParseNetworkPolicy: one entry for
// each peer, one for a rule without peers.
func fromNetworkPolicy(np *slim_networkingv1.NetworkPolicy, cluster string, a surroundings) imported {
	entries, err := k8s.ParseNetworkPolicy(quiet, cluster, np)
	if err != nil {
		return imported{err: err}
	}
	var paths []string
	for i, r := range np.Spec.Ingress {
		for range max(1, len(r.From)) {
			paths = append(paths, fmt.Sprintf("spec.ingress[%d]", i))
		}
	}
	if len(paths) == 0 && len(entries) > 0 && entries[0].Ingress {
		paths = append(paths, "spec.policyTypes")
	}
	for i, r := range np.Spec.Egress {
		for range max(1, len(r.To)) {
			paths = append(paths, fmt.Sprintf("spec.egress[%d]", i))
		}
	}
	var out imported
	for i := range entries {
		e := entry{PolicyEntry: entries[i], path: "spec.policyTypes"}
		if i < len(paths) {
			e.path = paths[i]
		}
		e.hide(a.addresses, nil)
		out.entries = append(out.entries, e)
		out.selectors(e.L3)
	}
	return out
}

// fromClusterNetworkPolicy finds a rule's position in its priority: k8s.ParseClusterNetworkPolicy
// adds a hundredth for each rule.
func fromClusterNetworkPolicy(cnp *policyv1alpha2.ClusterNetworkPolicy, cluster string, a surroundings) imported {
	// The API server refuses these (MinProperties and MaxProperties of the subject), so the reader
	// does not look: its rules have no subject then, and the engine fails on them.
	if subject := cnp.Spec.Subject; (subject.Namespaces == nil) == (subject.Pods == nil) {
		return imported{err: errors.New("spec.subject must have one of namespaces and pods")}
	}
	entries, err := k8s.ParseClusterNetworkPolicy(quiet, cluster, cnp)
	if err != nil {
		return imported{err: err}
	}
	var out imported
	for i := range entries {
		e := entry{PolicyEntry: entries[i]}
		direction := "egress"
		if e.Ingress {
			direction = "ingress"
		}
		index := int((e.Priority-float64(cnp.Spec.Priority))*100 + 0.5)
		e.path = fmt.Sprintf("spec.%s[%d]", direction, index)
		e.hide(a.addresses, onNodesOfTiers)
		out.entries = append(out.entries, e)
		out.selectors(e.L3)
	}
	return out
}
