package decode

import (
	"bytes"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/schema"
)

// subject reads only the subject of a policy of which too much is there to be evaluated: to read half a million empty rules takes
// seconds.
func (d *Decoder) subject(p inventory.Policy, raw []byte, tooMany string) inventory.Policy {
	var err error
	if p.Object, _, err = object(p.Kind, subjectOnly(raw), pruned); err != nil {
		p.Object, p.Unreadable = nil, plain(err)
		return p
	}
	p.TooMany = tooMany
	if o, ok := p.Object.(metav1.Object); ok { // Whose it is and which one must be known all the same.
		o.SetUID(p.UID)
		o.SetResourceVersion(p.ResourceVersion)
		o.SetLabels(p.Labels)
		o.SetAnnotations(p.Annotations)
	}
	d.complete(&p)
	return p
}

// rulesIn is how many rules a stored policy has, at least as far as there may be very many; 0 where there can't be.
func rulesIn(raw []byte) int {
	if !mayHaveManyRules(raw) {
		return 0
	}
	type rules struct {
		Ingress     []json.RawMessage `json:"ingress"`
		IngressDeny []json.RawMessage `json:"ingressDeny"`
		Egress      []json.RawMessage `json:"egress"`
		EgressDeny  []json.RawMessage `json:"egressDeny"`
	}
	var policy struct {
		Spec  rules   `json:"spec"`
		Specs []rules `json:"specs"`
	}
	// What does not fit is left out, and the policy fails to decode.
	_ = kjson.UnmarshalCaseSensitivePreserveInts(raw, &policy)
	n := len(policy.Specs)
	for _, r := range append(policy.Specs, policy.Spec) {
		n += len(r.Ingress) + len(r.IngressDeny) + len(r.Egress) + len(r.EgressDeny)
	}
	return n
}

// mayHaveManyRules is false for a text that has too few values for more rules than are evaluated.
func mayHaveManyRules(raw []byte) bool { return bytes.Count(raw, []byte(",")) >= schema.MostRules }

// subjectOnly is a policy without anything but name and subject.
func subjectOnly(raw []byte) []byte {
	type subject struct {
		EndpointSelector json.RawMessage `json:"endpointSelector,omitempty"`
		NodeSelector     json.RawMessage `json:"nodeSelector,omitempty"`
		PodSelector      json.RawMessage `json:"podSelector,omitempty"`
		Subject          json.RawMessage `json:"subject,omitempty"`
	}
	var policy struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Spec  *subject   `json:"spec,omitempty"`
		Specs []*subject `json:"specs,omitempty"`
	}
	// What does not fit is left out, and then the policy selects nobody or fails to decode.
	_ = kjson.UnmarshalCaseSensitivePreserveInts(raw, &policy)
	out, err := json.Marshal(policy)
	if err != nil {
		return nil
	}
	return out
}
