package policyset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"
	"k8s.io/utils/ptr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// Reaching returns the options with what the cluster needs to reach, as it was derived. It counts with Egress only. What
// is always needed, its own pods and the API server, is no matter of derivation, and is not among it.
func (o Options) Reaching(outlets []Outlet) Options {
	o.Outlets = slices.Clone(outlets)
	return o
}

// egress are the policies that restrict what the cluster's pods open, but default deny: those of what is always needed,
// of what was derived, and of the flags.
func (o Options) egress() []Policy {
	if !o.Egress {
		return nil
	}
	var all []Policy
	for _, out := range o.AllOutlets() {
		all = append(all, o.outletPolicy(out))
	}
	return append(all, o.granted(Egress)...)
}

// AllOutlets are the outlets of the set, in the order in which they are applied: the options' own, what is always needed, and
// what names take.
func (o Options) AllOutlets() []Outlet {
	if o.forOperator() {
		return merged(o.operatorOutlets())
	}
	cluster := o.Cluster.Name
	all := append([]Outlet{
		{Purpose: Peers, What: "the cluster's own pods", Places: []Place{{
			Namespace: o.Cluster.Namespace, Labels: map[string]string{cnpg.ClusterLabel: cluster}, Ports: []string{"5432/TCP", "8000/TCP"},
		}}},
		{Purpose: APIServer, What: "the API server", Places: []Place{{Entity: string(api.EntityKubeAPIServer)}}},
	}, slices.DeleteFunc(slices.Clone(o.Outlets), func(out Outlet) bool { return out.Purpose == Names || out.Purpose == Peers || out.Purpose == APIServer })...)
	for _, out := range all {
		if out.Purpose == DNS && o.Names() {
			out.Purpose, out.What = Names, NamesWhat
			all = append(all, out)
			break
		}
	}
	return merged(all)
}

// OutletsInWords names the outlets of the set, but that of names, in the order in which they are applied.
func (o Options) OutletsInWords() string {
	var to []string
	for _, out := range o.AllOutlets() {
		if out.Purpose != Names && !slices.Contains(to, out.What) {
			to = append(to, out.What)
		}
	}
	if len(to) == 1 {
		return to[0]
	}
	return strings.Join(to[:len(to)-1], ", ") + " and " + to[len(to)-1]
}

// NamesWhat is what the outlet of Names is called.
const NamesWhat = "DNS, so that Cilium sees how names are resolved"

// Names is true when a rule of the set names something outside the Kubernetes cluster by its DNS name.
func (o Options) Names() bool {
	return o.Egress && (slices.ContainsFunc(o.Outlets, Outlet.named) || slices.ContainsFunc(o.Grants, func(g Grant) bool { return g.Kind == EgressName }))
}

// outletPolicy is the policy of one outlet.
func (o Options) outletPolicy(out Outlet) Policy {
	var s suffix
	if s = (suffix{readable: string(out.Purpose), exact: true, hashed: out.key()}); !out.Purpose.once() {
		word := out.Places[0].word()
		if out.Purpose == Plugin {
			word = strings.TrimPrefix(out.What, pluginCalled)
		}
		s.readable, s.exact = strings.Trim(string(out.Purpose)+"-"+notReadable.ReplaceAllString(strings.ToLower(word), "-"), "-"), false
	}
	who, selected := "the instances and jobs of "+o.called(), databasePods(o)
	switch {
	case o.forOperator():
		who, selected = o.called(), everyRole(o)
	case out.Purpose.forAll():
		who, selected = "the instances, jobs and poolers of "+o.called(), everyRole(o)
	}
	description := fmt.Sprintf("Allow %s to reach %s", who, out.What)
	if out.Field != "" {
		description += " (" + out.Field + ")"
	}
	var rules []api.EgressRule
	for _, p := range out.Places {
		rules = append(rules, p.rule(o, out.Purpose == Names))
	}
	p := o.egressPolicy(EgressAccess, name(o.Cluster.Name, EgressAccess, s), "out to "+out.What, description, selected, rules...)
	p.Object.Annotations = map[string]string{AnnotationOutlet: out.text()}
	return p
}

// word is what a place is called in a name.
func (p Place) word() string {
	for _, text := range []string{p.Name, p.CIDR, p.Entity} {
		if text != "" {
			return text
		}
	}
	return p.Namespace
}

// rule is the rule that lets out to a place; with names, it shows Cilium what is resolved there.
func (p Place) rule(o Options, names bool) api.EgressRule {
	rule := api.EgressRule{}
	switch {
	case p.Entity != "":
		rule.ToEntities = api.EntitySlice{api.Entity(p.Entity)}
	case strings.Contains(p.Name, "*"):
		rule.ToFQDNs = api.FQDNSelectorSlice{{MatchPattern: p.Name}}
	case p.Name != "":
		rule.ToFQDNs = api.FQDNSelectorSlice{{MatchName: p.Name}}
	case p.CIDR != "":
		rule.ToCIDR = api.CIDRSlice{api.CIDR(p.CIDR)}
	default:
		rule.ToEndpoints = []api.EndpointSelector{p.pods(o)}
	}
	if len(p.Ports) == 0 {
		return rule
	}
	ports := api.PortRule{}
	for _, text := range p.Ports {
		if port, err := portProtocol(text); err == nil {
			ports.Ports = append(ports.Ports, port)
		}
	}
	if names {
		// Any name may be asked for: which ones lead anywhere is the business of the rules that name them, and a refused answer
		// for a search domain keeps resolvers from asking on.
		ports.Rules = &api.L7Rules{DNS: []api.PortRuleDNS{{MatchPattern: "*"}}}
	}
	rule.ToPorts = api.PortRules{ports}
	return rule
}

// pods select the pods of a place.
func (p Place) pods(o Options) api.EndpointSelector {
	if p.Databases {
		return databasesAnywhere()
	}
	selector := p.selector.endpointSelector()
	if selector.MatchLabels == nil {
		selector.MatchLabels = map[string]string{}
	}
	for key, text := range p.Labels {
		selector.MatchLabels[key] = text
	}
	if p.Namespace != o.Cluster.Namespace || len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		selector.MatchLabels[ciliumio.PodNamespaceLabel] = p.Namespace
	}
	return selector
}

// portProtocol reads a port of a Place.
func portProtocol(text string) (api.PortProtocol, error) {
	number, protocol, _ := strings.Cut(text, "/")
	if n, err := strconv.ParseUint(number, 10, 16); err != nil || n == 0 || protocol != string(api.ProtoTCP) && protocol != string(api.ProtoUDP) && protocol != string(api.ProtoSCTP) {
		return api.PortProtocol{}, fmt.Errorf("%q is no port as in 443/TCP", text)
	}
	return api.PortProtocol{Port: number, Protocol: api.L4Proto(protocol)}, nil
}

// databasePods select instances and jobs. Poolers, which need nothing but the instances, are left out.
func databasePods(o Options) api.EndpointSelector {
	selector := everyRole(o)
	selector.MatchExpressions = []slim_metav1.LabelSelectorRequirement{
		{Key: cnpg.PoolerNameLabel, Operator: slim_metav1.LabelSelectorOpDoesNotExist},
	}
	return selector
}

// egressPolicy is a policy of the set that is about what its pods open. Only the default deny of egress denies.
func (o Options) egressPolicy(role Role, name, why, description string, subject api.EndpointSelector, rules ...api.EgressRule) Policy {
	p := o.policy(role, name, why, description, subject)
	p.Object.Spec.Ingress, p.Object.Spec.Egress = nil, rules
	p.Object.Spec.EnableDefaultDeny = api.DefaultDenyConfig{}
	if role != EgressDefaultDeny {
		p.Object.Spec.EnableDefaultDeny.Egress = ptr.To(false)
	}
	return p
}

// egressDefaultDeny denies what no rule lets the cluster's pods open. It selects those in either scope: the documentation
// has no policy for egress, and other applications of the namespace have needs that nobody here knows.
func (o Options) egressDefaultDeny() Policy {
	p := o.egressPolicy(EgressDefaultDeny, name(o.Cluster.Name, EgressDefaultDeny, suffix{}), "default deny of egress",
		"Default deny all egress traffic of the pods of "+o.called(), everyRole(o), api.EgressRule{})
	p.Object.Annotations = map[string]string{}
	return p
}

// IsOutlet tells whether a live policy lets out to what a lockdown has derived.
func IsOutlet(p *ciliumv2.CiliumNetworkPolicy) bool {
	_, ok := p.Annotations[AnnotationOutlet]
	return ok && Role(p.Labels[LabelPolicy]) == EgressAccess
}

// OutletOf says where a policy lets out to and what needs it: "the S3 bucket shop (Cluster shop-db spec.backup.…)". It is
// empty where that can't be read.
func OutletOf(p *ciliumv2.CiliumNetworkPolicy) string {
	out, err := readOutlet(p.Annotations[AnnotationOutlet])
	if err != nil {
		return ""
	}
	if out.Field == "" {
		return out.What
	}
	return fmt.Sprintf("%s (%s)", out.What, out.Field)
}

// Denies is true for the roles whose policies deny: those that end last and go first.
func (r Role) Denies() bool { return r == DefaultDeny || r == EgressDefaultDeny }
