package engine

import (
	"iter"
	"maps"
	"net/netip"
	"slices"

	k8sConst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	k8sUtils "github.com/cilium/cilium/pkg/k8s/utils"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	discoveryv1 "k8s.io/api/discovery/v1"
	apitypes "k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Around is what policies refer to and what is no policy. The zero value is that nothing of it is known.
type Around struct {
	// Services are those that toServices may name; AllServices tells that there are no others.
	Services    []Service
	AllServices bool
	// byName are the positions of Services by their names; nil where nobody has looked.
	byName map[string][]int
	// CIDRGroups are those that rules may name; AllCIDRGroups tells that there are no others.
	CIDRGroups    []*ciliumv2.CiliumCIDRGroup
	AllCIDRGroups bool
	// Databases is how many databases are asked about, on which depends how large a policy may be.
	Databases Databases
}

// Service is what toServices depends on of a Service.
type Service struct {
	Namespace, Name  string
	Labels, Selector map[string]string
	// Backends are the addresses behind a Service without a selector, and BackendsKnown tells that these
	// are all of them.
	Backends      []netip.Addr
	BackendsKnown bool
	// any are Labels in Cilium's form; nil where nobody has made them.
	any anySource
}

// AroundOf is what the inventory knows of what its policies refer to. Services come and go; where no policy
// names any, they are left out.
func AroundOf(inv *inventory.Inventory) Around {
	a := Around{AllServices: inv.AllServices, CIDRGroups: inv.CIDRGroups, AllCIDRGroups: inv.AllCIDRGroups}
	if !slices.ContainsFunc(inv.Policies, namesServices) {
		return a
	}
	slicesOf := map[apitypes.NamespacedName][]*discoveryv1.EndpointSlice{}
	for _, slice := range inv.EndpointSlices {
		of := apitypes.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
		slicesOf[of] = append(slicesOf[of], slice)
	}
	for _, s := range inv.Services {
		one := Service{Namespace: s.Namespace, Name: s.Name, Labels: s.Labels, Selector: s.Spec.Selector, any: anySourceOf(s.Labels)}
		for _, slice := range slicesOf[apitypes.NamespacedName{Namespace: s.Namespace, Name: s.Name}] {
			one.BackendsKnown = true
			for i := range slice.Endpoints {
				one.Backends = append(one.Backends, inventory.AddressesOf(slice.Endpoints[i].Addresses...)...)
			}
		}
		a.Services = append(a.Services, one)
	}
	a.byName = make(map[string][]int, len(a.Services))
	for i := range a.Services {
		a.byName[a.Services[i].Name] = append(a.byName[a.Services[i].Name], i)
	}
	return a
}

// candidates are the Services that something may name: a policy can name thousands by their names.
func (a Around) candidates(named api.Service) iter.Seq[*Service] {
	return func(yield func(*Service) bool) {
		if named.K8sServiceSelector == nil && named.K8sService != nil && a.byName != nil {
			for _, i := range a.byName[named.K8sService.ServiceName] {
				if !yield(&a.Services[i]) {
					return
				}
			}
			return
		}
		for i := range a.Services {
			if !yield(&a.Services[i]) {
				return
			}
		}
	}
}

// namesServices tells whether a rule of the policy has toServices.
func namesServices(p inventory.Policy) bool {
	var rules api.Rules
	switch object := p.Object.(type) {
	case *ciliumv2.CiliumNetworkPolicy:
		rules = allRules(object.Spec, object.Specs)
	case *ciliumv2.CiliumClusterwideNetworkPolicy:
		rules = allRules(object.Spec, object.Specs)
	}
	return slices.ContainsFunc(rules, func(rule *api.Rule) bool {
		return rule != nil && slices.ContainsFunc(rule.Egress, func(r api.EgressRule) bool { return len(r.ToServices) > 0 })
	})
}

// unsureServices says of the egress rules of a policy, by the position of the rule and in it, why
// toServices may select more than was found. It has nothing about the others.
type unsureServices map[[2]int]string

// resolveServices puts selectors and addresses in the place of toServices, as agents do before they read
// the policy (pkg/policy/k8s, resolveToServices). The rules are changed.
func (a Around) resolveServices(rules api.Rules) unsureServices {
	unsure := unsureServices{}
	for r, rule := range rules {
		if rule == nil {
			continue
		}
		for i := range rule.Egress {
			for _, named := range rule.Egress[i].ToServices {
				if why := a.resolveService(&rule.Egress[i], named); why != "" {
					unsure[[2]int{r, i}] = why
				}
			}
		}
	}
	return unsure
}

func (a Around) resolveService(rule *api.EgressRule, named api.Service) (unsure string) {
	found := false
	var selector *types.LabelSelector
	if named.K8sServiceSelector != nil {
		selector = types.NewLabelSelector(api.EndpointSelector(named.K8sServiceSelector.Selector))
	}
	for s := range a.candidates(named) {
		if !s.isNamedBy(named, selector) {
			continue
		}
		found = true
		if len(s.Selector) > 0 {
			rule.ToEndpoints = append(rule.ToEndpoints, s.endpoints())
			continue
		}
		for _, backend := range s.Backends {
			prefix := netip.PrefixFrom(backend, backend.BitLen())
			rule.ToCIDRSet = append(rule.ToCIDRSet, api.CIDRRule{Cidr: api.CIDR(prefix.String()), Generated: true})
		}
		if !s.BackendsKnown {
			unsure = "toServices: the addresses behind the Service " + s.Namespace + "/" + s.Name + ", which has no selector, are not visible from here"
		}
	}
	switch {
	case unsure != "" || a.AllServices:
		return unsure
	case named.K8sServiceSelector != nil:
		return "toServices: which other Services have these labels is not visible from here"
	case found && named.K8sService != nil && named.K8sService.Namespace != "":
		return ""
	}
	return "toServices: which pods are behind a Service is not visible from here"
}

// isNamedBy is what serviceSelectorMatches and serviceRefMatches of pkg/policy/k8s are. The selector is that of named, if it has one.
func (s *Service) isNamedBy(named api.Service, selector *types.LabelSelector) bool {
	switch {
	case named.K8sServiceSelector != nil:
		if n := named.K8sServiceSelector.Namespace; n != "" && n != s.Namespace {
			return false
		}
		if s.any == nil {
			return types.Matches(selector, anySourceOf(s.Labels))
		}
		return types.Matches(selector, s.any)
	case named.K8sService != nil:
		n := named.K8sService.Namespace
		return (n == "" || n == s.Namespace) && named.K8sService.ServiceName == s.Name
	}
	return false
}

// endpoints select the pods behind the Service.
func (s *Service) endpoints() api.EndpointSelector {
	selector := maps.Clone(s.Selector)
	selector[k8sConst.PodNamespaceLabel] = s.Namespace
	out := api.NewESFromK8sLabelSelector(labels.LabelSourceK8sKeyPrefix, &slim_metav1.LabelSelector{MatchLabels: selector})
	out.Generated = true
	return out
}

// anySource are labels that are looked up by their keys alone.
type anySource labels.Labels

var _ labels.LabelMatcher = anySource{}

func anySourceOf(m map[string]string) anySource {
	return anySource(labels.Map2Labels(m, labels.LabelSourceK8s))
}

func (l anySource) GetLabel(label *labels.Label) string { return l[label.Key].Value }

func (l anySource) HasLabel(label *labels.Label) bool {
	_, ok := l[label.Key]
	return ok
}

func (l anySource) LookupLabel(label *labels.Label) (string, bool) {
	found, ok := l[label.Key]
	return found.Value, ok
}

// knowsGroup tells whether all members of a group are known: it was seen, or there is none of that name.
func (a Around) knowsGroup(name string) bool {
	return a.AllCIDRGroups || slices.ContainsFunc(a.CIDRGroups, func(g *ciliumv2.CiliumCIDRGroup) bool { return g.Name == name })
}

// groupPrefixes are the members of a group. What is no prefix is left out, as the agents do.
func groupPrefixes(group *ciliumv2.CiliumCIDRGroup) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range group.Spec.ExternalCIDRs {
		if prefix, err := netip.ParsePrefix(string(text)); err == nil {
			out = append(out, prefix)
		}
	}
	return out
}

// groupLabels are the labels of a group's members (pkg/policy/k8s, cidrsAndLabelsForCIDRGroup).
func groupLabels(group *ciliumv2.CiliumCIDRGroup) labels.Labels {
	out := labels.Labels{}
	for key, value := range k8sUtils.RemoveCiliumLabels(group.Labels) {
		plain := labels.NewLabel(key, value, labels.LabelSourceCIDRGroup)
		out[plain.Key] = plain
		encoded := labels.EncodedCIDRGroupLabel(plain.Key, plain.Value, plain.Source)
		out[encoded.Key] = encoded
	}
	name := api.LabelForCIDRGroupRef(group.Name)
	out[name.Key] = name
	return out
}
