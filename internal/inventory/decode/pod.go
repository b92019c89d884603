package decode

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Meta is the part of an object's metadata that matters here. There can be very many pods, so
// that nothing else of them is decoded.
type Meta struct {
	Name            string                  `json:"name"`
	GenerateName    string                  `json:"generateName"`
	Namespace       string                  `json:"namespace"`
	UID             string                  `json:"uid"`
	Labels          map[string]string       `json:"labels"`
	OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
}

// PodSpec is the part of a pod's specification that policies can tell apart.
type PodSpec struct {
	ServiceAccountName string `json:"serviceAccountName"`
	// DeprecatedServiceAccount is the old name of the field, which the API server still honours.
	DeprecatedServiceAccount string `json:"serviceAccount"`
	HostNetwork              bool   `json:"hostNetwork"`
	Containers               []struct {
		Name  string                 `json:"name"`
		Image string                 `json:"image"`
		Ports []corev1.ContainerPort `json:"ports"`
	} `json:"containers"`
}

// Images are those of the containers.
func (s *PodSpec) Images() []string {
	var images []string
	for i := range s.Containers {
		images = append(images, s.Containers[i].Image)
	}
	return images
}

// Image is that of a container, empty when there is none of that name.
func (s *PodSpec) Image(container string) string {
	for i := range s.Containers {
		if s.Containers[i].Name == container {
			return s.Containers[i].Image
		}
	}
	return ""
}

// ServiceAccount is the account that the pod runs with, "default" when it names none.
func (s *PodSpec) ServiceAccount() string {
	switch {
	case s.ServiceAccountName != "":
		return s.ServiceAccountName
	case s.DeprecatedServiceAccount != "":
		return s.DeprecatedServiceAccount
	}
	return "default"
}

// NamedPorts are the ports that policies can name.
func (s *PodSpec) NamedPorts() []inventory.NamedPort {
	var ports []inventory.NamedPort
	for i := range s.Containers {
		if len(s.Containers[i].Ports) > 0 {
			ports = append(ports, inventory.NamedPortsOf(s.Containers[i].Ports)...)
		}
	}
	return ports
}

type pod struct {
	Metadata Meta    `json:"metadata"`
	Spec     PodSpec `json:"spec"`
	Status   struct {
		Phase  corev1.PodPhase `json:"phase"`
		HostIP string          `json:"hostIP"`
		PodIP  string          `json:"podIP"`
		PodIPs []corev1.PodIP  `json:"podIPs"`
	} `json:"status"`
}

// Pod decodes a Pod. A pod that only has a generateName is called by that.
func Pod(raw []byte, defaultNamespace string) (inventory.Pod, error) {
	var p pod
	err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &p)
	m := &p.Metadata
	if m.Name == "" {
		m.Name = strings.TrimSuffix(m.GenerateName, "-")
	}
	if m.Namespace == "" {
		m.Namespace = defaultNamespace
	}
	if err := named(m.Name, err); err != nil {
		return inventory.Pod{Namespace: m.Namespace, Name: m.Name}, err
	}
	account := p.Spec.ServiceAccount()
	if m.UID != "" {
		// The API server has had its say: a static pod's mirror has no service account.
		account = p.Spec.ServiceAccountName
	}
	return inventory.Pod{
		Namespace: m.Namespace, Name: m.Name,
		Labels:         m.Labels,
		ServiceAccount: account,
		HostNetwork:    p.Spec.HostNetwork,
		HostIP:         p.Status.HostIP,
		Addresses:      Addresses(p.Status.PodIP, p.Status.PodIPs),
		NamedPorts:     p.Spec.NamedPorts(),
		Phase:          p.Status.Phase,
		Workload:       inventory.WorkloadOf(m.Name, m.Labels, m.OwnerReferences),
	}, nil
}

// Addresses are those of a pod's status. The list has the first one, too, where there is a list.
func Addresses(first string, all []corev1.PodIP) []netip.Addr {
	texts := make([]string, 0, 1+len(all))
	texts = append(texts, first)
	for _, one := range all {
		texts = append(texts, one.IP)
	}
	return inventory.AddressesOf(texts...)
}
