package schema

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// metadata checks names, labels and the rest that every object has.
func (k *Kind) metadata(read *metav1.ObjectMeta) []Problem {
	var meta metav1.ObjectMeta
	if read != nil {
		meta = *read
	}
	if meta.Name == "" && meta.GenerateName == "" {
		return []Problem{{"metadata.name", "is missing"}}
	}
	if k.namespaced && meta.Namespace == "" {
		// kubectl fills in the namespace that it works in.
		meta.Namespace = metav1.NamespaceDefault
	}
	if !k.namespaced {
		// The API server takes a namespace of an object that has none for a mistake; kubectl drops it.
		meta.Namespace = ""
	}
	// What the server writes itself comes with what was read from one.
	meta.ManagedFields = nil
	return fromFields(validation.ValidateObjectMeta(&meta, k.namespaced, validation.NameIsDNSSubdomain, field.NewPath("metadata")))
}

// NotAName says why text can't be the name of a namespace; empty when it can.
func NotAName(text string) string {
	if problems := utilvalidation.IsDNS1123Label(text); len(problems) > 0 {
		plain, _, _ := strings.Cut(strings.Join(problems, "; "), " (e.g. ")
		return fmt.Sprintf("%q can't be the name of a namespace: %s", text, plain)
	}
	return ""
}
