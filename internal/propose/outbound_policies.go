package propose

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// egressPolicy lets the database out to the ends. assumed says why it is not known whether it names the right
// place; empty when it does.
func egressPolicy(o *explain.Outbound, ends []explain.Destined) (p policyset.Policy, assumed string) {
	var rules []api.EgressRule
	names := false
	for _, end := range ends {
		alternatives := end.Alternatives
		if end.Which != "" && len(entitiesOf(o, alternatives[0])) == 0 {
			// One of the places, and not all where it might be.
			alternatives, assumed = alternatives[:1], end.Which
		}
		for _, a := range alternatives {
			names = names || a.Peer.Name != ""
			rules = addRule(rules, egressTo(o, a), portRule(a))
		}
	}
	if names {
		rules = append(rules, dnsRules(o)...)
	}
	object := o.Cluster.Object
	p = ownPolicy(o, object.Namespace, object.Name+"-egress-"+targetWord(o), sender(o))
	p.Object.Spec.Egress = rules
	p.Object.Spec.EnableDefaultDeny.Egress = ptr.To(false)
	return p, assumed
}

// addRule adds ports to the rule that has the same peers, or the rule.
func addRule(rules []api.EgressRule, rule api.EgressRule, port api.PortProtocol) []api.EgressRule {
	at := slices.IndexFunc(rules, func(other api.EgressRule) bool {
		return text(other.EgressCommonRule, other.ToFQDNs) == text(rule.EgressCommonRule, rule.ToFQDNs)
	})
	if at < 0 {
		rule.ToPorts = api.PortRules{{Ports: []api.PortProtocol{port}}}
		return append(rules, rule)
	}
	if ports := &rules[at].ToPorts[0].Ports; !slices.Contains(*ports, port) {
		*ports = append(*ports, port)
	}
	return rules
}

func text(values ...any) string {
	out, err := json.Marshal(values)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// egressTo is the rule for a peer, without its port.
func egressTo(o *explain.Outbound, a explain.Alternative) api.EgressRule {
	rule := api.EgressRule{}
	entities := entitiesOf(o, a)
	switch {
	case len(entities) > 0:
		for _, entity := range entities {
			rule.ToEntities = append(rule.ToEntities, api.Entity(entity))
		}
	case a.Peer.Name != "":
		rule.ToFQDNs = api.FQDNSelectorSlice{{MatchName: a.Peer.Name}}
	case a.Peer.Candidate != nil:
		rule.ToEndpoints = []api.EndpointSelector{selecting(o, a.Peer.Candidate.Namespace, a.Peer.Candidate.Labels)}
	case len(a.Peer.Pods) > 0:
		namespace, by := podsAlike(o, a.Peer.Pods[0])
		rule.ToEndpoints = []api.EndpointSelector{selecting(o, namespace, by)}
	default:
		rule.ToCIDR = api.CIDRSlice{api.CIDR(netip.PrefixFrom(a.Peer.Address, a.Peer.Address.BitLen()).String())}
	}
	return rule
}

// selecting selects pods of a namespace in a policy of the cluster's.
func selecting(o *explain.Outbound, namespace string, by map[string]string) api.EndpointSelector {
	by = maps.Clone(by)
	if namespace != o.Cluster.Object.Namespace {
		if by == nil {
			by = map[string]string{}
		}
		by[ciliumio.PodNamespaceLabel] = namespace
	}
	return selectorOf(by)
}

func selectorOf(by map[string]string) api.EndpointSelector {
	values := map[string]slim_metav1.MatchLabelsValue{}
	for key, value := range by {
		values[key] = value
	}
	return api.EndpointSelector{LabelSelector: &slim_metav1.LabelSelector{MatchLabels: values}}
}

func portRule(a explain.Alternative) api.PortProtocol {
	protocol := api.ProtoTCP
	if a.Port.Protocol == corev1.ProtocolUDP {
		protocol = api.ProtoUDP
	}
	return api.PortProtocol{Port: strconv.Itoa(int(a.Port.Number)), Protocol: protocol}
}

// dnsRules show Cilium the names that the database asks for. Those that it may ask for stay allowed: beside
// rules for other names, the one of the target is added, and where there are none, all names are.
func dnsRules(o *explain.Outbound) []api.EgressRule {
	names := api.FQDNSelector{MatchPattern: "*"}
	if !slices.ContainsFunc(o.Origins, func(from model.End) bool { return !o.SeesNames(from) }) {
		names = api.FQDNSelector{MatchName: nameOf(o)}
	}
	var rules []api.EgressRule
	for _, end := range o.Lookups() {
		alternatives := end.Alternatives
		if end.Which != "" {
			alternatives = alternatives[:1]
		}
		for _, a := range alternatives {
			rules = addRule(rules, egressTo(o, a), portRule(a))
		}
	}
	for i := range rules {
		rules[i].ToPorts[0].Rules = &api.L7Rules{DNS: []api.PortRuleDNS{api.PortRuleDNS(names)}}
	}
	return rules
}

func nameOf(o *explain.Outbound) string {
	for _, end := range o.Destination.Ends {
		for _, a := range end.Alternatives {
			if a.Peer.Name != "" {
				return a.Peer.Name
			}
		}
	}
	return ""
}

// podsAlike are the namespace of a pod and the fewest labels that select it and those that belong to it.
func podsAlike(o *explain.Outbound, pod int) (namespace string, by map[string]string) {
	p := o.Model.Pod(pod)
	if cluster := p.Labels[cnpg.ClusterLabel]; cluster != "" {
		if p.Labels[cnpg.PodRoleLabel] == cnpg.PoolerPodRole {
			return p.Namespace, map[string]string{cnpg.PoolerNameLabel: p.Labels[cnpg.PoolerNameLabel]}
		}
		return p.Namespace, map[string]string{cnpg.ClusterLabel: cluster}
	}
	for _, key := range []string{"k8s-app", "app.kubernetes.io/instance", "app.kubernetes.io/name", "app", "role"} {
		if value, ok := p.Labels[key]; ok && onlySelects(o, pod, key, value) {
			return p.Namespace, map[string]string{key: value}
		}
	}
	by = maps.Clone(p.Labels)
	maps.DeleteFunc(by, func(key, value string) bool { return isPassing(key + "=" + value) })
	return p.Namespace, by
}

// onlySelects tells whether the pods of a namespace with the label are those of one workload.
func onlySelects(o *explain.Outbound, pod int, key, value string) bool {
	p := o.Model.Pod(pod)
	for i := range o.Model.Inventory().Pods {
		other := o.Model.Pod(i)
		if other.Namespace == p.Namespace && other.Labels[key] == value && other.Workload != p.Workload {
			return false
		}
	}
	return true
}

// sender selects those pods of the database that are asked about. All that CloudNativePG starts for it needs
// the API server and DNS.
func sender(o *explain.Outbound) api.EndpointSelector {
	name := o.Cluster.Object.Name
	switch s := o.Destination.Sender; {
	case s.Pooler != "":
		return selectorOf(map[string]string{cnpg.PoolerNameLabel: s.Pooler})
	case s.Job != "":
		return selectorOf(map[string]string{cnpg.ClusterLabel: name, cnpg.JobRoleLabel: string(s.Job)})
	case o.Destination.Target.IsForAll():
		return selectorOf(map[string]string{cnpg.ClusterLabel: name})
	}
	return selectorOf(map[string]string{cnpg.ClusterLabel: name, cnpg.PodRoleLabel: cnpg.InstancePodRole})
}

// ingressPolicies let the database in at the target, one for each kind of pods there.
func ingressPolicies(o *explain.Outbound, denied []denial) []policyset.Policy {
	var out []policyset.Policy
	for _, d := range denied {
		for _, a := range d.to.Alternatives {
			if d.decision.Ingress.Verdict != v1alpha1.VerdictDenied || len(a.Peer.Pods) == 0 || isOnNode(o, a) {
				continue
			}
			namespace, by := podsAlike(o, a.Peer.Pods[0])
			subject := selectorOf(by)
			at := slices.IndexFunc(out, func(p policyset.Policy) bool {
				return p.Object.Namespace == namespace && text(p.Object.Spec.EndpointSelector) == text(subject)
			})
			if at < 0 {
				at = len(out)
				p := ownPolicy(o, namespace, fmt.Sprintf("%s-from-%s", word(slices.Sorted(maps.Values(by))[0]), o.Cluster.Object.Name), subject)
				from := sender(o)
				if namespace != o.Cluster.Object.Namespace {
					from.MatchLabels[ciliumio.PodNamespaceLabel] = o.Cluster.Object.Namespace
				}
				p.Object.Spec.Ingress = []api.IngressRule{{
					IngressCommonRule: api.IngressCommonRule{FromEndpoints: []api.EndpointSelector{from}}, ToPorts: api.PortRules{{}},
				}}
				p.Object.Spec.EnableDefaultDeny.Ingress = ptr.To(false)
				out = append(out, p)
			}
			ports := &out[at].Object.Spec.Ingress[0].ToPorts[0].Ports
			if port := portRule(a); !slices.Contains(*ports, port) {
				*ports = append(*ports, port)
			}
		}
	}
	return out
}

// ownPolicy is a policy of the user's own, with a name that none has: without the set's labels, because lockdown
// would take it for its own.
func ownPolicy(o *explain.Outbound, namespace, name string, subject api.EndpointSelector) policyset.Policy {
	taken := func(name string) bool {
		return slices.ContainsFunc(o.Model.Inventory().Policies, func(p inventory.Policy) bool {
			return p.Kind == v1alpha1.CiliumNetworkPolicy && p.Namespace == namespace && p.Name == name
		})
	}
	free := name
	for i := 2; taken(free); i++ {
		free = fmt.Sprintf("%s-%d", name, i)
	}
	return policyset.Policy{Object: &ciliumv2.CiliumNetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: ciliumv2.SchemeGroupVersion.String(), Kind: ciliumv2.CNPKindDefinition},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: free},
		Spec:       &api.Rule{EndpointSelector: subject},
	}}
}

// targetWord is the target as a part of a name.
func targetWord(o *explain.Outbound) string {
	t := o.Destination.Target
	return word(strings.TrimPrefix(t.Name(), "external ") + t.PortSuffix())
}

func word(text string) string {
	const most = 80
	out := strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(text), "-"), "-")
	return strings.TrimRight(out[:min(len(out), most)], "-")
}
