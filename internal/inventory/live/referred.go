package live

import (
	"context"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// readReferred reads what something refers to.
func (c *collector) readReferred(ctx context.Context) error {
	group, groupCtx := errgroup.WithContext(ctx)
	for _, r := range append(c.referredKinds(), c.referredObjects()...) {
		group.Go(func() error { return c.read(groupCtx, r) })
	}
	return group.Wait()
}

// referredKinds are those that matter only where something refers to them: object stores, and groups of
// addresses.
func (c *collector) referredKinds() []resource {
	var kinds []resource
	if slices.ContainsFunc(c.inv.Clusters, usesPlugins) {
		kinds = append(kinds, c.custom(objectStores()))
	}
	if slices.ContainsFunc(c.rules(), namesGroups) {
		kinds = append(kinds, c.custom(cidrGroups()))
	}
	return kinds
}

// referredObjects are the backups that clusters begin from, the timers that policies end with, and what is behind the Services without a selector
// that something refers to.
func (c *collector) referredObjects() []resource {
	var kinds []resource
	names := map[string][]string{}
	for _, cluster := range c.inv.Clusters {
		if b := cluster.Spec.Bootstrap; b != nil && b.Recovery != nil && b.Recovery.Backup != nil && !cnpg.Bootstrapped(cluster) {
			names[cluster.Namespace] = append(names[cluster.Namespace], b.Recovery.Backup.Name)
		}
	}
	for namespace, wanted := range names {
		for _, name := range wanted {
			kinds = append(kinds, c.backup(namespace, name))
		}
	}
	if c.timed() {
		kinds = append(kinds, c.timers())
	}
	rules := c.rules()
	for _, s := range c.inv.Services {
		if len(s.Spec.Selector) == 0 && s.Spec.Type != corev1.ServiceTypeExternalName && c.refersTo(rules, s) {
			kinds = append(kinds, c.endpointSlices(serviceName{s.Namespace, s.Name}))
		}
	}
	return kinds
}

func usesPlugins(cluster *cnpgv1.Cluster) bool {
	return len(cluster.Spec.Plugins) > 0 ||
		slices.ContainsFunc(cluster.Spec.ExternalClusters, func(e cnpgv1.ExternalCluster) bool { return e.PluginConfiguration != nil })
}

// backup reads one Backup: there can be very many.
func (c *collector) backup(namespace, name string) resource {
	k := of("postgresql.cnpg.io", "v1", "backups", clusterScoped)
	k.decode = decoded[cnpgv1.Backup]
	k.put = func(c *collector, value any) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.inv.Backups = appendAs(c.inv.Backups, value)
	}
	k.reset = func(*collector) {} // There is a single page.
	r := c.custom(k)
	read := r.page
	r.page = func(ctx context.Context, _ string, o metav1.ListOptions) (int, string, error) {
		o.FieldSelector = metav1.ObjectNameField + "=" + name
		return read(ctx, namespace, o)
	}
	return r
}

// rules are those of all of Cilium's policies that were read.
func (c *collector) rules() []*api.Rule {
	var out []*api.Rule
	add := func(spec *api.Rule, specs api.Rules) {
		for _, rule := range append(api.Rules{spec}, specs...) {
			if rule != nil {
				out = append(out, rule)
			}
		}
	}
	for _, policies := range [][]inventory.Policy{c.policies[ciliumSlot], c.policies[clusterwideSlot]} {
		for i := range policies {
			switch object := policies[i].Object.(type) {
			case *ciliumv2.CiliumNetworkPolicy:
				add(object.Spec, object.Specs)
			case *ciliumv2.CiliumClusterwideNetworkPolicy:
				add(object.Spec, object.Specs)
			}
		}
	}
	return out
}

// namesGroups tells whether a rule depends on a CiliumCIDRGroup.
func namesGroups(rule *api.Rule) bool {
	named := func(set api.CIDRRuleSlice) bool {
		return slices.ContainsFunc(set, func(r api.CIDRRule) bool { return r.CIDRGroupRef != "" || r.CIDRGroupSelector.LabelSelector != nil })
	}
	return slices.ContainsFunc(rule.Ingress, func(r api.IngressRule) bool { return named(r.FromCIDRSet) }) ||
		slices.ContainsFunc(rule.IngressDeny, func(r api.IngressDenyRule) bool { return named(r.FromCIDRSet) }) ||
		slices.ContainsFunc(rule.Egress, func(r api.EgressRule) bool { return named(r.ToCIDRSet) }) ||
		slices.ContainsFunc(rule.EgressDeny, func(r api.EgressDenyRule) bool { return named(r.ToCIDRSet) })
}

// refersTo tells whether a rule may name the Service, or a cluster a host that may be it.
func (c *collector) refersTo(rules []*api.Rule, s *corev1.Service) bool {
	for _, rule := range rules {
		for i := range rule.Egress {
			for _, named := range rule.Egress[i].ToServices {
				if named.K8sServiceSelector != nil || named.K8sService != nil && named.K8sService.ServiceName == s.Name {
					return true
				}
			}
		}
	}
	for _, cluster := range c.inv.Clusters {
		for _, text := range hosts(cluster) {
			if strings.Contains(text, s.Name+"."+s.Namespace) || s.Namespace == cluster.Namespace && strings.Contains(text, s.Name) {
				return true
			}
		}
	}
	return false
}

// hosts are the texts of a cluster that name one.
func hosts(cluster *cnpgv1.Cluster) []string {
	var out []string
	if b := cluster.Spec.Backup; b != nil && b.BarmanObjectStore != nil {
		out = append(out, b.BarmanObjectStore.EndpointURL)
	}
	for i := range cluster.Spec.ExternalClusters {
		e := &cluster.Spec.ExternalClusters[i]
		if out = append(out, e.ConnectionParameters["host"]); e.BarmanObjectStore != nil {
			out = append(out, e.BarmanObjectStore.EndpointURL)
		}
	}
	if l := cluster.Spec.PostgresConfiguration.LDAP; l != nil {
		out = append(out, l.Server)
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}
