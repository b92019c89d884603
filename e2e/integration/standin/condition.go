package standin

import (
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slimv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"
)

// sanitize reads a policy's rules as Cilium's operator does (operator/pkg/networkpolicy/validator.go
// in v1.20.2). The rules are changed by it: pass a copy.
func sanitize(spec *api.Rule, specs api.Rules) error {
	var errs error
	if spec != nil {
		errs = errors.Join(errs, spec.Sanitize())
	}
	for _, rule := range specs {
		errs = errors.Join(errs, rule.Sanitize())
	}
	return errs
}

// withCondition returns conditions with Valid as it follows from problem, in the operator's words.
// changed is false when that is what they say already.
func withCondition(conditions []ciliumv2.NetworkPolicyCondition, problem error) (result []ciliumv2.NetworkPolicyCondition, changed bool) {
	condition := ciliumv2.NetworkPolicyCondition{
		Type:               ciliumv2.PolicyConditionValid,
		Status:             corev1.ConditionTrue,
		LastTransitionTime: slimv1.Now(),
		Message:            "Policy validation succeeded",
	}
	if problem != nil {
		condition.Status, condition.Message = corev1.ConditionFalse, problem.Error()
	}
	result = slices.Clone(conditions)
	i := slices.IndexFunc(result, func(c ciliumv2.NetworkPolicyCondition) bool {
		return c.Type == ciliumv2.PolicyConditionValid
	})
	if i < 0 {
		return append(result, condition), true
	}
	if result[i].Status == condition.Status {
		if result[i].Message == condition.Message {
			return result, false
		}
		condition.LastTransitionTime = result[i].LastTransitionTime
	}
	result[i] = condition
	return result, true
}
