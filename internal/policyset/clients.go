package policyset

import (
	"cmp"
	"fmt"
	"slices"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// client is one value of one client flag, and what its policy says.
type client struct {
	flag        string
	role        Role
	suffix      suffix
	why         string
	description string
	rule        api.IngressRule
}

// clients are all client flags of o, in the order of the document, and by their text within one
// flag. Equal ones are given once.
func (o Options) clients() []client {
	var all []client
	add := func(group []client) {
		slices.SortFunc(group, func(a, b client) int { return cmp.Compare(a.flag, b.flag) })
		all = append(all, slices.CompactFunc(group, func(a, b client) bool { return a.flag == b.flag })...)
	}
	add(each(o.AllowPods, podsClient))
	add(each(o.AllowPodsAnyNamespace, podsAnyNamespaceClient))
	add(each(o.AllowNamespaces, namespaceClient))
	if o.AllowClusterWide {
		add([]client{clusterWideClient(o.Cluster.Name)})
	}
	add(each(o.AllowMetrics, metricsClient))
	if o.AllowKubectlCNPG {
		add([]client{kubectlCNPGClient()})
	}
	return all
}

func each[T any](values []T, build func(T) client) []client {
	out := make([]client, len(values))
	for i, v := range values {
		out[i] = build(v)
	}
	return out
}

// podsClient is policy 4. Cilium limits a selector without namespace to the policy's own.
func podsClient(s Selector) client {
	flag := FlagAllowPods + "=" + s.String()
	return client{
		flag:        flag,
		role:        PostgresAccess,
		suffix:      selectorSuffix("", flag, s),
		why:         "clients: pods with " + s.String(),
		description: "Allow PostgreSQL access on port 5432 from Pods with " + s.String(),
		rule:        fromEndpoints([]uint16{cnpg.PostgresPort}, s.endpointSelector()),
	}
}

// podsAnyNamespaceClient is policy 5. The requirement that a namespace exists, in the selector itself,
// is what keeps Cilium from limiting it to the policy's own namespace.
func podsAnyNamespaceClient(s Selector) client {
	flag := FlagAllowPodsAnyNamespace + "=" + s.String()
	return client{
		flag:        flag,
		role:        PostgresAccess,
		suffix:      selectorSuffix("any-namespace-", flag, s),
		why:         "clients: pods with " + s.String() + " in any namespace",
		description: "Allow PostgreSQL access on port 5432 from Pods with " + s.String() + " in any namespace",
		rule: fromEndpoints([]uint16{cnpg.PostgresPort}, s.endpointSelector(slim_metav1.LabelSelectorRequirement{
			Key:      ciliumio.PodNamespaceLabel,
			Operator: slim_metav1.LabelSelectorOpExists,
		})),
	}
}

// namespaceClient is policy 6.
func namespaceClient(namespace string) client {
	flag := FlagAllowNamespace + "=" + namespace
	return client{
		flag:        flag,
		role:        PostgresAccess,
		suffix:      namespaceSuffix("namespace-", flag, namespace),
		why:         "clients: namespace " + namespace,
		description: fmt.Sprintf("Allow PostgreSQL access on port 5432 from any Pods in the %s namespace", namespace),
		rule:        fromEndpoints([]uint16{cnpg.PostgresPort}, matchLabels(map[string]string{ciliumio.PodNamespaceLabel: namespace})),
	}
}

// clusterWideClient is policy 7.
func clusterWideClient(cluster string) client {
	return client{
		flag:        FlagAllowClusterWide,
		role:        PostgresAccess,
		suffix:      suffix{readable: "cluster-wide", exact: true},
		why:         "clients: everything within the Kubernetes cluster",
		description: fmt.Sprintf("Allow ingress traffic to port 5432 of the %s from any pods, nodes and the API server within the Kubernetes cluster", cluster),
		rule:        fromEntities([]uint16{cnpg.PostgresPort}, api.EntityCluster),
	}
}

// metricsClient lets a monitoring namespace read metrics of instances and poolers.
func metricsClient(namespace string) client {
	flag := FlagAllowMetrics + "=" + namespace
	return client{
		flag:        flag,
		role:        MetricsAccess,
		suffix:      namespaceSuffix("", flag, namespace),
		why:         "metrics: namespace " + namespace,
		description: fmt.Sprintf("Allow access to metrics on port 9187 (instances) and 9127 (poolers) from any Pods in the %s namespace", namespace),
		rule:        fromEndpoints([]uint16{cnpg.MetricsPort, cnpg.PoolerMetricsPort}, matchLabels(map[string]string{ciliumio.PodNamespaceLabel: namespace})),
	}
}

// kubectlCNPGClient lets in what kubectl cnpg status goes through: the API server's proxy, which
// shows up as host or remote node where the API server runs on a node of the cluster.
func kubectlCNPGClient() client {
	return client{
		flag:        FlagAllowKubectlCNPG,
		role:        KubectlCNPGAccess,
		why:         "kubectl cnpg status, through the API server",
		description: "Allow kubectl cnpg status: the API server and the nodes may reach the status port 8000",
		rule:        fromEntities([]uint16{cnpg.StatusPort}, api.EntityKubeAPIServer, api.EntityHost, api.EntityRemoteNode),
	}
}
