package inventory

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// WorkloadOf is the top-most owner that a pod's own metadata gives away: the Deployment behind a
// ReplicaSet (by the label pod-template-hash), the CloudNativePG Cluster or Pooler, the owner
// itself, or the pod when nobody owns it. A static pod belongs to itself, not to its Node.
func WorkloadOf(podName string, labels map[string]string, owners []metav1.OwnerReference) Workload {
	if pooler := labels[cnpg.PoolerNameLabel]; pooler != "" {
		return Workload{Kind: "pooler", Name: pooler}
	}
	owner := controller(owners)
	if owner == nil || owner.Kind == "" || owner.Kind == "Node" {
		return Workload{Kind: "pod", Name: podName}
	}
	if owner.Kind == "ReplicaSet" {
		if hash := labels["pod-template-hash"]; hash != "" {
			if name, ok := strings.CutSuffix(owner.Name, "-"+hash); ok && name != "" {
				return Workload{Kind: "deployment", Name: name}
			}
		}
	}
	return Workload{Kind: strings.ToLower(owner.Kind), Name: owner.Name}
}

// controller is the owner that manages the object, or the first owner when none claims to.
func controller(owners []metav1.OwnerReference) *metav1.OwnerReference {
	for i := range owners {
		if owners[i].Controller != nil && *owners[i].Controller {
			return &owners[i]
		}
	}
	if len(owners) > 0 {
		return &owners[0]
	}
	return nil
}

// NamedPortsOf are the ports of containers that policies can name, with TCP for no protocol.
// Ports without a name, or outside 1 to 65535, are left out. Cilium does not look at init
// containers (pkg/k8s/labels.go), so neither should the caller.
func NamedPortsOf(ports []corev1.ContainerPort) []NamedPort {
	var named []NamedPort
	for _, p := range ports {
		if p.Name == "" || p.ContainerPort < 1 || p.ContainerPort > 65535 {
			continue
		}
		protocol := p.Protocol
		if protocol == "" {
			protocol = corev1.ProtocolTCP
		}
		named = append(named, NamedPort{Name: p.Name, Port: uint16(p.ContainerPort), Protocol: protocol})
	}
	return named
}

// Terminated says that a pod in this phase is over: it has no network any more.
func Terminated(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}
