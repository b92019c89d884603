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
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return 0
		}
		return longestSelector(v.Elem())
	case reflect.Slice:
		switch v.Type().Elem().Kind() {
		case reflect.Struct, reflect.Pointer, reflect.Interface, reflect.Slice:
		default:
			return 0 // Of CIDRs and other texts there may be many.
		}
		longest := 0
		for i := range v.Len() {
			longest = max(longest, longestSelector(v.Index(i)))
		}
		return longest
	case reflect.Struct:
		if !v.CanAddr() {
			return 0 // None is held by value.
		}
		switch selector := v.Addr().Interface().(type) {
		case *slim_metav1.LabelSelector:
			return len(selector.MatchLabels) + len(selector.MatchExpressions)
		case *metav1.LabelSelector:
			return len(selector.MatchLabels) + len(selector.MatchExpressions)
		}
		longest := 0
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				longest = max(longest, longestSelector(v.Field(i)))
			}
		}
		return longest
	default:
		return 0
	}
}
