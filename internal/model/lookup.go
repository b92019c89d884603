package model

import (
	"maps"
	"slices"
	"sort"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// lookup are the indexes that keep the cost of a report independent of how large the rest of the
// fleet is.
type lookup struct {
	// namespaces are the labels of the namespaces by name.
	namespaces map[string]map[string]string
	// clusters are those of the model by name.
	clusters map[types.NamespacedName]*Cluster
	// peerOf is the position in Model.peers by identity.
	peerOf map[*engine.Identity]int
	// peersIn are positions in Model.peers by namespace.
	peersIn map[string][]int
	fleet   Fleet
	// workloadOf are the positions in Fleet.Workloads of the peers' pods.
	workloadOf []int
	// services are those of each namespace.
	services map[string][]*corev1.Service
	missing  missing
	// poolers are those of each cluster.
	poolers map[types.NamespacedName][]*cnpgv1.Pooler
	// instances are the pods that say they are a cluster's, whether the model is about it or not.
	instances map[types.NamespacedName][]int
	// labelled are the pods with an identity that carry a cluster's label and are no members of it.
	labelled map[types.NamespacedName][]int
	// operatorPods are the operators whose pods run, by their label.
	operatorPods []inventory.Operator
	// apiServerNodes are the addresses of the nodes on which API servers are seen.
	apiServerNodes []string
}

// Fleet is who could connect, whatever the policies say.
type Fleet struct {
	// Workloads are by namespace and name, with the number of their pods.
	Workloads []v1alpha1.Client
	// Pods and Identities are the numbers of those behind them.
	Pods, Identities int
}

// Fleet is everybody, the pods of databases included.
func (m *Model) Fleet() Fleet { return m.lookup.fleet }

// WorkloadOf is the workload that a pod belongs to, without a number of pods.
func (m *Model) WorkloadOf(pod int) v1alpha1.Client {
	p := &m.inv.Pods[pod]
	return v1alpha1.Client{Namespace: p.Namespace, Workload: p.Workload.String()}
}

func (m *Model) buildLookup() {
	l := &m.lookup
	l.peerOf, l.peersIn = map[*engine.Identity]int{}, map[string][]int{}
	workloads, named := map[v1alpha1.Client]int{}, make([]v1alpha1.Client, len(m.inv.Pods))
	for i, p := range m.peers {
		l.peerOf[p.Identity] = i
		l.peersIn[p.Identity.Namespace()] = append(l.peersIn[p.Identity.Namespace()], i)
		for _, i := range p.Pods {
			named[i] = m.WorkloadOf(i)
			workloads[named[i]]++
		}
		l.fleet.Pods += len(p.Pods)
	}
	l.fleet.Identities = len(m.peers)
	for _, workload := range slices.SortedFunc(maps.Keys(workloads), v1alpha1.Client.Compare) {
		key := workload
		workload.Pods, workloads[key] = workloads[key], len(l.fleet.Workloads)
		l.fleet.Workloads = append(l.fleet.Workloads, workload)
	}
	l.workloadOf = make([]int, len(m.inv.Pods))
	for _, p := range m.peers {
		for _, i := range p.Pods {
			l.workloadOf[i] = workloads[named[i]]
		}
	}
	l.services = map[string][]*corev1.Service{}
	for _, s := range m.inv.Services {
		l.services[s.Namespace] = append(l.services[s.Namespace], s)
	}
	l.missing = missingOf(m.inv)
	l.poolers = map[types.NamespacedName][]*cnpgv1.Pooler{}
	for _, p := range m.inv.Poolers {
		key := types.NamespacedName{Namespace: p.Namespace, Name: p.Spec.Cluster.Name}
		l.poolers[key] = append(l.poolers[key], p)
	}
	l.instances = map[types.NamespacedName][]int{}
	for i := range m.inv.Pods {
		if p := &m.inv.Pods[i]; p.Labels[cnpg.PodRoleLabel] == cnpg.InstancePodRole {
			key := types.NamespacedName{Namespace: p.Namespace, Name: p.Labels[cnpg.ClusterLabel]}
			l.instances[key] = append(l.instances[key], i)
		}
	}
	l.apiServerNodes = apiServerNodes(m.inv.Pods)
	l.operatorPods = inventory.OperatorsFromPods(m.inv.Pods)
}

// OperatorPods are the operators whose pods run, by the pods' label, also where Operators were found by
// something else or are named by the user.
func (m *Model) OperatorPods() []inventory.Operator { return m.lookup.operatorPods }

// GuardedPeers are the peers that may be kept from connecting by their own egress, wherever to.
func (m *Model) GuardedPeers() []int { return m.guarded() }

func (m *Model) restrictedPeers() []int {
	out := []int{}
	for i := range m.peers {
		if m.engine.RestrictsEgress(m.peers[i].Identity) {
			out = append(out, i)
		}
	}
	return out
}

// Cluster is one of Clusters; nil when the model is not about it.
func (m *Model) Cluster(key types.NamespacedName) *Cluster {
	return m.lookup.clusters[key]
}

// PeerOf is the position in Peers of an identity; false when no pod has it.
func (m *Model) PeerOf(identity *engine.Identity) (int, bool) {
	i, ok := m.lookup.peerOf[identity]
	return i, ok
}

// PeersIn are the positions in Peers of those of a namespace.
func (m *Model) PeersIn(namespace string) []int { return m.lookup.peersIn[namespace] }

// Pod is a pod of the inventory.
func (m *Model) Pod(i int) *inventory.Pod { return &m.inv.Pods[i] }

// IdentityOf is the identity of a pod, nil for one on its node's network. Where Cilium does not manage
// the pod, it is the one that it would have.
func (m *Model) IdentityOf(pod int) *engine.Identity { return m.of[pod] }

// IsUnmanaged is true for a running pod that Cilium does not manage.
func (m *Model) IsUnmanaged(pod int) bool { return m.unmanaged[m.inv.Pods[pod].Key()] }

// KnownToAgent is true for a pod that has a CiliumEndpoint.
func (m *Model) KnownToAgent(pod int) bool { return m.hasEndpoint[pod] }

// Unsettled says why the agent is not known to enforce at the pod what the policies say (see
// inventory.Endpoint); empty when it is, and where it has not said anything.
func (m *Model) Unsettled(pod int) string {
	if !m.hasEndpoint[pod] {
		return ""
	}
	return m.inv.Endpoints[m.inv.Pods[pod].Key()].Unsettled()
}

// MemberOf is the cluster that a pod belongs to; nil for applications.
func (m *Model) MemberOf(pod int) *Cluster { return m.memberOf[pod] }

// WorkloadsIn are the positions in Fleet.Workloads of those of a namespace: from the first up to the second, which is none of them.
func (m *Model) WorkloadsIn(namespace string) (from, to int) {
	all := m.lookup.fleet.Workloads
	from = sort.Search(len(all), func(i int) bool { return all[i].Namespace >= namespace })
	to = from + sort.Search(len(all)-from, func(i int) bool { return all[from+i].Namespace > namespace })
	return from, to
}
