package assess

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"
	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// rule is a rule that opens something, for the pods of a namespace that labels select.
type rule struct {
	namespace string
	selector  map[string]string
	egress    []api.EgressRule
	ingress   []api.IngressRule
	// text is the rule in short, and denies are the policies that deny without it.
	text   string
	denies []v1alpha1.PolicyReference
}

// addition is the smallest addition to the policies that opens a flow at both of its ends, in words; the engine
// has allowed the flow with it.
func addition(m *model.Model, c *model.Cluster, n needed) string {
	var rules []rule
	for _, one := range n.denied {
		if refs := denyRules(one.decision); len(refs) > 0 {
			return fmt.Sprintf("Change or remove %s: it denies, and no rule that allows can override it.", strings.Join(refs, ", "))
		}
		rules = appendRules(rules, rulesFor(m, n.flow, one))
	}
	if len(rules) == 0 || !opensFlow(m, c, n.flow, rules) {
		return "No addition of one rule was found after which the engine allows it: look at the policies that are named."
	}
	var texts []string
	for _, r := range rules {
		texts = append(texts, r.sentence())
	}
	return strings.Join(texts, " ")
}

// denyRules are the rules that deny a connection.
func denyRules(d engine.Decision) []string {
	var out []string
	for _, end := range []engine.Direction{d.Ingress, d.Egress} {
		if end.Verdict == v1alpha1.VerdictDenied {
			for _, r := range end.Rules {
				out = append(out, fmt.Sprintf("%s of %s", r.Path, r.PolicyReference))
			}
		}
	}
	return out
}

func appendRules(all, more []rule) []rule {
	for _, r := range more {
		if !slices.ContainsFunc(all, func(have rule) bool {
			return have.text == r.text && have.namespace == r.namespace && maps.Equal(have.selector, r.selector)
		}) {
			all = append(all, r)
		}
	}
	return all
}

// sentence says where to put the rule. Policies of other kinds than Cilium's can't name everything, and those of
// lockdown are not to be changed by hand: a policy beside them does it then.
func (r rule) sentence() string {
	direction := "egress"
	if len(r.ingress) > 0 {
		direction = "ingress"
	}
	for _, ref := range r.denies {
		if ref.Kind == v1alpha1.CiliumNetworkPolicy || ref.Kind == v1alpha1.CiliumClusterwideNetworkPolicy {
			return fmt.Sprintf("Add to the %s of %s: %s.", direction, ref, r.text)
		}
	}
	var labels []string
	for _, key := range slices.Sorted(maps.Keys(r.selector)) {
		labels = append(labels, key+"="+r.selector[key])
	}
	return fmt.Sprintf("Add a CiliumNetworkPolicy in namespace %q for the pods %s, with the %s %s.", r.namespace, strings.Join(labels, ","), direction, r.text)
}

// rulesFor are the rules that open a connection, at each end that denies it.
func rulesFor(m *model.Model, f v1alpha1.RequiredFlow, one connection) []rule {
	var out []rule
	if one.decision.Egress.Verdict == v1alpha1.VerdictDenied && one.from.Identity != nil {
		r := rule{namespace: one.from.Identity.Namespace(), selector: selectorOf(m, one.from.Identity), denies: foreign(m, one.decision.Egress.DefaultDeny)}
		r.egress, r.text = egressTo(m, f, one)
		out = append(out, r)
	}
	if one.decision.Ingress.Verdict == v1alpha1.VerdictDenied && one.to.Identity != nil {
		r := rule{namespace: one.to.Identity.Namespace(), selector: selectorOf(m, one.to.Identity), denies: foreign(m, one.decision.Ingress.DefaultDeny)}
		r.ingress, r.text = ingressFrom(m, one)
		out = append(out, r)
	}
	return slices.DeleteFunc(out, func(r rule) bool { return len(r.egress)+len(r.ingress) == 0 || len(r.selector) == 0 })
}

// foreign are the policies that lockdown does not manage.
func foreign(m *model.Model, refs []v1alpha1.PolicyReference) []v1alpha1.PolicyReference {
	managed := map[v1alpha1.PolicyReference]bool{}
	for i := range m.Inventory().Policies {
		p := &m.Inventory().Policies[i]
		managed[p.PolicyReference] = policyset.IsOurs(p.Labels)
	}
	return slices.DeleteFunc(slices.Clone(refs), func(ref v1alpha1.PolicyReference) bool { return managed[ref] })
}

// selectorOf are labels that select a pod and those like it: its database, the operator, or a label that charts
// and people set.
func selectorOf(m *model.Model, id *engine.Identity) map[string]string {
	for _, op := range m.Operators() {
		if op.Namespace == id.Namespace() && slices.ContainsFunc(op.Ends, func(e model.End) bool { return e.Identity == id }) {
			return pick(op.PodLabels, "app.kubernetes.io/name", "app")
		}
	}
	labels := map[string]string{}
	for _, l := range id.Labels() {
		if key, value, ok := strings.Cut(strings.TrimPrefix(l, "k8s:"), "="); ok {
			labels[key] = value
		}
	}
	return pick(labels, cnpg.ClusterLabel, "k8s-app", "app.kubernetes.io/name", "app", "dns.operator.openshift.io/daemonset-dns")
}

// pick is the first of the labels that is there, or all.
func pick(labels map[string]string, keys ...string) map[string]string {
	for _, key := range keys {
		if labels[key] != "" {
			return map[string]string{key: labels[key]}
		}
	}
	return maps.Clone(labels)
}

func selector(labels map[string]string) api.EndpointSelector {
	return api.EndpointSelector{LabelSelector: &slim_metav1.LabelSelector{MatchLabels: labels}}
}

// podsAt are the pods of a namespace that labels select, as a peer, and in short.
func podsAt(namespace string, labels map[string]string) (api.EndpointSelectorSlice, string) {
	all := maps.Clone(labels)
	all["k8s:io.kubernetes.pod.namespace"] = namespace
	var texts []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		texts = append(texts, key+": "+all[key])
	}
	return api.EndpointSelectorSlice{selector(all)}, "[{matchLabels: {" + strings.Join(texts, ", ") + "}}]"
}

func portsOf(p []egress.Port) (api.PortRules, string) {
	rule := api.PortRule{}
	var texts []string
	for _, one := range p {
		text := strconv.Itoa(int(one.Number))
		rule.Ports = append(rule.Ports, api.PortProtocol{Port: text, Protocol: api.L4Proto(one.Protocol)})
		texts = append(texts, fmt.Sprintf("%s/%s", text, one.Protocol))
	}
	return api.PortRules{rule}, "to port " + strings.Join(texts, " and ")
}

func both(number uint16) []egress.Port {
	return []egress.Port{{Number: number, Protocol: corev1.ProtocolUDP}, {Number: number, Protocol: corev1.ProtocolTCP}}
}

// egressTo opens a connection at its source.
func egressTo(m *model.Model, f v1alpha1.RequiredFlow, one connection) ([]api.EgressRule, string) {
	entity := func(name api.Entity) ([]api.EgressRule, string) {
		return []api.EgressRule{{EgressCommonRule: api.EgressCommonRule{ToEntities: api.EntitySlice{name}}}}, fmt.Sprintf("toEntities: [%s]", name)
	}
	ports := []egress.Port{one.port}
	if f.Name == v1alpha1.FlowDNS || f.Name == v1alpha1.FlowWebhook && one.port.Protocol == "UDP" {
		ports = both(one.port.Number)
	}
	allowed, at := portsOf(ports)
	switch {
	case one.peer.APIServer != nil:
		return entity(api.EntityKubeAPIServer)
	case one.peer.Host:
		return entity(api.EntityHost)
	case one.toPod >= 0 || one.to.Identity != nil:
		to, text := podsAt(one.to.Identity.Namespace(), selectorOf(m, one.to.Identity))
		return []api.EgressRule{{EgressCommonRule: api.EgressCommonRule{ToEndpoints: to}, ToPorts: allowed}}, "toEndpoints: " + text + " " + at
	case one.peer.Candidate != nil:
		to, text := podsAt(one.peer.Candidate.Namespace, one.peer.Candidate.Labels)
		return []api.EgressRule{{EgressCommonRule: api.EgressCommonRule{ToEndpoints: to}, ToPorts: allowed}}, "toEndpoints: " + text + " " + at
	case one.peer.Name != "":
		names := api.EgressRule{ToFQDNs: api.FQDNSelectorSlice{{MatchName: one.peer.Name}}, ToPorts: allowed}
		return append(resolving(m), names),
			fmt.Sprintf(`toFQDNs: [{matchName: %s}] %s, and rules: {dns: [{matchPattern: "*"}]} in the rule for DNS`, one.peer.Name, at)
	case one.peer.Address.IsValid():
		cidr := api.CIDR(fmt.Sprintf("%s/%d", one.peer.Address, one.peer.Address.BitLen()))
		return []api.EgressRule{{EgressCommonRule: api.EgressCommonRule{ToCIDR: api.CIDRSlice{cidr}}, ToPorts: allowed}}, fmt.Sprintf("toCIDR: [%s] %s", cidr, at)
	}
	return nil, ""
}

// resolving lets Cilium see how names are resolved.
func resolving(m *model.Model) []api.EgressRule {
	peers, _ := m.Deriver().Resolvers()
	var out []api.EgressRule
	for _, p := range peers {
		var to api.EndpointSelectorSlice
		number := uint16(53)
		if len(p.Ports) > 0 {
			number = p.Ports[0].Number
		}
		switch {
		case p.Candidate != nil:
			to, _ = podsAt(p.Candidate.Namespace, p.Candidate.Labels)
		case len(p.Pods) > 0 && m.IdentityOf(p.Pods[0]) != nil:
			to, _ = podsAt(m.Pod(p.Pods[0]).Namespace, selectorOf(m, m.IdentityOf(p.Pods[0])))
		default:
			continue
		}
		ports, _ := portsOf(both(number))
		ports[0].Rules = &api.L7Rules{DNS: []api.PortRuleDNS{{MatchPattern: "*"}}}
		out = append(out, api.EgressRule{EgressCommonRule: api.EgressCommonRule{ToEndpoints: to}, ToPorts: ports})
	}
	return out
}

// ingressFrom opens a connection at its target.
func ingressFrom(m *model.Model, one connection) ([]api.IngressRule, string) {
	allowed, at := portsOf([]egress.Port{one.port})
	switch {
	case one.from.Identity != nil && one.from.Identity.Namespace() != "":
		from, text := podsAt(one.from.Identity.Namespace(), selectorOf(m, one.from.Identity))
		return []api.IngressRule{{IngressCommonRule: api.IngressCommonRule{FromEndpoints: from}, ToPorts: allowed}}, "fromEndpoints: " + text + " " + at
	case one.peer.APIServer != nil:
		return []api.IngressRule{{IngressCommonRule: api.IngressCommonRule{FromEntities: api.EntitySlice{api.EntityKubeAPIServer}}, ToPorts: allowed}},
			"fromEntities: [kube-apiserver] " + at
	}
	return nil, ""
}

// opensFlow tells whether the flow is allowed with the rules, by the engine.
func opensFlow(m *model.Model, c *model.Cluster, f v1alpha1.RequiredFlow, rules []rule) bool {
	policies := slices.Clone(m.Inventory().Policies)
	no := false
	for i, r := range rules {
		name := fmt.Sprintf("addition-%d", i)
		policy := &ciliumv2.CiliumNetworkPolicy{Spec: &api.Rule{
			EndpointSelector: selector(r.selector), Egress: r.egress, Ingress: r.ingress,
			EnableDefaultDeny: api.DefaultDenyConfig{Ingress: &no, Egress: &no},
		}}
		policy.Namespace, policy.Name = r.namespace, name
		policies = append(policies, inventory.Policy{
			PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: r.namespace, Name: name}, Object: policy,
		})
	}
	slices.SortFunc(policies, func(a, b inventory.Policy) int { return a.Compare(b.PolicyReference) })
	then, err := m.With(policies)
	if err != nil {
		return false
	}
	return v1alpha1.Verdicts(RequiredFlows(then, c))[f.Key()] == v1alpha1.VerdictAllowed
}
