package engine

import (
	"fmt"
	"reflect"

	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mostRequirements is how many labels and expressions one selector may have. Cilium writes selectors as text several times
// while it reads a policy, which costs the square of that number: half a minute for what one object can hold.
const mostRequirements = 256

// tooLongSelector says of which length a selector of the policy is, if it is too long to be read; empty otherwise.
func tooLongSelector(object any) string {
	if longest := longestSelector(reflect.ValueOf(object)); longest > mostRequirements {
		return fmt.Sprintf("one of its selectors has %d labels and expressions, and more than %d are not evaluated", longest, mostRequirements)
	}
	return ""
}

// longestSelector is the number of labels and expressions of the longest selector in a value.
func longestSelector(v reflect.Value) int {
	longest := 0
	visitSelectors(v, func(selector any) {
		switch selector := selector.(type) {
		case *slim_metav1.LabelSelector:
			longest = max(longest, len(selector.MatchLabels)+len(selector.MatchExpressions))
		case *metav1.LabelSelector:
			longest = max(longest, len(selector.MatchLabels)+len(selector.MatchExpressions))
		}
	})
	return longest
}

// visitSelectors visits the selectors in a value: Cilium's and Kubernetes'.
func visitSelectors(v reflect.Value, visit func(selector any)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			visitSelectors(v.Elem(), visit)
		}
	case reflect.Slice:
		switch v.Type().Elem().Kind() {
		case reflect.Struct, reflect.Pointer, reflect.Interface, reflect.Slice:
		default:
			return // Of CIDRs and other texts there may be many.
		}
		for i := range v.Len() {
			visitSelectors(v.Index(i), visit)
		}
	case reflect.Struct:
		if !v.CanAddr() {
			return // None is held by value.
		}
		switch selector := v.Addr().Interface().(type) {
		case *slim_metav1.LabelSelector, *metav1.LabelSelector:
			visit(selector)
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				visitSelectors(v.Field(i), visit)
			}
		}
	default:
	}
}
