package standin

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slimv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
)

func TestWithCondition(t *testing.T) {
	long := slimv1.Time(metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
	valid := ciliumv2.NetworkPolicyCondition{
		Type: ciliumv2.PolicyConditionValid, Status: corev1.ConditionTrue,
		LastTransitionTime: long, Message: "Policy validation succeeded",
	}
	invalid := ciliumv2.NetworkPolicyCondition{
		Type: ciliumv2.PolicyConditionValid, Status: corev1.ConditionFalse,
		LastTransitionTime: long, Message: "a bad rule",
	}
	cases := map[string]struct {
		before      []ciliumv2.NetworkPolicyCondition
		problem     error
		wantStatus  corev1.ConditionStatus
		wantMessage string
		wantChanged bool
		// wantSameTime: the condition did not change its status, only perhaps its message.
		wantSameTime bool
	}{
		"a new valid policy":       {nil, nil, corev1.ConditionTrue, "Policy validation succeeded", true, false},
		"a new invalid policy":     {nil, errors.New("a bad rule"), corev1.ConditionFalse, "a bad rule", true, false},
		"still valid":              {[]ciliumv2.NetworkPolicyCondition{valid}, nil, corev1.ConditionTrue, "Policy validation succeeded", false, true},
		"no longer valid":          {[]ciliumv2.NetworkPolicyCondition{valid}, errors.New("a bad rule"), corev1.ConditionFalse, "a bad rule", true, false},
		"invalid for a new reason": {[]ciliumv2.NetworkPolicyCondition{invalid}, errors.New("another"), corev1.ConditionFalse, "another", true, true},
		"valid again":              {[]ciliumv2.NetworkPolicyCondition{invalid}, nil, corev1.ConditionTrue, "Policy validation succeeded", true, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			after, changed := withCondition(c.before, c.problem)
			if len(after) != 1 {
				t.Fatalf("%d conditions, want 1", len(after))
			}
			got := after[0]
			if got.Status != c.wantStatus || got.Message != c.wantMessage || changed != c.wantChanged {
				t.Errorf("%s %q, changed %t; want %s %q, changed %t",
					got.Status, got.Message, changed, c.wantStatus, c.wantMessage, c.wantChanged)
			}
			if same := got.LastTransitionTime == long; same != c.wantSameTime {
				t.Errorf("transition time kept: %t, want %t", same, c.wantSameTime)
			}
		})
	}
}
