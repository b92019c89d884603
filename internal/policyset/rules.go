package policyset

import (
	"maps"
	"strconv"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// matchLabels is a selector in the form in which it is written in YAML: the caches that Cilium's
// own constructors fill would make equal selectors differ.
func matchLabels(labels map[string]string) api.EndpointSelector {
	return api.EndpointSelector{LabelSelector: &slim_metav1.LabelSelector{MatchLabels: labels}}
}

// everyPod is `{}`: as an endpoint selector, every pod of the policy's namespace.
func everyPod() api.EndpointSelector { return matchLabels(nil) }

// clusterPods selects instances, jobs and poolers of the cluster. Poolers are meant to be in:
// the same clients connect to them, on the same port.
func clusterPods(cluster string) api.EndpointSelector {
	return matchLabels(map[string]string{cnpg.ClusterLabel: cluster})
}

// everyRole selects what clusterPods does or, in the operator's set, the operator.
func everyRole(o Options) api.EndpointSelector {
	if o.forOperator() {
		return matchLabels(maps.Clone(o.Operator.Labels))
	}
	return clusterPods(o.Cluster.Name)
}

// database selects what clients connect to: instances and poolers, or poolers alone.
func database(o Options) api.EndpointSelector {
	selector := everyRole(o)
	if o.ThroughPoolers {
		selector.MatchExpressions = []slim_metav1.LabelSelectorRequirement{
			{Key: cnpg.PoolerNameLabel, Operator: slim_metav1.LabelSelectorOpExists},
		}
	}
	return selector
}

// throughPoolers is true when the kind's clients get the poolers alone.
func (d Definition) throughPoolers(o Options) bool {
	return o.ThroughPoolers && d.Role == PostgresAccess
}

// agents select the agents of konnectivity, in a fixed order.
func (o Options) agents() []api.EndpointSelector {
	var out []api.EndpointSelector
	for _, label := range sortedSet(o.Agents) {
		out = append(out, matchLabels(map[string]string{
			ciliumio.PodNamespaceLabel: inventory.KonnectivityNamespace, label: inventory.KonnectivityApp,
		}))
	}
	return out
}

func fromEndpoints(ports []uint16, selectors ...api.EndpointSelector) api.IngressRule {
	return api.IngressRule{
		IngressCommonRule: api.IngressCommonRule{FromEndpoints: selectors},
		ToPorts:           tcp(ports),
	}
}

func tcp(ports []uint16) api.PortRules {
	rule := api.PortRule{}
	for _, p := range ports {
		rule.Ports = append(rule.Ports, api.PortProtocol{Port: strconv.Itoa(int(p)), Protocol: api.ProtoTCP})
	}
	return api.PortRules{rule}
}
