package change

import (
	"encoding/json"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Preview is what a change means for one cluster. Who gains, loses and keeps access is worked out when it is asked for, and not
// kept: it names, for each cluster of the change, about as many workloads as the fleet has.
type Preview struct {
	outline
	access func() v1alpha1.AccessChanges
}

// outline is a preview whose Access nobody can take for the whole: it is Preview's to say.
type outline = v1alpha1.ChangePreview

// PreviewOf is a preview of which everything is known.
func PreviewOf(whole v1alpha1.ChangePreview) Preview {
	return Preview{outline: whole, access: func() v1alpha1.AccessChanges { return whole.Access }}
}

// Access is everybody who can connect before or after.
func (p Preview) Access() v1alpha1.AccessChanges { return p.access() }

// Whole is the preview with Access.
func (p Preview) Whole() v1alpha1.ChangePreview {
	whole := p.outline
	whole.Access = p.Access()
	return whole
}

// MarshalJSON implements json.Marshaler: what is printed is whole.
func (p Preview) MarshalJSON() ([]byte, error) { return json.Marshal(p.Whole()) }

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
