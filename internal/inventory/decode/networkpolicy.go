package decode

import (
	"encoding/json"
	"errors"

	slim_networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	kjson "sigs.k8s.io/json"
)

// networkPolicy decodes a NetworkPolicy as the API server does, unknown fields and defaults
// included, and hands it over in the form that Cilium reads.
func networkPolicy(raw []byte, read reader) (*slim_networkingv1.NetworkPolicy, []string, error) {
	policy := &networkingv1.NetworkPolicy{}
	ignored, err := read(raw, policy)
	if err != nil {
		return nil, nil, err
	}
	defaultNetworkPolicy(policy)
	stored, err := json.Marshal(policy)
	if err != nil {
		return nil, nil, err
	}
	slim := &slim_networkingv1.NetworkPolicy{}
	return slim, ignored, kjson.UnmarshalCaseSensitivePreserveInts(stored, slim)
}

// defaultNetworkPolicy sets what the API server sets (pkg/apis/networking/v1/defaults.go in
// k8s.io/kubernetes): the policy types, and TCP for ports without protocol.
func defaultNetworkPolicy(policy *networkingv1.NetworkPolicy) {
	spec := &policy.Spec
	if len(spec.PolicyTypes) == 0 {
		spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(spec.Egress) > 0 {
			spec.PolicyTypes = append(spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		}
	}
	tcp := corev1.ProtocolTCP
	defaultPorts := func(ports []networkingv1.NetworkPolicyPort) {
		for i := range ports {
			if ports[i].Protocol == nil {
				ports[i].Protocol = &tcp
			}
		}
	}
	for i := range spec.Ingress {
		defaultPorts(spec.Ingress[i].Ports)
	}
	for i := range spec.Egress {
		defaultPorts(spec.Egress[i].Ports)
	}
}

// reader decodes raw, and returns the paths of fields that the type does not have.
type reader func(raw []byte, into any) ([]string, error)

// pruned decodes what has no fields that its type does not have.
func pruned(raw []byte, into any) ([]string, error) {
	return nil, kjson.UnmarshalCaseSensitivePreserveInts(raw, into)
}

// strict decodes raw and returns the paths of the fields that the type does not have.
func strict(raw []byte, into any) ([]string, error) {
	unknown, err := kjson.UnmarshalStrict(raw, into, kjson.DisallowUnknownFields)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range unknown {
		var field kjson.FieldError
		if errors.As(e, &field) {
			paths = append(paths, field.FieldPath())
		}
	}
	return paths, nil
}
