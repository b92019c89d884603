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
	"sigs.k8s.io/yaml/kyaml"

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
	// denies are the policies that deny without it.
	denies []v1alpha1.PolicyReference
}

// policy is a policy of the rule alone, which denies nothing else.
func (r rule) policy() api.Rule {
	no := false
	return api.Rule{
		EndpointSelector: selector(r.selector), Egress: r.egress, Ingress: r.ingress,
		EnableDefaultDeny: api.DefaultDenyConfig{Ingress: &no, Egress: &no},
	}
}

// addition is the smallest addition to the policies that opens a flow at both of its ends, as text; the engine
// has allowed the flow with it.
func addition(m *model.Model, c *model.Cluster, n needed) string {
	for _, one := range n.denied {
		if refs := denyRules(one.decision); len(refs) > 0 {
			return fmt.Sprintf("Change or remove %s: it denies, and no rule that allows can override it.", strings.Join(refs, ", "))
		}
	}
	// A name needs a rule by which Cilium sees how it is resolved, unless there is one.
	for _, resolving := range []bool{false, true} {
		var found distinctRules
		for _, one := range n.denied {
			for _, each := range append([]connection{one}, one.others...) {
				found.add(rulesFor(m, n.flow, each, resolving))
			}
		}
		rules := found.all
		if len(rules) == 0 || !opensFlow(m, c, n.flow, rules) {
			continue
		}
		var texts []string
		for _, r := range rules {
			texts = append(texts, r.sentence())
		}
		return strings.Join(texts, " ")
	}
	return "No addition of one rule was found after which the engine allows it: look at the policies that are named."
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

// distinctRules are the rules, each once, in the order in which they came.
type distinctRules struct {
	all   []rule
	known map[string]bool
}

func (d *distinctRules) add(rules []rule) {
	if d.known == nil {
		d.known = map[string]bool{}
	}
	for _, r := range rules {
		if text := r.namespace + " " + onOneLine(r.policy()); !d.known[text] {
			d.known[text] = true
			d.all = append(d.all, r)
		}
	}
}

// sentence says what to add where, in YAML that can be pasted. Policies of other kinds than Cilium's can't name
// everything, and those of lockdown are not to be changed by hand: a policy beside them does it then.
func (r rule) sentence() string {
	for _, ref := range r.denies {
		if ref.Kind != v1alpha1.CiliumNetworkPolicy && ref.Kind != v1alpha1.CiliumClusterwideNetworkPolicy {
			continue
		}
		direction, items := "egress", rulesAsText(r.egress)
		if len(r.ingress) > 0 {
			direction, items = "ingress", rulesAsText(r.ingress)
		}
		return fmt.Sprintf("Add to the %s of %s: %s.", direction, ref, strings.Join(items, " and "))
	}
	return fmt.Sprintf("Add to namespace %q a CiliumNetworkPolicy with spec: %s.", r.namespace, onOneLine(r.policy()))
}

func rulesAsText[T any](rules []T) []string {
	var out []string
	for _, r := range rules {
		out = append(out, onOneLine(r))
	}
	return out
}

// onOneLine is an object as YAML on one line.
func onOneLine(object any) string {
	out, err := (&kyaml.Encoder{Compact: true}).Marshal(object)
	if err != nil {
		return err.Error() // Not for types that were read from YAML.
	}
	return strings.TrimSpace(string(out))
}

// rulesFor are the rules that open a connection, at each end that denies it.
func rulesFor(m *model.Model, f v1alpha1.RequiredFlow, one connection, resolving bool) []rule {
	var out []rule
	if one.decision.Egress.Verdict == v1alpha1.VerdictDenied && one.from.Identity != nil {
		r := rule{namespace: one.from.Identity.Namespace(), selector: selectorOf(m, one.from.Identity), denies: foreign(m, one.decision.Egress.DefaultDeny)}
		r.egress = egressTo(m, f, one)
		if resolving && (one.peer.Name != "" || len(one.peer.Like) > 0) {
			r.egress = append(resolvers(m), r.egress...)
		}
		out = append(out, r)
	}
	if one.decision.Ingress.Verdict == v1alpha1.VerdictDenied && one.to.Identity != nil {
		r := rule{namespace: one.to.Identity.Namespace(), selector: selectorOf(m, one.to.Identity), denies: foreign(m, one.decision.Ingress.DefaultDeny)}
		r.ingress = ingressFrom(m, one)
		out = append(out, r)
	}
	return slices.DeleteFunc(out, func(r rule) bool { return len(r.egress)+len(r.ingress) == 0 || len(r.selector) == 0 })
}

// foreign are the policies that lockdown does not manage.
func foreign(m *model.Model, refs []v1alpha1.PolicyReference) []v1alpha1.PolicyReference {
	return slices.DeleteFunc(slices.Clone(refs), func(ref v1alpha1.PolicyReference) bool {
		at, ok := m.Positions()[ref]
		return ok && policyset.IsOurs(m.Inventory().Policies[at].Labels)
	})
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

// podsAt are the pods of a namespace that labels select, as a peer.
func podsAt(namespace string, labels map[string]string) api.EndpointSelectorSlice {
	all := map[string]string{} // The operator that was named, and not seen, has no labels.
	maps.Copy(all, labels)
	all["k8s:io.kubernetes.pod.namespace"] = namespace
	return api.EndpointSelectorSlice{selector(all)}
}

func portsOf(p []egress.Port) api.PortRules {
	rule := api.PortRule{}
	for _, one := range p {
		rule.Ports = append(rule.Ports, api.PortProtocol{Port: strconv.Itoa(int(one.Number)), Protocol: api.L4Proto(one.Protocol)})
	}
	return api.PortRules{rule}
}

func both(number uint16) []egress.Port {
	return []egress.Port{{Number: number, Protocol: corev1.ProtocolUDP}, {Number: number, Protocol: corev1.ProtocolTCP}}
}

// egressTo opens a connection at its source.
func egressTo(m *model.Model, f v1alpha1.RequiredFlow, one connection) []api.EgressRule {
	ports := []egress.Port{one.port}
	if f.Name == v1alpha1.FlowDNS || f.Name == v1alpha1.FlowWebhook && one.port.Protocol == corev1.ProtocolUDP {
		ports = both(one.port.Number)
	}
	r := api.EgressRule{ToPorts: portsOf(ports)}
	switch {
	case one.peer.APIServer != nil:
		// At whatever port it listens: the port of the Service is not the one that policies see.
		r = api.EgressRule{EgressCommonRule: api.EgressCommonRule{ToEntities: api.EntitySlice{api.EntityKubeAPIServer}}}
	case one.peer.Host:
		r = api.EgressRule{EgressCommonRule: api.EgressCommonRule{ToEntities: api.EntitySlice{api.EntityHost}}}
	case one.toPod >= 0 || one.to.Identity != nil:
		r.ToEndpoints = podsAt(one.to.Identity.Namespace(), selectorOf(m, one.to.Identity))
	case one.peer.Candidate != nil:
		r.ToEndpoints = podsAt(one.peer.Candidate.Namespace, one.peer.Candidate.Labels)
	case one.peer.Name != "":
		r.ToFQDNs = api.FQDNSelectorSlice{{MatchName: one.peer.Name}}
	case len(one.peer.Like) > 0:
		for _, pattern := range one.peer.Patterns() {
			r.ToFQDNs = append(r.ToFQDNs, api.FQDNSelector{MatchPattern: pattern})
		}
	case one.peer.Address.IsValid():
		r.ToCIDR = api.CIDRSlice{api.CIDR(fmt.Sprintf("%s/%d", one.peer.Address, one.peer.Address.BitLen()))}
	default:
		return nil
	}
	return []api.EgressRule{r}
}

// resolvers let Cilium see how names are resolved.
func resolvers(m *model.Model) []api.EgressRule {
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
			to = podsAt(p.Candidate.Namespace, p.Candidate.Labels)
		case len(p.Pods) > 0 && m.IdentityOf(p.Pods[0]) != nil:
			to = podsAt(m.Pod(p.Pods[0]).Namespace, selectorOf(m, m.IdentityOf(p.Pods[0])))
		default:
			continue
		}
		ports := portsOf(both(number))
		ports[0].Rules = &api.L7Rules{DNS: []api.PortRuleDNS{{MatchPattern: "*"}}}
		out = append(out, api.EgressRule{EgressCommonRule: api.EgressCommonRule{ToEndpoints: to}, ToPorts: ports})
	}
	return out
}

// ingressFrom opens a connection at its target.
func ingressFrom(m *model.Model, one connection) []api.IngressRule {
	r := api.IngressRule{ToPorts: portsOf([]egress.Port{one.port})}
	switch {
	case one.from.Identity != nil && one.from.Identity.Namespace() != "":
		r.FromEndpoints = podsAt(one.from.Identity.Namespace(), selectorOf(m, one.from.Identity))
	case one.peer.APIServer != nil:
		r.FromEntities = api.EntitySlice{api.EntityKubeAPIServer}
	default:
		return nil
	}
	return []api.IngressRule{r}
}

// opensFlow tells whether the flow is allowed with the rules, by the engine.
func opensFlow(m *model.Model, c *model.Cluster, f v1alpha1.RequiredFlow, rules []rule) bool {
	around := aroundOf(m, c)
	var added []inventory.Policy
	for i, r := range rules {
		name := fmt.Sprintf("addition-%d", i)
		spec := r.policy()
		policy := &ciliumv2.CiliumNetworkPolicy{Spec: &spec}
		policy.Namespace, policy.Name = r.namespace, name
		around[r.namespace] = true
		added = append(added, inventory.Policy{
			PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: r.namespace, Name: name}, Object: policy,
		})
	}
	then, err := m.Near(c, around, added)
	if err != nil {
		return false
	}
	return v1alpha1.Verdicts(RequiredFlows(then, c))[f.Key()] == v1alpha1.VerdictAllowed
}

// aroundOf are the namespaces that what a cluster needs has to do with.
func aroundOf(m *model.Model, c *model.Cluster) map[string]bool {
	around := endsOf(m, c)
	around[c.Object.Namespace] = true
	for namespace := range c.Ghosts {
		around[namespace] = true
	}
	return around
}
