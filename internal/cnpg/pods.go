package cnpg

import (
	"fmt"
	"maps"
	"strconv"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/cloudnative-pg/cloudnative-pg/pkg/utils"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// InstanceName is the name of an instance and its pod, as specs.GetInstanceName has it.
func InstanceName(cluster string, serial int) string { return fmt.Sprintf("%s-%d", cluster, serial) }

// Instance is the pod that the operator would create for an instance: what policies can tell apart of
// it, and nothing else (pkg/specs/pods.go). The role is PrimaryRole or ReplicaRole. Labels that the
// operator's own configuration makes it inherit from the cluster (INHERITED_LABELS) are not known here.
func Instance(cluster *cnpgv1.Cluster, serial int, role string) corev1.Pod {
	pod := databasePod(cluster, serial)
	pod.Labels[PodRoleLabel] = InstancePodRole
	maps.Copy(pod.Labels, cluster.GetFixedInheritedLabels())
	pod.Labels[InstanceRoleLabel], pod.Labels[OldInstanceRoleLabel] = role, role
	ports := []corev1.ContainerPort{
		tcp(postgresPortName, PostgresPort), tcp(metricsPortName, MetricsPort), tcp(statusPortName, StatusPort),
	}
	if cluster.Annotations[utils.EnableInstancePprofAnnotationName] == "true" {
		ports = append(ports, tcp(pprofPortName, pprofPort))
	}
	pod.Spec.Containers = []corev1.Container{{Ports: ports}}
	return pod
}

// databasePod is what instances and jobs have in common.
func databasePod(cluster *cnpgv1.Cluster, serial int) corev1.Pod {
	// The version is unknown (0) for an image without a readable tag, as in the operator.
	version, err := cluster.GetPostgresqlMajorVersion()
	if err != nil {
		version = 0
	}
	name := InstanceName(cluster.Name, serial)
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: cluster.Namespace, Name: name,
			Labels: map[string]string{
				ClusterLabel:                          cluster.Name,
				InstanceNameLabel:                     name,
				utils.KubernetesAppLabelName:          utils.AppName,
				utils.KubernetesAppInstanceLabelName:  cluster.Name,
				utils.KubernetesAppVersionLabelName:   strconv.Itoa(version),
				utils.KubernetesAppComponentLabelName: utils.DatabaseComponentName,
				utils.KubernetesAppManagedByLabelName: utils.ManagerName,
			},
		},
		Spec: corev1.PodSpec{ServiceAccountName: cluster.GetServiceAccountName()},
	}
}

// PoolerPod is one of the pods that the operator would create for a pooler
// (pkg/specs/pgbouncer/deployments.go). Its name is made up of the pooler's and the number.
func PoolerPod(pooler *cnpgv1.Pooler, number int) corev1.Pod {
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pooler.Namespace, Name: fmt.Sprintf("%s-%d", pooler.Name, number),
			Labels: map[string]string{},
		},
		Spec: corev1.PodSpec{ServiceAccountName: pooler.GetServiceAccountName()},
	}
	ports := []corev1.ContainerPort{tcp(poolerPortName, PostgresPort), tcp(metricsPortName, PoolerMetricsPort)}
	if t := pooler.Spec.Template; t != nil {
		maps.Copy(pod.Labels, t.ObjectMeta.Labels)
		pod.Spec.HostNetwork = t.Spec.HostNetwork
		for i := range t.Spec.Containers {
			ports = mergePorts(ports, t.Spec.Containers[i].Ports)
		}
	}
	maps.Copy(pod.Labels, map[string]string{
		ClusterLabel:                          pooler.Spec.Cluster.Name,
		PodRoleLabel:                          PoolerPodRole,
		PoolerNameLabel:                       pooler.Name,
		utils.KubernetesAppLabelName:          utils.AppName,
		utils.KubernetesAppInstanceLabelName:  pooler.Spec.Cluster.Name,
		utils.KubernetesAppComponentLabelName: utils.PoolerComponentName,
		utils.KubernetesAppManagedByLabelName: utils.ManagerName,
	})
	pod.Spec.Containers = []corev1.Container{{Ports: ports}}
	return pod
}

func tcp(name string, port uint16) corev1.ContainerPort {
	return corev1.ContainerPort{Name: name, ContainerPort: int32(port), Protocol: corev1.ProtocolTCP}
}

// mergePorts adds the ports of a template that the operator does not set itself.
func mergePorts(ports, more []corev1.ContainerPort) []corev1.ContainerPort {
	for _, m := range more {
		known := m.Name == ""
		for _, p := range ports {
			known = known || p.Name == m.Name
		}
		if !known {
			ports = append(ports, m)
		}
	}
	return ports
}
