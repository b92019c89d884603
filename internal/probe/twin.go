package probe

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

const (
	// Container is the only one of a twin.
	Container = "probe"
	// LifetimeSeconds is how long a twin may run: whoever made it may be gone.
	LifetimeSeconds = 60
	// annotationTwin says of a twin whose identity it has. A label would be a part of its own.
	annotationTwin = "cnpg-netpol/twin-of"
	// neverReady is a condition that nobody sets.
	neverReady = "cnpg-netpol/never-ready"
)

// Owner is what all twins of a namespace belong to, and what goes with the Job that is the timer. A pod has to belong to
// somebody, or a ReplicaSet or a StatefulSet with a selector for its labels adopts it; and it can't be the Job, which
// would take it for its own.
func Owner(namespace, name string, timer metav1.OwnerReference, cluster types.NamespacedName) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, OwnerReferences: []metav1.OwnerReference{timer},
			Labels:      map[string]string{policyset.LabelManagedBy: policyset.FieldManager},
			Annotations: map[string]string{"cnpg-netpol/probes": cluster.String()},
		},
	}
}

// Twin is a pod with the client's identity. It is never ready, so that no Service sends it anything; it is there for a
// minute at most; and it can do nothing but connect.
func Twin(c Client, cluster types.NamespacedName, owner *corev1.ConfigMap, name, image string) (*corev1.Pod, error) {
	labels, err := labelsOf(c)
	if err != nil {
		return nil, err
	}
	var ports []corev1.ContainerPort
	for _, p := range c.Endpoint.NamedPorts {
		ports = append(ports, corev1.ContainerPort{Name: p.Name, ContainerPort: int32(p.Port), Protocol: p.Protocol})
	}
	little := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("5m"), corev1.ResourceMemory: resource.MustParse("16Mi")}
	limits := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("200m"), corev1.ResourceMemory: resource.MustParse("64Mi")}
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: c.Pod.Namespace, Name: name, Labels: labels,
			Annotations: map[string]string{
				annotationTwin: c.Pod.Name,
				// A sidecar would open other connections than the twin does, by whose rules nobody knows.
				"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled", "kuma.io/sidecar-injection": "disabled",
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(false),
			}},
		},
		Spec: corev1.PodSpec{
			ServiceAccountName: c.ServiceAccount, AutomountServiceAccountToken: ptr.To(false), EnableServiceLinks: ptr.To(false),
			RestartPolicy: corev1.RestartPolicyNever, ActiveDeadlineSeconds: ptr.To[int64](LifetimeSeconds), TerminationGracePeriodSeconds: ptr.To[int64](0),
			ReadinessGates: []corev1.PodReadinessGate{{ConditionType: neverReady}},
			// The nodes of the database have its image.
			Affinity: &corev1.Affinity{PodAffinity: &corev1.PodAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
				Weight: 100, PodAffinityTerm: corev1.PodAffinityTerm{
					LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{cnpg.ClusterLabel: cluster.Name}},
					Namespaces:    []string{cluster.Namespace}, TopologyKey: corev1.LabelHostname,
				},
			}}}},
			Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](65532), RunAsGroup: ptr.To[int64](65532),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: Container, Image: image, ImagePullPolicy: corev1.PullIfNotPresent, Command: []string{"sleep", "60"}, Ports: ports,
				Resources: corev1.ResourceRequirements{Requests: little, Limits: limits},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true), RunAsNonRoot: ptr.To(true),
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}, nil
}
