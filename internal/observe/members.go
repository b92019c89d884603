package observe

import (
	"slices"
	"strings"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Members tell which pods belong to databases, also those that are gone.
type Members struct {
	clusters map[types.NamespacedName]bool
	pods     map[types.NamespacedName]*inventory.Pod
}

// MembersOf are those of the clusters, of which none means all of the inventory.
func MembersOf(inv *inventory.Inventory, clusters ...types.NamespacedName) Members {
	m := Members{clusters: map[types.NamespacedName]bool{}, pods: make(map[types.NamespacedName]*inventory.Pod, len(inv.Pods))}
	for _, c := range inv.Clusters {
		key := types.NamespacedName{Namespace: c.Namespace, Name: c.Name}
		if len(clusters) == 0 || slices.Contains(clusters, key) {
			m.clusters[key] = true
		}
	}
	for i := range inv.Pods {
		m.pods[inv.Pods[i].Key()] = &inv.Pods[i]
	}
	return m
}

// k8sLabel is in front of the labels that identities have from Kubernetes.
const k8sLabel = "k8s:"

// label is one of a pod's, as far as the identity has it. An agent may be told to leave out any; the pod itself,
// where it is still there, has all.
func (m Members) label(e *flowpb.Endpoint, key string) string {
	if pod := m.pods[types.NamespacedName{Namespace: e.GetNamespace(), Name: e.GetPodName()}]; pod != nil {
		return pod.Labels[key]
	}
	for _, label := range e.GetLabels() {
		if text, ok := strings.CutPrefix(label, k8sLabel); ok {
			if value, ok := strings.CutPrefix(text, key); ok && strings.HasPrefix(value, "=") {
				return value[1:]
			}
		}
	}
	return ""
}

// target is what of a database the endpoint is, on a port that clients use; false for everything else. What
// is asked on the status port can't be told from the probes of the kubelet.
func (m Members) target(e *flowpb.Endpoint, port uint16) (Target, bool) {
	if e.GetNamespace() == "" || port != cnpg.PostgresPort && port != cnpg.MetricsPort && port != cnpg.PoolerMetricsPort {
		return Target{}, false
	}
	t := Target{Cluster: types.NamespacedName{Namespace: e.GetNamespace(), Name: m.label(e, cnpg.ClusterLabel)}, Port: port}
	metrics := cnpg.MetricsPort
	switch m.label(e, cnpg.PodRoleLabel) {
	case cnpg.InstancePodRole:
	case cnpg.PoolerPodRole:
		t.Of.Pooler, metrics = m.label(e, cnpg.PoolerNameLabel), cnpg.PoolerMetricsPort
	default:
		return Target{}, false
	}
	return t, m.clusters[t.Cluster] && (port == cnpg.PostgresPort || port == metrics)
}

// ProbePrefix is what the names of the pods begin with by which this program itself tries connections, with the labels
// of the clients whose verdicts it proves.
const ProbePrefix = "cnpg-netpol-twin-"

// isOf is true for a pod that is no client: one of the cluster itself, which is an instance, a pooler or a job, and one
// that proves verdicts.
func (m Members) isOf(e *flowpb.Endpoint, cluster types.NamespacedName) bool {
	if strings.HasPrefix(e.GetPodName(), ProbePrefix) {
		return true
	}
	if e.GetNamespace() != cluster.Namespace {
		return false
	}
	return m.label(e, cnpg.ClusterLabel) == cluster.Name && (m.label(e, cnpg.PodRoleLabel) != "" || m.label(e, cnpg.JobRoleLabel) != "")
}
