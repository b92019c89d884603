package egress

import (
	"slices"
	"strings"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Names of the ports in the operator's Deployment (config/manager/manager.yaml).
const (
	webhookPortName         = "webhook-server"
	operatorMetricsPortName = "metrics"
)

// Operator are the needs of an operator besides that it reaches the instances: without them nobody can change
// a Cluster, and nobody looks after one.
func (d *Deriver) Operator(o inventory.Operator) []Need {
	who := Who{Kind: Operator}
	source := Source{Kind: "Deployment", Namespace: o.Namespace, Name: o.Deployment}
	port, _ := d.OperatorPorts(o)
	from, which := d.FromAPIServer()
	for i := range from {
		from[i].Ports = tcp(port)
	}
	needs := []Need{
		{Flow: Webhook, Who: who, What: "the API server", Peers: from, Which: which, Inbound: true, Source: source},
		{Flow: Webhook, Who: who, What: "the API server", Peers: d.apiServers, Which: d.which, Source: source},
	}
	plugins := d.Plugins(o.Namespace)
	for _, p := range plugins {
		needs = append(needs, Need{Flow: Webhook, Who: who, What: "the plugin " + p.Name, Peers: p.Peers, Source: p.Source})
	}
	for _, lookup := range d.lookups(who, source) {
		lookup.Flow, lookup.Advisory = Webhook, lookup.Advisory || len(plugins) == 0
		needs = append(needs, lookup)
	}
	return needs
}

// OperatorPorts are where an operator's pods answer the API server, and where they have metrics: by the names of the ports, or
// where CloudNativePG has them.
func (d *Deriver) OperatorPorts(o inventory.Operator) (webhook, metrics uint16) {
	webhook, metrics = cnpg.WebhookPort, cnpg.OperatorMetricsPort
	for _, i := range d.podsBy(o.Namespace, o.PodLabels) {
		if number := portNamed(&d.inv.Pods[i], webhookPortName, "TCP"); number != 0 {
			webhook = number
		}
		if number := portNamed(&d.inv.Pods[i], operatorMetricsPortName, "TCP"); number != 0 {
			metrics = number
		}
	}
	return webhook, metrics
}

// PluginAt is a CNPG-I plugin that an operator finds beside it, by a Service.
type PluginAt struct {
	Name string
	// Peers are where it serves the operator.
	Peers  []Peer
	Source Source
}

// Plugins are those beside the operators of a namespace, in the order of their names.
func (d *Deriver) Plugins(namespace string) []PluginAt {
	var out []PluginAt
	for _, s := range d.servicesIn[namespace] {
		name := s.Labels[cnpg.PluginNameLabel]
		if name == "" {
			continue
		}
		p := PluginAt{Name: name, Source: Source{Kind: "Service", Namespace: s.Namespace, Name: s.Name}}
		for _, port := range s.Spec.Ports {
			p.Peers = append(p.Peers, d.behind(s, uint16(port.Port), "TCP")...)
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b PluginAt) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Dependants are the needs of clusters that others of the inventory serve, by these: their peers are the pods of
// the one that serves.
func (d *Deriver) Dependants() map[types.NamespacedName][]Dependant { return d.dependants() }

func (d *Deriver) findDependants() map[types.NamespacedName][]Dependant {
	out := map[types.NamespacedName][]Dependant{}
	for _, cluster := range slices.Concat(d.inv.Clusters, d.inv.Others) {
		if len(cluster.Spec.ExternalClusters) == 0 {
			continue
		}
		for _, need := range d.Cluster(cluster) {
			if need.Flow != External {
				continue
			}
			need.Flow = Dependants
			for by, peers := range d.byCluster(need.Peers) {
				if by.Namespace != cluster.Namespace || by.Name != cluster.Name {
					need.Peers = peers
					out[by] = append(out[by], Dependant{Cluster: cluster, Need: need})
				}
			}
		}
	}
	return out
}

// byCluster are the peers that are pods of a cluster, by that.
func (d *Deriver) byCluster(peers []Peer) map[types.NamespacedName][]Peer {
	out := map[types.NamespacedName][]Peer{}
	for _, p := range peers {
		if len(p.Pods) == 0 {
			continue
		}
		first := &d.inv.Pods[p.Pods[0]]
		if name := first.Labels[cnpg.ClusterLabel]; name != "" {
			key := types.NamespacedName{Namespace: first.Namespace, Name: name}
			out[key] = append(out[key], p)
		}
	}
	return out
}

// Dependant is a need of a cluster that another one serves.
type Dependant struct {
	Cluster *cnpgv1.Cluster
	Need    Need
}

// scrapers are the labels of programs that read metrics, as their charts and operators set them.
func scrapers() labels.Selector {
	selector, err := metav1.LabelSelectorAsSelector(&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
		Key: "app.kubernetes.io/name", Operator: metav1.LabelSelectorOpIn,
		Values: []string{"prometheus", "vmagent", "victoria-metrics-agent", "alloy", "grafana-agent", "opentelemetry-collector"},
	}}})
	if err != nil {
		return labels.Nothing() // The selector is a constant, and valid.
	}
	return selector
}

// Metrics are who scrapes the cluster's instances and poolers, where a monitor says that somebody does.
func (d *Deriver) Metrics(cluster *cnpgv1.Cluster) []Need {
	var needs []Need
	add := func(who Who, port uint16, source Source) {
		peer := Peer{Pods: d.scrapers, Ports: tcp(port)}
		if len(d.scrapers) == 0 {
			peer.Unknown = "who scrapes was not seen"
		}
		needs = append(needs, Need{Flow: Metrics, Who: who, What: "whoever scrapes", Peers: []Peer{peer}, Inbound: true, Advisory: true, Source: source})
	}
	if source, ok := d.monitored(cluster.Namespace, cnpg.Instance(cluster, 1, cnpg.PrimaryRole).Labels); ok {
		add(Who{Kind: Instances}, cnpg.MetricsPort, source)
	} else if m := cluster.Spec.Monitoring; m != nil && m.EnablePodMonitor { //nolint:staticcheck // Deprecated, and it works.
		add(Who{Kind: Instances}, cnpg.MetricsPort, Source{"Cluster", cluster.Namespace, cluster.Name, "spec.monitoring.enablePodMonitor"})
	}
	for _, pooler := range d.poolersOf(cluster) {
		who := Who{Kind: Pooler, Pooler: pooler.Name}
		if source, ok := d.monitored(pooler.Namespace, cnpg.PoolerPod(pooler, 1).Labels); ok {
			add(who, cnpg.PoolerMetricsPort, source)
		} else if m := pooler.Spec.Monitoring; m != nil && m.EnablePodMonitor { //nolint:staticcheck // Deprecated, and it works.
			add(who, cnpg.PoolerMetricsPort, Source{"Pooler", pooler.Namespace, pooler.Name, "spec.monitoring.enablePodMonitor"})
		}
	}
	return needs
}

// monitored finds a monitor that selects pods with these labels, by them or by a Service in front of them.
func (d *Deriver) monitored(namespace string, pod labels.Set) (Source, bool) {
	first := -1
	for _, in := range []string{namespace, ""} {
		for _, m := range d.monitors[in] {
			if first >= 0 && m.at > first {
				break
			}
			if d.scrapes(m, namespace, pod) {
				first = m.at
				break
			}
		}
	}
	if first < 0 {
		return Source{}, false
	}
	m := &d.inv.Monitors[first]
	return Source{Kind: m.Kind, Namespace: m.Namespace, Name: m.Name, Path: "spec.selector"}, true
}

// scrapes tells whether a monitor that looks into the namespace selects pods there with these labels.
func (d *Deriver) scrapes(m monitor, namespace string, pod labels.Set) bool {
	switch m.Kind {
	case "PodMonitor":
		return m.selector.Matches(pod)
	case "ServiceMonitor":
		return slices.ContainsFunc(d.servicesIn[namespace], func(s *corev1.Service) bool {
			return len(s.Spec.Selector) > 0 && m.selector.Matches(labels.Set(s.Labels)) && labels.SelectorFromSet(s.Spec.Selector).Matches(pod)
		})
	default:
		return false
	}
}
