package schema

import (
	"fmt"
	"net/netip"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// specOrSpecs is the rule of both of Cilium's kinds that their schema has in CEL only
// ("has(self.spec) || has(self.specs)").
func specOrSpecs(object map[string]any) []Problem {
	_, one := object["spec"]
	_, many := object["specs"]
	if one || many {
		return nil
	}
	return []Problem{{"", "spec and specs are missing: one of them is needed"}}
}

// networkPolicy has the rules of ValidateNetworkPolicy in k8s.io/kubernetes, pkg/apis/networking/validation, which
// can't be imported.
func networkPolicy(object map[string]any) []Problem {
	var spec networkingv1.NetworkPolicySpec
	if fields, ok := object["spec"].(map[string]any); ok && runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &spec) != nil {
		return []Problem{{"", "can't be read as a NetworkPolicy"}}
	}
	path := field.NewPath("spec")
	all := selector(&spec.PodSelector, path.Child("podSelector"))
	for i, rule := range spec.Ingress {
		at := path.Child("ingress").Index(i)
		all = append(all, ports(rule.Ports, at.Child("ports"))...)
		all = append(all, peers(rule.From, at.Child("from"))...)
	}
	for i, rule := range spec.Egress {
		at := path.Child("egress").Index(i)
		all = append(all, ports(rule.Ports, at.Child("ports"))...)
		all = append(all, peers(rule.To, at.Child("to"))...)
	}
	if len(spec.PolicyTypes) > 2 {
		all = append(all, field.Invalid(path.Child("policyTypes"), len(spec.PolicyTypes), "no more than two are allowed"))
	}
	for i, t := range spec.PolicyTypes {
		if t != networkingv1.PolicyTypeIngress && t != networkingv1.PolicyTypeEgress {
			all = append(all, field.NotSupported(path.Child("policyTypes").Index(i), t,
				[]networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}))
		}
	}
	return fromFields(all)
}

func selector(s *metav1.LabelSelector, path *field.Path) field.ErrorList {
	return metavalidation.ValidateLabelSelector(s, metavalidation.LabelSelectorValidationOptions{}, path)
}

func ports(list []networkingv1.NetworkPolicyPort, path *field.Path) field.ErrorList {
	var all field.ErrorList
	for i, p := range list {
		at := path.Index(i)
		if p.Protocol != nil {
			switch *p.Protocol {
			case "TCP", "UDP", "SCTP":
			default:
				all = append(all, field.NotSupported(at.Child("protocol"), *p.Protocol, []string{"TCP", "UDP", "SCTP"}))
			}
		}
		switch {
		case p.Port == nil && p.EndPort != nil:
			all = append(all, field.Required(at.Child("port"), "endPort needs it"))
		case p.Port == nil:
		case p.Port.Type == intstr.Int:
			all = append(all, said(at.Child("port"), p.Port.IntVal, validation.IsValidPortNum(int(p.Port.IntVal)))...)
			if p.EndPort != nil {
				if *p.EndPort < p.Port.IntVal {
					all = append(all, field.Invalid(at.Child("endPort"), *p.EndPort, "must not be below port"))
				}
				all = append(all, said(at.Child("endPort"), *p.EndPort, validation.IsValidPortNum(int(*p.EndPort)))...)
			}
		default:
			if p.EndPort != nil {
				all = append(all, field.Invalid(at.Child("endPort"), *p.EndPort, "may not be there when port is a name"))
			}
			all = append(all, said(at.Child("port"), p.Port.StrVal, validation.IsValidPortName(p.Port.StrVal))...)
		}
	}
	return all
}

func said(path *field.Path, value any, problems []string) field.ErrorList {
	if len(problems) == 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, value, strings.Join(problems, ", "))}
}

func peers(list []networkingv1.NetworkPolicyPeer, path *field.Path) field.ErrorList {
	var all field.ErrorList
	for i, p := range list {
		at, kinds := path.Index(i), 0
		if p.PodSelector != nil {
			kinds++
			all = append(all, selector(p.PodSelector, at.Child("podSelector"))...)
		}
		if p.NamespaceSelector != nil {
			kinds++
			all = append(all, selector(p.NamespaceSelector, at.Child("namespaceSelector"))...)
		}
		if p.IPBlock != nil {
			kinds++
			all = append(all, block(p.IPBlock, at.Child("ipBlock"))...)
		}
		switch {
		case kinds == 0:
			all = append(all, field.Required(at, "a peer needs podSelector, namespaceSelector or ipBlock"))
		case kinds > 1 && p.IPBlock != nil:
			all = append(all, field.Forbidden(at, "ipBlock and a selector may not stand together"))
		}
	}
	return all
}

func block(b *networkingv1.IPBlock, path *field.Path) field.ErrorList {
	if b.CIDR == "" {
		return field.ErrorList{field.Required(path.Child("cidr"), "")}
	}
	outer, err := netip.ParsePrefix(b.CIDR)
	if err != nil {
		return field.ErrorList{field.Invalid(path.Child("cidr"), b.CIDR, "must be an address and the length of a prefix, like 10.9.8.0/24")}
	}
	var all field.ErrorList
	for i, text := range b.Except {
		at := path.Child("except").Index(i)
		inner, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			all = append(all, field.Invalid(at, text, "must be an address and the length of a prefix, like 10.9.8.0/24"))
		case inner.Bits() <= outer.Bits() || !outer.Masked().Contains(inner.Addr()):
			all = append(all, field.Invalid(at, text, "must lie within "+b.CIDR+" and be smaller"))
		}
	}
	return all
}

// clusterNetworkPolicy has the rules that the schema of ClusterNetworkPolicy has in CEL only: networks are CIDRs
// ("isCIDR(self)"), ranges of ports have a start below their end ("self.start < self.end"), and ports have names at pods
// only.
func clusterNetworkPolicy(object map[string]any) []Problem {
	var problems []Problem
	walk(object, "", func(path, key string, value any) {
		fields, _ := value.(map[string]any)
		list, _ := value.([]any)
		switch key {
		case "networks":
			for i, one := range list {
				text, _ := one.(string)
				if _, err := netip.ParsePrefix(text); err != nil {
					problems = append(problems, Problem{fmt.Sprintf("%s[%d]", path, i), shown(text) + " is not an address and the length of a prefix, like 10.9.8.0/24"})
				}
			}
		case "range":
			start, _ := fields["start"].(int64)
			end, _ := fields["end"].(int64)
			if fields != nil && start >= end {
				problems = append(problems, Problem{path, "start must be below end"})
			}
		case "egress":
			for i, rule := range list {
				if rule, ok := rule.(map[string]any); ok && have(rule["to"], "networks", "nodes", "domainNames") && have(rule["protocols"], "destinationNamedPort") {
					problems = append(problems, Problem{fmt.Sprintf("%s[%d].protocols", path, i), "names a port, and networks, nodes and domain names have no ports with names"})
				}
			}
		}
	})
	return problems
}

// have tells whether one of the list's items has one of the fields.
func have(list any, fields ...string) bool {
	items, _ := list.([]any)
	for _, item := range items {
		item, _ := item.(map[string]any)
		for _, field := range fields {
			if _, ok := item[field]; ok {
				return true
			}
		}
	}
	return false
}

// walk calls visit with every field of a mapping and of what is within it.
func walk(value any, path string, visit func(path, key string, value any)) {
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			at := strings.TrimPrefix(path+"."+key, ".")
			visit(at, key, child)
			walk(child, at, visit)
		}
	case []any:
		for i, child := range value {
			walk(child, fmt.Sprintf("%s[%d]", path, i), visit)
		}
	}
}
