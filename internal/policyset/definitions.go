package policyset

import (
	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// Definitions are all kinds of clients, in the order of the document and of everything that is made
// from them, and at the end the kinds of peers that the cluster may reach. It is a function because the entries hold functions, and nobody shall change them.
func Definitions() []Definition {
	return []Definition{
		{
			// Cilium limits a selector without namespace to the policy's own.
			Kind: Pods, Flag: "--allow-pods",
			Usage:    "Let in pods of the cluster's namespace with these labels, as in role=backend (repeatable)",
			Document: "postgres-access-backend-label",
			Role:     PostgresAccess, Direction: Ingress, Ports: []uint16{cnpg.PostgresPort}, target: database,
			valueKind:   selectors("give --allow-namespace with the cluster's namespace to allow all of its pods"),
			why:         "clients: pods with {value}",
			description: "Allow PostgreSQL access on port 5432 from Pods with {value}",
			peers:       func(_ Options, v value) []api.IngressCommonRule { return endpoints(v.selector.endpointSelector()) },
			breadth:     1,
			suggest: func(s Source) (string, bool) {
				if s.Namespace == "" || s.Namespace != s.Home {
					return "", false
				}
				return s.selector(s.Namespace)
			},
		},
		{
			// The requirement that a namespace exists, in the selector itself, is what keeps Cilium from
			// limiting it to the policy's own namespace. For suggestions, a namespace as a whole counts as
			// narrower: a label can be given to a pod of any namespace by whoever may create one there.
			Kind: "pods-any-namespace", Flag: "--allow-pods-any-namespace",
			Usage:    "Let in pods of any namespace with these labels (repeatable)",
			Document: "postgres-access-backend-any-ns",
			Role:     PostgresAccess, Direction: Ingress, Ports: []uint16{cnpg.PostgresPort}, target: database,
			valueKind:   selectors("give --allow-cluster-wide to allow every pod of the Kubernetes cluster"),
			why:         "clients: pods with {value} in any namespace",
			description: "Allow PostgreSQL access on port 5432 from Pods with {value} in any namespace",
			prefix:      "any-namespace-",
			peers: func(_ Options, v value) []api.IngressCommonRule {
				return endpoints(v.selector.endpointSelector(slim_metav1.LabelSelectorRequirement{
					Key: ciliumio.PodNamespaceLabel, Operator: slim_metav1.LabelSelectorOpExists,
				}))
			},
			breadth: 4,
			suggest: func(s Source) (string, bool) { return s.selector("") },
		},
		{
			Kind: Namespace, Flag: "--allow-namespace",
			Usage:    "Let in all pods of this namespace (repeatable)",
			Document: "postgres-access-backend-namespace",
			Role:     PostgresAccess, Direction: Ingress, Ports: []uint16{cnpg.PostgresPort}, target: database,
			valueKind:   namespaces(),
			why:         "clients: namespace {value}",
			description: "Allow PostgreSQL access on port 5432 from any Pods in the {value} namespace",
			prefix:      "namespace-",
			peers:       podsOf,
			breadth:     3,
			suggest:     func(s Source) (string, bool) { return s.Namespace, s.Namespace != "" },
		},
		{
			Kind: ClusterWide, Flag: "--allow-cluster-wide", Everybody: true,
			Usage:    "Let in everything in the Kubernetes cluster, and nobody outside of it",
			Document: "postgres-access-cluster-wide",
			Role:     PostgresAccess, Direction: Ingress, Ports: []uint16{cnpg.PostgresPort}, target: database,
			valueKind:   none(),
			why:         "clients: everything within the Kubernetes cluster",
			description: "Allow ingress traffic to port 5432 of the {cluster} from any pods, nodes and the API server within the Kubernetes cluster",
			prefix:      "cluster-wide",
			peers:       entities(api.EntityCluster),
			breadth:     5,
			suggest:     anyway,
		},
		{
			// The "default" one is what every pod has that names none, so that it is no narrower than its namespace.
			Kind: "service-account", Flag: "--allow-service-account",
			Usage: "Let in pods of this ServiceAccount: NAME in the cluster's namespace, or NAMESPACE/NAME (repeatable)",
			Role:  PostgresAccess, Direction: Ingress, Ports: []uint16{cnpg.PostgresPort}, target: database,
			valueKind:   serviceAccounts(),
			why:         "clients: service account {value}",
			description: "Allow PostgreSQL access on port 5432 from Pods of the ServiceAccount {value}",
			prefix:      "service-account.",
			peers: func(_ Options, v value) []api.IngressCommonRule {
				return endpoints(matchLabels(map[string]string{
					ciliumio.PodNamespaceLabel: v.namespace, ciliumio.PolicyLabelServiceAccount: v.name,
				}))
			},
			breadth: 2,
			suggest: func(s Source) (string, bool) {
				return s.Namespace + "/" + s.ServiceAccount, s.Namespace != "" && s.ServiceAccount != "" && s.ServiceAccount != "default"
			},
		},
		{
			// Cilium never takes a pod or a node for an address, so that a range that has theirs lets none of them in.
			Kind: "cidr", Flag: "--allow-cidr",
			Usage: "Let in addresses outside the Kubernetes cluster, as in 192.0.2.0/24 (repeatable)",
			Role:  PostgresAccess, Direction: Ingress, Ports: []uint16{cnpg.PostgresPort}, target: database,
			valueKind:   prefixes(),
			why:         "clients: addresses of {value}",
			description: "Allow PostgreSQL access on port 5432 from addresses of {value} outside the Kubernetes cluster",
			prefix:      "cidr-",
			peers: func(_ Options, v value) []api.IngressCommonRule {
				return []api.IngressCommonRule{{FromCIDR: api.CIDRSlice{api.CIDR(v.text)}}}
			},
			breadth: 1,
			suggest: func(s Source) (string, bool) { return s.Prefix, s.Prefix != "" },
		},
		{
			// A monitoring namespace reads metrics of instances and poolers, or some of its pods do.
			Kind: Metrics, Flag: "--allow-metrics",
			Usage: "Let pods of this namespace, or some of them (monitoring:app=prometheus), read the metrics on 9187 and 9127 (repeatable)",
			Role:  MetricsAccess, Direction: Ingress, Ports: []uint16{cnpg.MetricsPort, cnpg.PoolerMetricsPort}, target: everyRole,
			valueKind:   somePods(),
			why:         "metrics: namespace {value}",
			description: "Allow access to metrics on port 9187 (instances) and 9127 (poolers) from {pods} in the {namespace} namespace",
			peers:       podsOf,
			breadth:     3,
			suggest: func(s Source) (string, bool) {
				if text, ok := s.selector(s.Namespace); ok && s.Namespace != "" {
					return s.Namespace + ":" + text, true
				}
				return s.Namespace, s.Namespace != ""
			},
		},
		{
			// kubectl cnpg status goes through the API server's proxy, which shows up as host or remote node
			// where the API server runs on a node of the cluster, and as an agent of konnectivity where it stands
			// apart from the nodes' network.
			Kind: KubectlCNPG, Flag: "--allow-kubectl-cnpg",
			Usage: "Let API server, nodes and konnectivity's agents reach port 8000, for kubectl cnpg status",
			Role:  KubectlCNPGAccess, Direction: Ingress, Ports: []uint16{cnpg.StatusPort}, target: everyRole,
			valueKind:   none(),
			why:         "kubectl cnpg status, through the API server",
			description: "Allow kubectl cnpg status: the API server and the nodes may reach the status port 8000",
			peers: func(o Options, v value) []api.IngressCommonRule {
				// Cilium has no rule of pods and entities at once.
				nodes := entities(api.EntityKubeAPIServer, api.EntityHost, api.EntityRemoteNode)(o, v)
				if len(o.Agents) == 0 {
					return nodes
				}
				return append(nodes, endpoints(o.agents()...)...)
			},
			breadth: 5,
			suggest: anyway,
		},
		{
			Kind: EgressCIDR, Flag: "--allow-egress-cidr",
			Usage: "With --egress, let instances and jobs reach these addresses outside the Kubernetes cluster, as in 192.0.2.0/24:443 (repeatable)",
			Role:  EgressAccess, Direction: Egress, target: databasePods,
			valueKind:   prefixesAt(),
			why:         "out to addresses of {value}",
			description: "Allow the instances and jobs of the cluster {cluster} to reach the addresses {value} outside the Kubernetes cluster",
			prefix:      "cidr-",
		},
		{
			// Cilium learns the addresses of names from the answers that it sees, by its DNS proxy.
			Kind: EgressName, Flag: "--allow-egress-fqdn",
			Usage: "With --egress, let instances and jobs reach the host of this DNS name, as in s3.example.com:443 (repeatable)",
			Role:  EgressAccess, Direction: Egress, target: databasePods,
			valueKind:   fqdns(),
			why:         "out to {value}",
			description: "Allow the instances and jobs of the cluster {cluster} to reach {value}",
			prefix:      "fqdn-",
		},
		{
			Kind: EgressPods, Flag: "--allow-egress-pods",
			Usage: "With --egress, let instances and jobs reach pods of this namespace, or some of them (storage:app=minio:9000) (repeatable)",
			Role:  EgressAccess, Direction: Egress, target: databasePods,
			valueKind:   podsAt(),
			why:         "out to pods of {value}",
			description: "Allow the instances and jobs of the cluster {cluster} to reach {pods} in the {namespace} namespace{port}",
			prefix:      "pods-",
		},
	}
}

func endpoints(selectors ...api.EndpointSelector) []api.IngressCommonRule {
	return []api.IngressCommonRule{{FromEndpoints: selectors}}
}

// podsOf are the pods of the value's namespace, or those that its selector selects.
func podsOf(_ Options, v value) []api.IngressCommonRule {
	selector := v.selector.endpointSelector()
	if selector.MatchLabels == nil {
		selector.MatchLabels = map[string]string{}
	}
	selector.MatchLabels[ciliumio.PodNamespaceLabel] = v.namespace
	return endpoints(selector)
}

func entities(list ...api.Entity) func(Options, value) []api.IngressCommonRule {
	return func(Options, value) []api.IngressCommonRule { return []api.IngressCommonRule{{FromEntities: list}} }
}
