package engine

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	k8sConst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Version is Cilium's, of which the engine is. A test compares it with go.mod.
const Version = "1.20.2"

// What the agents of other versions do otherwise than the engine, TestVersions finds by asking theirs, and the page
// plugin/docs/versions.md lists.

// readOtherwise says why agents of the inventory's version may take the policy otherwise than the engine does, so that
// nobody here knows what it does there; empty when they do not.
func readOtherwise(s inventory.Settings, p *inventory.Policy, parts imported) string {
	if why := olderFields(s, p); why != "" {
		return why
	}
	if why := newerNames(s, p.Object); why != "" {
		return why
	}
	if parts.err != nil && s.Version.Before(1, 20) && strings.Contains(parts.err.Error(), "does not contain exclude CIDR prefix") {
		return fmt.Sprintf("Cilium %s may accept what later versions refuse: %v", s.Version, parts.err)
	}
	if np, ok := p.Object.(*slim_networkingv1.NetworkPolicy); ok && s.Version.Before(1, 20) && s.DefaultLocalCluster && fromBlocks(np) {
		// parseNetworkPolicyPeer of pkg/k8s/network_policy.go gives a peer that is an ipBlock a selector as well.
		what := "lets in all pods of a NetworkPolicy's namespace where it lets in an ipBlock"
		if s.Version.Before(1, 19) {
			what = "refuses a NetworkPolicy that lets in an ipBlock"
		}
		return fmt.Sprintf("Cilium %s %s, while its option policy-default-local-cluster is on", s.Version, what)
	}
	if s.Version.Before(1, 19) && byGroupLabels(p.Object) {
		return fmt.Sprintf("Cilium %s knows one value of a label of an address that is in several CiliumCIDRGroups, which cidrGroupSelector depends on", s.Version)
	}
	if s.Version.Before(1, 20) && notByNamespace(p.Object) {
		return fmt.Sprintf("Cilium %s reads NotIn and DoesNotExist of %s otherwise than later versions", s.Version, k8sConst.PodNamespaceLabel)
	}
	return ""
}

// byGroupLabels is true for a policy with a cidrGroupSelector: of two groups with the same addresses, identities have the label of
// one before 1.19 (pkg/policy/api/cidr.go).
func byGroupLabels(object any) bool {
	return slices.ContainsFunc(rulesOf(object), func(r *api.Rule) bool {
		return r != nil && slices.ContainsFunc(cidrRules(r), func(c api.CIDRRule) bool { return c.CIDRGroupSelector.LabelSelector != nil })
	})
}

// cidrRules are the address ranges of a rule, with their exceptions.
func cidrRules(r *api.Rule) []api.CIDRRule {
	var out []api.CIDRRule
	for i := range r.Ingress {
		out = append(out, r.Ingress[i].FromCIDRSet...)
	}
	for i := range r.IngressDeny {
		out = append(out, r.IngressDeny[i].FromCIDRSet...)
	}
	for i := range r.Egress {
		out = append(out, r.Egress[i].ToCIDRSet...)
	}
	for i := range r.EgressDeny {
		out = append(out, r.EgressDeny[i].ToCIDRSet...)
	}
	return out
}

// notByNamespace is true for a policy with a selector for what is not in a namespace: from 1.20 on, each part of a label's key
// counts (pkg/policy/types/requirements.go), and the label of pods has a source.
func notByNamespace(object any) bool {
	found := false
	visitSelectors(reflect.ValueOf(object), func(selector any) {
		if s, ok := selector.(*slim_metav1.LabelSelector); ok {
			found = found || slices.ContainsFunc(s.MatchExpressions, func(r slim_metav1.LabelSelectorRequirement) bool {
				negative := r.Operator == slim_metav1.LabelSelectorOpDoesNotExist || r.Operator == slim_metav1.LabelSelectorOpNotIn
				return negative && strings.HasSuffix(r.Key, k8sConst.PodNamespaceLabel)
			})
		}
	})
	return found
}

// olderFields says which fields of a policy agents may enforce that are older than those that refuse or drop them.
func olderFields(s inventory.Settings, p *inventory.Policy) string {
	for _, older := range []struct {
		fields []string
		// before is the first minor version of 1 without them.
		before uint
		// refused tells that later agents refuse them, so that much depends on which version runs.
		refused bool
	}{{[]string{"fromRequires", "toRequires"}, 19, true}, {[]string{"rules.kafka", "rules.l7", "rules.l7proto"}, 20, false}} {
		// A server that keeps such a field has definitions of a version whose agents know it.
		if s.Version.Known() && !s.Version.Before(1, older.before) || !s.Version.Known() && !older.refused && len(p.Unmodelled) == 0 {
			continue
		}
		for _, field := range older.fields {
			named := func(path string) bool {
				_, rest, found := strings.Cut(path, "."+field)
				return found && (rest == "" || strings.ContainsAny(rest[:1], ".["))
			}
			if !slices.ContainsFunc(slices.Concat(p.RefusedAt, p.IgnoredFields), named) {
				continue
			}
			runs := "which version runs is not known"
			if s.Version.Known() {
				runs = s.Version.String() + " runs"
			}
			return fmt.Sprintf("Cilium enforces %s up to 1.%d, and not from 1.%d on: %s", field, older.before-1, older.before, runs)
		}
	}
	return ""
}

// newerNames says which entity or protocol of a policy the agents do not know, so that they refuse it.
func newerNames(s inventory.Settings, object any) string {
	if !s.Version.Before(1, 20) {
		return ""
	}
	for _, r := range rulesOf(object) {
		if r == nil {
			continue
		}
		entities, ports := namesOf(r)
		if slices.Contains(entities, api.EntityClusterMesh) {
			return fmt.Sprintf("Cilium %s does not know the entity %s, and may refuse the policy", s.Version, api.EntityClusterMesh)
		}
		for _, p := range ports {
			switch p.Protocol {
			case api.ProtoGRE, api.ProtoIPIP, api.ProtoIPv6, api.ProtoESP, api.ProtoAH:
			case api.ProtoVRRP, api.ProtoIGMP:
				if !s.Version.Before(1, 19) {
					continue
				}
			default:
				continue
			}
			return fmt.Sprintf("Cilium %s does not know the protocol %s, and may refuse the policy", s.Version, p.Protocol)
		}
	}
	return ""
}

// namesOf are the entities and ports of a rule.
func namesOf(r *api.Rule) (entities []api.Entity, ports []api.PortProtocol) {
	allow := func(rules api.PortRules) {
		for i := range rules {
			ports = append(ports, rules[i].Ports...)
		}
	}
	deny := func(rules api.PortDenyRules) {
		for i := range rules {
			ports = append(ports, rules[i].Ports...)
		}
	}
	for i := range r.Ingress {
		entities = append(entities, r.Ingress[i].FromEntities...)
		allow(r.Ingress[i].ToPorts)
	}
	for i := range r.IngressDeny {
		entities = append(entities, r.IngressDeny[i].FromEntities...)
		deny(r.IngressDeny[i].ToPorts)
	}
	for i := range r.Egress {
		entities = append(entities, r.Egress[i].ToEntities...)
		allow(r.Egress[i].ToPorts)
	}
	for i := range r.EgressDeny {
		entities = append(entities, r.EgressDeny[i].ToEntities...)
		deny(r.EgressDeny[i].ToPorts)
	}
	return entities, ports
}

// rulesOf are the rules of a policy of Cilium's; none for others.
func rulesOf(object any) api.Rules {
	switch object := object.(type) {
	case *ciliumv2.CiliumNetworkPolicy:
		return allRules(object.Spec, object.Specs)
	case *ciliumv2.CiliumClusterwideNetworkPolicy:
		return allRules(object.Spec, object.Specs)
	}
	return nil
}

// fromBlocks is true for a NetworkPolicy with an ingress rule from addresses.
func fromBlocks(np *slim_networkingv1.NetworkPolicy) bool {
	for i := range np.Spec.Ingress {
		for j := range np.Spec.Ingress[i].From {
			if np.Spec.Ingress[i].From[j].IPBlock != nil {
				return true
			}
		}
	}
	return false
}

// hostOtherwise says why agents before 1.20 treat the local host otherwise: where every pod is under default deny, they let it
// in at pods that no policy selects as well (pkg/policy/mapstate.go there, pkg/policy/repository.go here).
func (e *Engine) hostOtherwise(target *subject, from *Identity) string {
	ours := e.settings
	if !ours.Version.Before(1, 20) || enforcementMode(ours) != option.AlwaysEnforce || ours.AllowLocalhost == option.AllowLocalhostPolicy ||
		target.ingress.selected || !from.id.Labels.HasHostLabel() {
		return ""
	}
	return fmt.Sprintf("with enable-policy: always, Cilium %s lets in the local host at pods that no policy selects, and later versions do not", ours.Version)
}
