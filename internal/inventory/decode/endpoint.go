package decode

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// endpoint is the part of a CiliumEndpoint that says who its pod is (pkg/k8s/apis/cilium.io/v2/types.go).
type endpoint struct {
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Status struct {
		State    string `json:"state"`
		Identity struct {
			ID     int64    `json:"id"`
			Labels []string `json:"labels"`
		} `json:"identity"`
		Networking struct {
			Addressing []struct {
				IPv4 string `json:"ipv4"`
				IPv6 string `json:"ipv6"`
			} `json:"addressing"`
		} `json:"networking"`
		NamedPorts []struct {
			Name     string `json:"name"`
			Port     int32  `json:"port"`
			Protocol string `json:"protocol"`
		} `json:"named-ports"`
	} `json:"status"`
}

// Endpoint decodes a CiliumEndpoint. The name is returned with an error too, as far as it is known.
func Endpoint(raw []byte, defaultNamespace string) (types.NamespacedName, inventory.Endpoint, error) {
	var e endpoint
	err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &e)
	name := types.NamespacedName{Namespace: e.Metadata.Namespace, Name: e.Metadata.Name}
	if name.Namespace == "" {
		name.Namespace = defaultNamespace
	}
	if err != nil {
		return name, inventory.Endpoint{}, errors.New(plain(err))
	}
	if name.Name == "" {
		return name, inventory.Endpoint{}, errNoName
	}
	return name, e.known(), nil
}

// Endpoints decodes a list of CiliumEndpoints, hands each over, and returns the token of the next page.
// After an error, none has been handed over.
func Endpoints(raw []byte, take func(types.NamespacedName, inventory.Endpoint)) (next string, err error) {
	var list struct {
		Metadata metav1.ListMeta `json:"metadata"`
		Items    []endpoint      `json:"items"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &list); err != nil {
		return "", errors.New(plain(err))
	}
	for i := range list.Items {
		if list.Items[i].Metadata.Name == "" {
			return "", errNoName
		}
	}
	for i := range list.Items {
		e := &list.Items[i]
		take(types.NamespacedName{Namespace: e.Metadata.Namespace, Name: e.Metadata.Name}, e.known())
	}
	return list.Metadata.Continue, nil
}

// known is what is to be known of the endpoint.
func (e *endpoint) known() inventory.Endpoint {
	ports := make([]corev1.ContainerPort, 0, len(e.Status.NamedPorts))
	for _, p := range e.Status.NamedPorts {
		ports = append(ports, corev1.ContainerPort{Name: p.Name, ContainerPort: p.Port, Protocol: corev1.Protocol(p.Protocol)})
	}
	addresses := make([]string, 0, 2*len(e.Status.Networking.Addressing))
	for _, pair := range e.Status.Networking.Addressing {
		addresses = append(addresses, pair.IPv4, pair.IPv6)
	}
	return inventory.Endpoint{
		IdentityID:     e.Status.Identity.ID,
		IdentityLabels: e.Status.Identity.Labels,
		NamedPorts:     inventory.NamedPortsOf(ports),
		Addresses:      inventory.AddressesOf(addresses...),
		State:          e.Status.State,
	}
}
