package change

import (
	"encoding/json"
	"fmt"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// storedStep is a Step as it is stored. Fields are only added.
type storedStep struct {
	Action     v1alpha1.PolicyAction    `json:"action"`
	Policy     v1alpha1.PolicyReference `json:"policy"`
	Why        string                   `json:"why,omitempty"`
	Clusters   []v1alpha1.Metadata      `json:"clusters,omitempty"`
	Before     json.RawMessage          `json:"before,omitempty"`
	After      json.RawMessage          `json:"after,omitempty"`
	Takeover   bool                     `json:"takeover,omitempty"`
	Restore    bool                     `json:"restore,omitempty"`
	Unanswered bool                     `json:"unanswered,omitempty"`
}

// MarshalJSON writes everything that it takes to turn the step round: both states whole, with the UID and
// the version that say which object is meant, and without status and managed fields.
func (s Step) MarshalJSON() ([]byte, error) {
	out := storedStep{
		Action: s.Action, Policy: s.Policy, Why: s.Why, Takeover: s.Takeover, Restore: s.Restore, Unanswered: s.Unanswered,
	}
	for _, c := range s.Clusters {
		out.Clusters = append(out.Clusters, v1alpha1.Metadata{Namespace: c.Namespace, Name: c.Name})
	}
	var err error
	if out.Before, err = state(s.Before); err != nil {
		return nil, err
	}
	if out.After, err = state(s.After); err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON has written.
func (s *Step) UnmarshalJSON(text []byte) error {
	var in storedStep
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*s = Step{
		Action: in.Action, Policy: in.Policy, Why: in.Why, Takeover: in.Takeover, Restore: in.Restore, Unanswered: in.Unanswered,
	}
	for _, c := range in.Clusters {
		s.Clusters = append(s.Clusters, types.NamespacedName{Namespace: c.Namespace, Name: c.Name})
	}
	for _, one := range []struct {
		text []byte
		into **ciliumv2.CiliumNetworkPolicy
	}{{in.Before, &s.Before}, {in.After, &s.After}} {
		if len(one.text) == 0 {
			continue
		}
		*one.into = &ciliumv2.CiliumNetworkPolicy{}
		if err := json.Unmarshal(one.text, *one.into); err != nil {
			return fmt.Errorf("step for policy %q: %w", in.Policy.Name, err)
		}
	}
	return nil
}

// state is a policy as JSON, nothing for nil.
func state(p *ciliumv2.CiliumNetworkPolicy) (json.RawMessage, error) {
	if p == nil {
		return nil, nil
	}
	content, err := policyset.Unstructured(policyset.Policy{Object: p})
	if err != nil {
		return nil, err
	}
	content.SetManagedFields(nil)
	content.SetAPIVersion(ciliumv2.SchemeGroupVersion.String())
	content.SetKind(ciliumv2.CNPKindDefinition)
	return json.Marshal(content.Object)
}
