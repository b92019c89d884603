package decode

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Policies decodes a list of stored policies of one of Cilium's kinds, and returns the token of the next
// page. It reads the text once, where Policy looks at an object several times; but it fails as a whole
// when something in the list is not as it should be. Policy then tells what, one by one.
func (d *Decoder) Policies(kind v1alpha1.PolicyKind, raw []byte) (policies []inventory.Policy, next string, err error) {
	defer func() {
		if r := recover(); r != nil { // See object.
			policies, next, err = nil, "", fmt.Errorf("cilium's decoder fails on it: %v", r)
		}
	}()
	if kind == v1alpha1.CiliumClusterwideNetworkPolicy {
		return policiesOf(d, kind, raw, func(p *ciliumv2.CiliumClusterwideNetworkPolicy) *ciliumv2.CiliumNetworkPolicyStatus { return &p.Status })
	}
	return policiesOf(d, kind, raw, func(p *ciliumv2.CiliumNetworkPolicy) *ciliumv2.CiliumNetworkPolicyStatus { return &p.Status })
}

// ofRules matches paths in a list that are fields of a policy's rules.
var ofRules = regexp.MustCompile(`^items\[\d+\]\.specs?[.\[]`)

// mostUnknown is how many the decoder tells at most (kubernetes_patch.go of sigs.k8s.io/json): there may be more.
const mostUnknown = 100

// errAnotherVersion is for rules with fields that these types don't have, which servers of another version of Cilium keep.
var errAnotherVersion = errors.New("a policy has fields of another version")

// mostValues is more than pages of ordinary policies have of values: there may be one with very many rules, see subject.
const mostValues = 200_000

// errLarge is for pages that may have a policy with very many rules.
var errLarge = errors.New("a policy may have too many rules")

// pointerTo is what the decoder needs to know of a policy's type.
type pointerTo[T any] interface {
	*T
	metav1.Object
}

func policiesOf[T any, P pointerTo[T]](
	d *Decoder, kind v1alpha1.PolicyKind, raw []byte, statusOf func(P) *ciliumv2.CiliumNetworkPolicyStatus,
) ([]inventory.Policy, string, error) {
	if bytes.Count(raw, []byte(",")) > mostValues {
		return nil, "", errLarge
	}
	var list struct {
		Metadata metav1.ListMeta `json:"metadata"`
		Items    []P             `json:"items"`
	}
	unknown, err := strict(raw, &list)
	if err != nil {
		return nil, "", errors.New(plain(err))
	}
	if len(unknown) >= mostUnknown || slices.ContainsFunc(unknown, ofRules.MatchString) {
		return nil, "", errAnotherVersion
	}
	policies := make([]inventory.Policy, len(list.Items))
	for i, object := range list.Items {
		if object == nil || object.GetName() == "" {
			return nil, "", errNoName
		}
		p := inventory.Policy{
			UID: object.GetUID(), ResourceVersion: object.GetResourceVersion(),
			Labels: object.GetLabels(), Annotations: object.GetAnnotations(), Object: object,
		}
		p.Kind, p.Name = kind, object.GetName()
		if Namespaced(kind) {
			p.Namespace = object.GetNamespace()
		}
		for _, c := range statusOf(object).Conditions {
			if c.Type == ciliumv2.PolicyConditionValid {
				p.Condition = &inventory.Condition{Valid: c.Status == corev1.ConditionTrue, Message: c.Message}
				break
			}
		}
		d.complete(&p)
		policies[i] = p
	}
	return policies, list.Metadata.Continue, nil
}
