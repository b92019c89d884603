package policyset

import (
	"bytes"
	"fmt"
	"reflect"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// Unstructured is the policy as server-side apply needs it: the fields that the set owns, without
// status and without the empty fields that Go's types would add and claim.
func Unstructured(p Policy) (*unstructured.Unstructured, error) {
	content, err := toMap(p.Object)
	if err != nil {
		return nil, fmt.Errorf("policy %q: %w", p.Object.Name, err)
	}
	delete(content, "status")
	u := &unstructured.Unstructured{Object: content}
	// Since Kubernetes 1.34 the field is left out when it is empty; older libraries write null.
	unstructured.RemoveNestedField(content, "metadata", "creationTimestamp")
	return u, nil
}

// YAML prints the policies as kubectl apply reads them: keys in order, documents separated by
// "---". The same policies always give the same bytes.
func YAML(policies []Policy) ([]byte, error) {
	var out bytes.Buffer
	for i, p := range policies {
		u, err := Unstructured(p)
		if err != nil {
			return nil, err
		}
		document, err := yaml.Marshal(u.Object)
		if err != nil {
			return nil, fmt.Errorf("policy %q: %w", p.Object.Name, err)
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		out.Write(document)
	}
	return out.Bytes(), nil
}

// toMap goes by way of JSON, and not by runtime.DefaultUnstructuredConverter, which does not know
// the omitzero tags of Cilium's types.
func toMap(object any) (map[string]any, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	content := map[string]any{}
	if err := json.Unmarshal(raw, &content); err != nil {
		return nil, err
	}
	keepEmpty(reflect.ValueOf(object), content)
	return content, nil
}

// WithoutServerFields is the policy as somebody once applied it, with the timer that it ends with.
func WithoutServerFields(p *ciliumv2.CiliumNetworkPolicy) *ciliumv2.CiliumNetworkPolicy {
	out := &ciliumv2.CiliumNetworkPolicy{TypeMeta: p.TypeMeta, Spec: p.Spec, Specs: p.Specs}
	out.APIVersion, out.Kind = ciliumv2.SchemeGroupVersion.String(), ciliumv2.CNPKindDefinition
	out.Name, out.Namespace = p.Name, p.Namespace
	out.Labels, out.Annotations = p.Labels, p.Annotations
	out.OwnerReferences = timerReferences(p)
	return out
}
