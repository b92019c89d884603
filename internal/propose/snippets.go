package propose

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// snippets are single policies that may let the source in, made from the rules of the set's client
// policies: without the set's labels, because lockdown would take them for its own.
func snippets(q *explain.Question) []policyset.Policy {
	var grants []policyset.Grant
	if namespaces := originNamespaces(q); len(namespaces) == 1 {
		if s, ok := distinguishing(q, namespaces[0]); ok {
			grants = append(grants, policyset.Grant{Kind: policyset.Pods, Value: s.String()})
		}
		grants = append(grants, policyset.Grant{Kind: policyset.Namespace, Value: namespaces[0]})
	} else {
		grants = append(grants, policyset.Grant{Kind: policyset.ClusterWide})
	}
	var out []policyset.Policy
	for _, g := range grants {
		policies, err := policyset.Build(policyset.Options{}.With(g).For(q.Cluster.Key(), []policyset.Operator{{Namespace: q.Cluster.Object.Namespace}}))
		if err != nil {
			continue
		}
		for _, p := range policies {
			if p.Role == policyset.PostgresAccess {
				adapt(q, &p)
				out = append(out, p)
			}
		}
	}
	return out
}

// adapt makes a policy of the set one of the user's own, for the port and, when the source is no
// pod, for the entity or the addresses.
func adapt(q *explain.Question, p *policyset.Policy) {
	object, rule := p.Object, &p.Object.Spec.Ingress[0]
	object.Labels, object.Annotations = nil, nil
	object.Spec.Description = ""
	suffix := strings.TrimPrefix(object.Name, q.Cluster.Object.Name+"-"+string(policyset.PostgresAccess)+"-")
	switch namespaces := originNamespaces(q); {
	case namespaces == nil:
		suffix = adaptPeers(q, rule)
	case namespaces[0] != q.Cluster.Object.Namespace && rule.FromEndpoints[0].MatchLabels[ciliumio.PodNamespaceLabel] == "":
		// A selector without namespace is limited to the policy's own. One of a label without value is an
		// expression, and has no matchLabels.
		if rule.FromEndpoints[0].MatchLabels == nil {
			rule.FromEndpoints[0].MatchLabels = map[string]string{}
		}
		rule.FromEndpoints[0].MatchLabels[ciliumio.PodNamespaceLabel] = namespaces[0]
		suffix = namespaces[0] + "-" + suffix
	}
	asked := ports(q.Goals)
	if !slices.Equal(asked, []uint16{cnpg.PostgresPort}) {
		var list []api.PortProtocol
		for _, port := range asked {
			text := strconv.Itoa(int(port))
			list = append(list, api.PortProtocol{Port: text, Protocol: api.ProtoTCP})
			suffix += "-" + text
		}
		rule.ToPorts = api.PortRules{{Ports: list}}
	}
	object.Name = q.Cluster.Object.Name + "-allow-" + suffix
	if pooler := q.Target.Pooler; pooler != "" {
		// The instances carry the cluster's label, too, and nobody has asked about them.
		object.Name = pooler + "-allow-" + suffix
		object.Spec.EndpointSelector = api.EndpointSelector{LabelSelector: &slim_metav1.LabelSelector{
			MatchLabels: map[string]slim_metav1.MatchLabelsValue{cnpg.PoolerNameLabel: pooler},
		}}
	}
}

// adaptPeers lets in exactly the entities or addresses of the source that are not let in, and names them.
func adaptPeers(q *explain.Question, rule *api.IngressRule) string {
	rule.IngressCommonRule = api.IngressCommonRule{}
	denied := slices.DeleteFunc(slices.Clone(q.Origins), func(o explain.Origin) bool {
		// A pod on its node's network is asked about only as what it looks like.
		return !o.Prefix.IsValid() && letIn(q, o.Identity, slices.DeleteFunc(slices.Clone(q.Goals), o.Apart))
	})
	bothWorlds := len(slices.DeleteFunc(slices.Clone(denied), func(o explain.Origin) bool { return !explain.FamilyOf(o.Identity).IsValid() })) > 1
	var names []string
	for _, o := range denied {
		switch {
		case o.Prefix.IsValid():
			// All of what is asked about when several parts are denied, and not one by one.
			prefix := o.Prefix
			if len(denied) > 1 && q.Source.Prefix.IsValid() {
				prefix = q.Source.Prefix
			}
			if cidr := api.CIDR(prefix.String()); !slices.Contains(rule.FromCIDR, cidr) {
				rule.FromCIDR = append(rule.FromCIDR, cidr)
				names = append(names, prefix.String())
			}
		default:
			name := o.Identity.Name()
			if family := explain.FamilyOf(o.Identity); family.IsValid() {
				if !bothWorlds {
					rule.FromCIDR = api.CIDRSlice{api.CIDR(family.String())}
					names = append(names, name)
					continue
				}
				name = labels.IDNameWorld
			}
			if entity := api.Entity(name); !slices.Contains(rule.FromEntities, entity) {
				rule.FromEntities = append(rule.FromEntities, entity)
				names = append(names, name)
			}
		}
	}
	return strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.Join(names, "-"), "-"), "-")
}
