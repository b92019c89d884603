package isolation

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// snippets are single policies that may let the source in, made from the rules of the set's client
// policies: without the set's labels, because lockdown would take them for its own.
func (m *Model) snippets(c *cluster, targets []goal) []policyset.Policy {
	var grants []policyset.Grant
	if namespaces := m.originNamespaces(); len(namespaces) == 1 {
		if s, ok := m.distinguishing(c, targets, namespaces[0]); ok {
			grants = append(grants, policyset.Grant{Kind: policyset.Pods, Value: s.String()})
		}
		grants = append(grants, policyset.Grant{Kind: policyset.Namespace, Value: namespaces[0]})
	} else {
		grants = append(grants, policyset.Grant{Kind: policyset.ClusterWide})
	}
	var out []policyset.Policy
	for _, g := range grants {
		policies, err := policyset.Build(policyset.Options{}.With(g).For(c.key(), []string{c.object.Namespace}))
		if err != nil {
			continue
		}
		for _, p := range policies {
			if p.Role == policyset.PostgresAccess {
				m.adapt(&p, c, targets)
				out = append(out, p)
			}
		}
	}
	return out
}

// adapt makes a policy of the set one of the user's own, for the port and, when the source is no
// pod, for the entity or the addresses.
func (m *Model) adapt(p *policyset.Policy, c *cluster, targets []goal) {
	object, rule := p.Object, &p.Object.Spec.Ingress[0]
	object.Labels, object.Annotations = nil, nil
	object.Spec.Description = ""
	suffix := strings.TrimPrefix(object.Name, c.object.Name+"-"+string(policyset.PostgresAccess)+"-")
	switch namespaces := m.originNamespaces(); {
	case namespaces == nil:
		suffix = m.adaptPeers(rule, targets)
	case namespaces[0] != c.object.Namespace && rule.FromEndpoints[0].MatchLabels[ciliumio.PodNamespaceLabel] == "":
		// A selector without namespace is limited to the policy's own. One of a label without value is an
		// expression, and has no matchLabels.
		if rule.FromEndpoints[0].MatchLabels == nil {
			rule.FromEndpoints[0].MatchLabels = map[string]string{}
		}
		rule.FromEndpoints[0].MatchLabels[ciliumio.PodNamespaceLabel] = namespaces[0]
		suffix = namespaces[0] + "-" + suffix
	}
	asked := ports(targets)
	if !slices.Equal(asked, []uint16{cnpg.PostgresPort}) {
		var list []api.PortProtocol
		for _, port := range asked {
			text := strconv.Itoa(int(port))
			list = append(list, api.PortProtocol{Port: text, Protocol: api.ProtoTCP})
			suffix += "-" + text
		}
		rule.ToPorts = api.PortRules{{Ports: list}}
	}
	object.Name = c.object.Name + "-allow-" + suffix
	if pooler := poolerOf(targets); pooler != "" {
		// The instances carry the cluster's label, too, and nobody has asked about them.
		object.Name = pooler + "-allow-" + suffix
		object.Spec.EndpointSelector = api.EndpointSelector{LabelSelector: &slim_metav1.LabelSelector{
			MatchLabels: map[string]slim_metav1.MatchLabelsValue{cnpg.PoolerNameLabel: pooler},
		}}
	}
}

// adaptPeers lets in exactly the entities or addresses of the source that are not let in, and names them.
func (m *Model) adaptPeers(rule *api.IngressRule, targets []goal) string {
	rule.IngressCommonRule = api.IngressCommonRule{}
	denied := slices.DeleteFunc(slices.Clone(m.origins), func(o origin) bool {
		// A pod on its node's network is asked about only as what it looks like.
		return !o.prefix.IsValid() && m.letIn(o.identity, slices.DeleteFunc(slices.Clone(targets), o.apart))
	})
	bothWorlds := len(slices.DeleteFunc(slices.Clone(denied), func(o origin) bool { return !familyOf(o.identity).IsValid() })) > 1
	var names []string
	for _, o := range denied {
		switch {
		case o.prefix.IsValid():
			// All of what is asked about when several parts are denied, and not one by one.
			prefix := o.prefix
			if len(denied) > 1 {
				prefix = m.source.prefix
			}
			rule.FromCIDR = api.CIDRSlice{api.CIDR(prefix.String())}
			names = []string{prefix.String()}
		default:
			name := o.identity.Name()
			if family := familyOf(o.identity); family.IsValid() {
				if !bothWorlds {
					rule.FromCIDR = api.CIDRSlice{api.CIDR(family.String())}
					names = append(names, name)
					continue
				}
				name = worldName
			}
			if entity := api.Entity(name); !slices.Contains(rule.FromEntities, entity) {
				rule.FromEntities = append(rule.FromEntities, entity)
				names = append(names, name)
			}
		}
	}
	return strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.Join(names, "-"), "-"), "-")
}

// poolerOf is the pooler that is asked about; empty for the instances.
func poolerOf(targets []goal) string {
	if len(targets) == 0 || targets[0].role != v1alpha1.RolePooler {
		return ""
	}
	return targets[0].pod.Labels[cnpg.PoolerNameLabel]
}
