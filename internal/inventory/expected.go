package inventory

import (
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// MaxExpected is the largest number of pods that are derived from one workload. Pods of a workload
// are alike, so that more of them would not change an answer; a typing error in replicas must not
// fill the memory.
const MaxExpected = 1000

// MaxExpectedInstances is the largest number of instances that are derived from a Cluster. Each of them has to reach each other, which
// takes the square of it; nobody has seen a tenth of it.
const MaxExpectedInstances = 200

// AddExpected adds the pods that the operator would create for each Cluster without instances and
// each Pooler without pods: hibernated, being created, or known from a manifest only.
func (inv *Inventory) AddExpected() {
	inv.inherited()
	instances, poolers := map[types.NamespacedName]bool{}, map[types.NamespacedName]bool{}
	for i := range inv.Pods {
		p := &inv.Pods[i]
		switch p.Labels[cnpg.PodRoleLabel] {
		case cnpg.InstancePodRole:
			instances[types.NamespacedName{Namespace: p.Namespace, Name: p.Labels[cnpg.ClusterLabel]}] = true
		case cnpg.PoolerPodRole:
			poolers[types.NamespacedName{Namespace: p.Namespace, Name: p.Labels[cnpg.PoolerNameLabel]}] = true
		}
	}
	for _, c := range inv.Clusters {
		if !instances[types.NamespacedName{Namespace: c.Namespace, Name: c.Name}] {
			inv.Pods = append(inv.Pods, ExpectedInstances(c)...)
		}
	}
	for _, p := range inv.Poolers {
		if !poolers[types.NamespacedName{Namespace: p.Namespace, Name: p.Name}] {
			inv.Pods = append(inv.Pods, ExpectedPoolerPods(p)...)
		}
	}
}

// ExpectedInstances are the instance pods that the operator would create for a new cluster. The first one
// is the primary.
func ExpectedInstances(cluster *cnpgv1.Cluster) []Pod {
	var pods []Pod
	for i := range min(count(cluster.Spec.Instances), MaxExpectedInstances) {
		role := cnpg.ReplicaRole
		if i == 0 {
			role = cnpg.PrimaryRole
		}
		pods = append(pods, ExpectedInstance(cluster, i+1, role))
	}
	return pods
}

// ExpectedInstance is the pod that the operator would create for the instance with this serial number; the
// role is one of package cnpg's.
func ExpectedInstance(cluster *cnpgv1.Cluster, serial int, role string) Pod {
	return expected(cnpg.Instance(cluster, serial, role), Workload{Kind: "cluster", Name: cluster.Name})
}

// ExpectedPoolerPods are the pods that the operator would create for a new pooler.
func ExpectedPoolerPods(pooler *cnpgv1.Pooler) []Pod {
	instances := 1
	if pooler.Spec.Instances != nil {
		instances = int(*pooler.Spec.Instances)
	}
	var pods []Pod
	for i := range count(instances) {
		pods = append(pods, expected(cnpg.PoolerPod(pooler, i+1), Workload{Kind: "pooler", Name: pooler.Name}))
	}
	return pods
}

// ExpectedJob is the pod of a job that the operator would create for the instance with this serial number.
func ExpectedJob(cluster *cnpgv1.Cluster, serial int, role cnpg.JobRole) Pod {
	pod := cnpg.Job(cluster, serial, role)
	return expected(pod, Workload{Kind: "job", Name: pod.Name})
}

// expected is a pod that nobody has seen yet.
func expected(pod corev1.Pod, of Workload) Pod {
	var ports []NamedPort
	for i := range pod.Spec.Containers {
		ports = append(ports, NamedPortsOf(pod.Spec.Containers[i].Ports)...)
	}
	return Pod{
		Namespace: pod.Namespace, Name: pod.Name, Labels: pod.Labels,
		ServiceAccount: pod.Spec.ServiceAccountName,
		HostNetwork:    pod.Spec.HostNetwork,
		NamedPorts:     ports,
		Workload:       of,
		Expected:       true,
	}
}

// count is the number of pods to expect: at least one, so that a cluster without instances can be
// judged too, and at most MaxExpected.
func count(n int) int { return min(max(n, 1), MaxExpected) }
