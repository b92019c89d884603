package inventory

import (
	"fmt"
	"maps"
	"strconv"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Labels that CloudNativePG puts on its pods (pkg/utils/labels_annotations.go there).
const (
	ClusterLabel      = "cnpg.io/cluster"
	InstanceNameLabel = "cnpg.io/instanceName"
	InstanceRoleLabel = "cnpg.io/instanceRole"
	PodRoleLabel      = "cnpg.io/podRole"
	JobRoleLabel      = "cnpg.io/jobRole"
	PoolerNameLabel   = "cnpg.io/poolerName"
)

// MaxExpected is the largest number of pods that are derived from one workload. Pods of a workload
// are alike, so that more of them would not change an answer; a typing error in replicas must not
// fill the memory.
const MaxExpected = 1000

// AddExpected adds the pods that the operator would create for each Cluster without instances and
// each Pooler without pods: hibernated, being created, or known from a manifest only.
func (inv *Inventory) AddExpected() {
	instances, poolers := map[types.NamespacedName]bool{}, map[types.NamespacedName]bool{}
	for i := range inv.Pods {
		p := &inv.Pods[i]
		switch p.Labels[PodRoleLabel] {
		case "instance":
			instances[types.NamespacedName{Namespace: p.Namespace, Name: p.Labels[ClusterLabel]}] = true
		case "pooler":
			poolers[types.NamespacedName{Namespace: p.Namespace, Name: p.Labels[PoolerNameLabel]}] = true
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

// ExpectedInstances are the instance pods that the operator would create for a new cluster, as in
// CloudNativePG's pkg/specs/pods.go. The first one is the primary.
func ExpectedInstances(cluster *cnpgv1.Cluster) []Pod {
	// The version is unknown (0) for an image without a readable tag, as in the operator.
	version, err := cluster.GetPostgresqlMajorVersion()
	if err != nil {
		version = 0
	}
	var pods []Pod
	for i := range count(cluster.Spec.Instances) {
		name, role := fmt.Sprintf("%s-%d", cluster.Name, i+1), "replica"
		if i == 0 {
			role = "primary"
		}
		labels := map[string]string{
			ClusterLabel:                   cluster.Name,
			InstanceNameLabel:              name,
			PodRoleLabel:                   "instance",
			"app.kubernetes.io/name":       "postgresql",
			"app.kubernetes.io/instance":   cluster.Name,
			"app.kubernetes.io/version":    strconv.Itoa(version),
			"app.kubernetes.io/component":  "database",
			"app.kubernetes.io/managed-by": "cloudnative-pg",
		}
		maps.Copy(labels, cluster.GetFixedInheritedLabels())
		labels[InstanceRoleLabel], labels["role"] = role, role
		pods = append(pods, Pod{
			Namespace: cluster.Namespace, Name: name, Labels: labels,
			ServiceAccount: cluster.GetServiceAccountName(),
			NamedPorts:     []NamedPort{tcp("postgresql", 5432), tcp("metrics", 9187), tcp("status", 8000)},
			Workload:       Workload{Kind: "cluster", Name: cluster.Name},
			Expected:       true,
		})
	}
	return pods
}

// ExpectedPoolerPods are the pods that the operator would create for a new pooler, as in
// CloudNativePG's pkg/specs/pgbouncer/deployments.go.
func ExpectedPoolerPods(pooler *cnpgv1.Pooler) []Pod {
	instances := 1
	if pooler.Spec.Instances != nil {
		instances = int(*pooler.Spec.Instances)
	}
	ports := []NamedPort{tcp("pgbouncer", 5432), tcp("metrics", 9127)}
	hostNetwork := false
	template := map[string]string{}
	if t := pooler.Spec.Template; t != nil {
		template = t.ObjectMeta.Labels
		hostNetwork = t.Spec.HostNetwork
		for _, c := range t.Spec.Containers {
			ports = mergePorts(ports, NamedPortsOf(c.Ports))
		}
	}
	var pods []Pod
	for i := range count(instances) {
		labels := map[string]string{}
		maps.Copy(labels, template)
		maps.Copy(labels, map[string]string{
			ClusterLabel:                   pooler.Spec.Cluster.Name,
			PodRoleLabel:                   "pooler",
			PoolerNameLabel:                pooler.Name,
			"app.kubernetes.io/name":       "postgresql",
			"app.kubernetes.io/instance":   pooler.Spec.Cluster.Name,
			"app.kubernetes.io/component":  "pooler",
			"app.kubernetes.io/managed-by": "cloudnative-pg",
		})
		pods = append(pods, Pod{
			Namespace: pooler.Namespace, Name: fmt.Sprintf("%s-%d", pooler.Name, i+1), Labels: labels,
			ServiceAccount: pooler.GetServiceAccountName(),
			HostNetwork:    hostNetwork,
			NamedPorts:     ports,
			Workload:       Workload{Kind: "pooler", Name: pooler.Name},
			Expected:       true,
		})
	}
	return pods
}

// count is the number of pods to expect: at least one, so that a cluster without instances can be
// judged too, and at most MaxExpected.
func count(n int) int { return min(max(n, 1), MaxExpected) }

func tcp(name string, port uint16) NamedPort {
	return NamedPort{Name: name, Port: port, Protocol: corev1.ProtocolTCP}
}

func mergePorts(ports, more []NamedPort) []NamedPort {
	for _, m := range more {
		known := false
		for _, p := range ports {
			known = known || p.Name == m.Name && p.Protocol == m.Protocol
		}
		if !known {
			ports = append(ports, m)
		}
	}
	return ports
}
