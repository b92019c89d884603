package decode

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kjson "sigs.k8s.io/json"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/schema"
)

// apiVersionOf is the version in which policies of the kind are read, empty for other kinds.
func apiVersionOf(kind v1alpha1.PolicyKind) string {
	switch kind {
	case v1alpha1.CiliumNetworkPolicy, v1alpha1.CiliumClusterwideNetworkPolicy:
		return "cilium.io/v2"
	case v1alpha1.NetworkPolicy:
		return "networking.k8s.io/v1"
	case v1alpha1.ClusterNetworkPolicy:
		return "policy.networking.k8s.io/v1alpha2"
	}
	return ""
}

// PolicyKind is the kind of policy that apiVersion and kind name; false when the object is no
// policy. The version does not matter here: Policy reports one that is not known.
func PolicyKind(apiVersion, kind string) (v1alpha1.PolicyKind, bool) {
	k := v1alpha1.PolicyKind(kind)
	known := apiVersionOf(k)
	return k, known != "" && (group(apiVersion) == group(known) || retired(k, apiVersion))
}

// retired is true for a version that API servers served once and do not any more: they refuse the object.
func retired(kind v1alpha1.PolicyKind, apiVersion string) bool {
	return kind == v1alpha1.NetworkPolicy && apiVersion == "extensions/v1beta1"
}

// Namespaced says whether policies of the kind have a namespace.
func Namespaced(kind v1alpha1.PolicyKind) bool {
	return kind == v1alpha1.CiliumNetworkPolicy || kind == v1alpha1.NetworkPolicy
}

func group(apiVersion string) string {
	g, _, _ := strings.Cut(apiVersion, "/")
	return g
}

// PolicyOptions say where a policy comes from.
type PolicyOptions struct {
	// APIVersion is the object's own; empty means the one that is known.
	APIVersion string
	// DefaultNamespace is used for namespaced policies that name none.
	DefaultNamespace string
	// Source goes into inventory.Policy.Source.
	Source inventory.Source
	// Twice are the keys that the document has twice, each one a sentence that says where.
	Twice []string
	// Stored policies come from the API server: it has dropped unknown fields already, and only
	// the annotation of kubectl apply can tell which. Others are pruned here, as it would.
	Stored bool
}

// policyMeta is what every policy has. Nothing of it can fail to decode but what it names.
type policyMeta struct {
	Metadata struct {
		Name            string            `json:"name"`
		Namespace       string            `json:"namespace"`
		UID             types.UID         `json:"uid"`
		ResourceVersion string            `json:"resourceVersion"`
		Labels          map[string]string `json:"labels"`
		Annotations     map[string]string `json:"annotations"`
	} `json:"metadata"`
	// Status may be anything.
	Status json.RawMessage `json:"status"`
}

// Policy decodes raw, one JSON object of the kind. It never fails: what cannot be decoded has
// Unreadable set and no Object.
func (d *Decoder) Policy(kind v1alpha1.PolicyKind, raw []byte, o PolicyOptions) inventory.Policy {
	p := inventory.Policy{Source: o.Source}
	p.Kind = kind

	var meta policyMeta
	metaErr := kjson.UnmarshalCaseSensitivePreserveInts(raw, &meta)
	m := meta.Metadata
	p.Name, p.UID, p.ResourceVersion = m.Name, m.UID, m.ResourceVersion
	p.Labels, p.Annotations = m.Labels, m.Annotations
	if Namespaced(kind) {
		if p.Namespace = m.Namespace; p.Namespace == "" {
			p.Namespace = o.DefaultNamespace
		}
	}
	p.Condition = validCondition(meta.Status)
	switch {
	case p.Name == "" && metaErr == nil:
		p.Unreadable = "metadata.name is missing"
	case o.APIVersion != "" && o.APIVersion != apiVersionOf(kind) && !retired(kind, o.APIVersion):
		p.Unreadable = fmt.Sprintf("apiVersion %q is not known for %s: use %q", o.APIVersion, kind, apiVersionOf(kind))
	case metaErr != nil && o.Stored:
		p.Unreadable = plain(metaErr)
	}
	if p.Unreadable != "" {
		return p
	}
	if !o.Stored {
		return d.applied(p, raw, o)
	}
	if why := schema.TooManyRules(rulesIn(raw)); why != "" {
		return d.subject(p, raw, why)
	}
	var err error
	if p.Object, p.IgnoredFields, err = object(kind, raw, strict); err != nil {
		p.Object, p.Unreadable = nil, plain(err)
		return p
	}
	p.Unmodelled = slices.Clone(p.IgnoredFields)
	d.complete(&p)
	return p
}

// applied reads a policy that somebody would apply: the API server drops fields, or refuses it as a whole.
func (d *Decoder) applied(p inventory.Policy, raw []byte, o PolicyOptions) inventory.Policy {
	checked, err := d.check(p.Kind, raw)
	if err != nil {
		p.Unreadable = plain(err)
		return p
	}
	if checked.TooMany != "" {
		return d.subject(p, raw, checked.TooMany)
	}
	p.IgnoredFields = checked.Dropped
	// A server has taken what has a UID or Cilium's word: by its own schema, which may be of another version than
	// this one.
	if p.UID == "" && p.Condition == nil {
		p.Refused, p.RefusedAt = refusal(p.Kind, checked.Refused, o), schema.Paths(checked.Refused)
	}
	if p.Object, _, err = object(p.Kind, checked.Stored, pruned); err != nil {
		p.Object = nil
		if p.Refused == "" {
			p.Unreadable = plain(err)
			return p
		}
		// Whom it was meant for can be told all the same.
		p.Object, _, err = object(p.Kind, subjectOnly(checked.Stored), pruned)
		if err != nil {
			p.Object = nil
			return p
		}
	}
	d.complete(&p)
	return p
}

// refusal is why an API server would not store a policy; empty when it would.
func refusal(kind v1alpha1.PolicyKind, problems []schema.Problem, o PolicyOptions) string {
	var texts []string
	if retired(kind, o.APIVersion) {
		texts = append(texts, fmt.Sprintf("apiVersion %q is not served any more: use %q", o.APIVersion, apiVersionOf(kind)))
	}
	texts = append(texts, o.Twice...)
	if len(problems) > 0 {
		texts = append(texts, schema.Sentence(problems))
	}
	return strings.Join(texts, "; ")
}

// complete adds what only the annotation of kubectl apply knows, and makes the object agree with its
// reference.
func (d *Decoder) complete(p *inventory.Policy) {
	if applied := p.Annotations[corev1.LastAppliedConfigAnnotation]; applied != "" {
		p.IgnoredFields = append(p.IgnoredFields, d.unknownFields(p.Kind, []byte(applied))...)
	}
	slices.Sort(p.IgnoredFields)
	p.IgnoredFields = slices.Compact(p.IgnoredFields)
	own(p.Object, p.PolicyReference)
}

// object is the typed policy as the API server stores it, and the fields that it does not have, as far as read tells them.
func object(kind v1alpha1.PolicyKind, raw []byte, read reader) (object any, ignored []string, err error) {
	// Cilium's types expect what the API server has validated, and panic on some of the rest (an ICMP
	// field without a type, in ICMPField.UnmarshalJSON of pkg/policy/api).
	defer func() {
		if r := recover(); r != nil {
			object, ignored, err = nil, nil, fmt.Errorf("cilium's decoder fails on it: %v", r)
		}
	}()
	switch kind {
	case v1alpha1.NetworkPolicy:
		return networkPolicy(raw, read)
	case v1alpha1.ClusterNetworkPolicy:
		policy := &policyv1alpha2.ClusterNetworkPolicy{}
		ignored, err := read(raw, policy)
		return policy, ignored, err
	default: // Cilium's own kinds, whose status has fields of its own in some versions.
	}
	object = &ciliumv2.CiliumClusterwideNetworkPolicy{}
	if kind == v1alpha1.CiliumNetworkPolicy {
		object = &ciliumv2.CiliumNetworkPolicy{}
	}
	ignored, err = read(raw, object)
	return object, slices.DeleteFunc(ignored, func(path string) bool { return !strings.HasPrefix(path, "spec") }), err
}

// unknownFields are the fields of raw that the API server drops. What cannot be read has none:
// the annotation that raw comes from is anybody's text.
func (d *Decoder) unknownFields(kind v1alpha1.PolicyKind, raw []byte) []string {
	_, dropped, err := d.kinds.Of(apiVersionOf(kind), string(kind)).Prune(raw)
	if err != nil {
		return nil
	}
	return dropped
}

// own makes the object agree with its reference: kind, and the namespace that was defaulted.
func own(object any, ref v1alpha1.PolicyReference) {
	if o, ok := object.(metav1.Object); ok {
		o.SetNamespace(ref.Namespace)
	}
	switch o := object.(type) {
	case *ciliumv2.CiliumNetworkPolicy:
		o.TypeMeta = metav1.TypeMeta{APIVersion: apiVersionOf(ref.Kind), Kind: string(ref.Kind)}
	case *ciliumv2.CiliumClusterwideNetworkPolicy:
		o.TypeMeta = metav1.TypeMeta{APIVersion: apiVersionOf(ref.Kind), Kind: string(ref.Kind)}
	}
}

// validCondition is the condition that Cilium writes into a status; nil when there is none that can be read.
func validCondition(text []byte) *inventory.Condition {
	var status struct {
		Conditions []struct {
			Type    string `json:"type"`
			Status  string `json:"status"`
			Message string `json:"message"`
		} `json:"conditions"`
	}
	if len(text) == 0 || kjson.UnmarshalCaseSensitivePreserveInts(text, &status) != nil {
		return nil
	}
	for _, c := range status.Conditions {
		if c.Type == string(ciliumv2.PolicyConditionValid) {
			return &inventory.Condition{Valid: c.Status == string(corev1.ConditionTrue), Message: c.Message}
		}
	}
	return nil
}
