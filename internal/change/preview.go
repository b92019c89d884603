package change

import (
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// newPreview has the steps of a change, and lists that are empty and not missing.
func newPreview(key types.NamespacedName, steps []Step) (v1alpha1.ChangePreview, error) {
	p := v1alpha1.ChangePreview{
		TypeMeta:      metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.ChangePreviewKind},
		Metadata:      v1alpha1.Metadata{Namespace: key.Namespace, Name: key.Name},
		Policies:      []v1alpha1.PolicyChange{},
		RequiredFlows: []v1alpha1.RequiredFlowChange{},
		Access:        v1alpha1.AccessChanges{Loses: []v1alpha1.ClientChange{}, Gains: []v1alpha1.ClientChange{}, Keeps: []v1alpha1.ClientChange{}},
		Bystanders:    []v1alpha1.BystanderChange{},
		Notes:         []v1alpha1.ChangeNote{},
		Refusals:      []v1alpha1.Refusal{},
	}
	for _, s := range steps {
		one := v1alpha1.PolicyChange{PolicyReference: s.Policy, Action: s.Action, For: s.Why}
		if s.Action != v1alpha1.PolicyUnchanged {
			var err error
			if one.Before, err = content(s.Before); err != nil {
				return p, err
			}
			if one.After, err = content(s.After); err != nil {
				return p, err
			}
		}
		p.Policies = append(p.Policies, one)
	}
	return p, nil
}

// content is a policy as users write it; nil for none.
func content(p *ciliumv2.CiliumNetworkPolicy) (any, error) {
	if p == nil {
		return nil, nil
	}
	out, err := policyset.Unstructured(policyset.Policy{Object: policyset.WithoutServerFields(p)})
	if err != nil {
		return nil, err
	}
	return out.Object, nil
}
