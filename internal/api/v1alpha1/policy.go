package v1alpha1

import (
	"cmp"
)

// PolicyKind is one of the four kinds that Cilium enforces.
type PolicyKind string

const (
	CiliumNetworkPolicy            PolicyKind = "CiliumNetworkPolicy"
	CiliumClusterwideNetworkPolicy PolicyKind = "CiliumClusterwideNetworkPolicy"
	NetworkPolicy                  PolicyKind = "NetworkPolicy"
	ClusterNetworkPolicy           PolicyKind = "ClusterNetworkPolicy"
)

// PolicyReference names a policy. Namespace is empty for kinds without one.
type PolicyReference struct {
	Kind      PolicyKind `json:"kind"`
	Namespace string     `json:"namespace,omitempty"`
	Name      string     `json:"name"`
}

// String is kind/namespace/name, or kind/name.
func (r PolicyReference) String() string {
	if r.Namespace == "" {
		return string(r.Kind) + "/" + r.Name
	}
	return string(r.Kind) + "/" + r.Namespace + "/" + r.Name
}

// Compare orders references by kind, namespace and name.
func (r PolicyReference) Compare(other PolicyReference) int {
	return cmp.Or(cmp.Compare(r.Kind, other.Kind), cmp.Compare(r.Namespace, other.Namespace), cmp.Compare(r.Name, other.Name))
}

// Effect is what a policy does to one direction of the pods that it selects.
type Effect string

const (
	// EffectNone: the policy has no rule for this direction.
	EffectNone Effect = "none"
	// EffectDefaultDeny: the policy has rules, and what no rule allows is denied.
	EffectDefaultDeny Effect = "default-deny"
	// EffectRulesOnly: the policy has rules, but brings no default deny (enableDefaultDeny: false).
	EffectRulesOnly Effect = "rules-only"
)

// PolicyReport is one policy, seen from the cluster.
type PolicyReport struct {
	PolicyReference `json:",inline"`
	// SelectedPods are the names of the cluster's pods that the policy selects.
	SelectedPods []string `json:"selectedPods"`
	Ingress      Effect   `json:"ingress"`
	Egress       Effect   `json:"egress"`
	// Valid is false when Cilium refuses the policy or would refuse it: it enforces nothing then.
	Valid bool `json:"valid"`
	// Message says why Valid is false, in Cilium's words.
	Message string `json:"message,omitempty"`
	// ManagedBy is the value of the label app.kubernetes.io/managed-by, empty when there is none.
	ManagedBy string `json:"managedBy,omitempty"`
}
