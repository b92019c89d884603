package rollout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// CheckPermissions asks the server whether the user may make the steps of a plan, and those back: who may not delete what
// they have created would leave a failed change half done. What the server does not tell is no reason not to begin.
func CheckPermissions(ctx context.Context, reviews authorizationclient.SelfSubjectAccessReviewsGetter, plan change.Plan) error {
	needed := map[string]map[string]bool{}
	for _, s := range plan.Changing() {
		if needed[s.Policy.Namespace] == nil {
			needed[s.Policy.Namespace] = map[string]bool{}
		}
		for _, verb := range verbsOf(s) {
			needed[s.Policy.Namespace][verb] = true
		}
	}
	var errs []error
	for _, namespace := range slices.Sorted(maps.Keys(needed)) {
		var denied []string
		for _, verb := range slices.Sorted(maps.Keys(needed[namespace])) {
			review, err := reviews.SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
				Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
					Namespace: namespace, Verb: verb, Group: ciliumv2.SchemeGroupVersion.Group, Version: ciliumv2.SchemeGroupVersion.Version, Resource: ciliumv2.CNPPluralName,
				}},
			}, metav1.CreateOptions{})
			if err == nil && !review.Status.Allowed && review.Status.EvaluationError == "" {
				denied = append(denied, verb)
			}
		}
		if len(denied) > 0 {
			errs = append(errs, fmt.Errorf("forbidden: you may not %s %s in namespace %q, which the change or its way back needs: '%s' prints a role that may",
				strings.Join(denied, ", "), ciliumv2.CNPName, namespace, command.Plugin("rbac", "lockdown")))
		}
	}
	return errors.Join(errs...)
}

// verbsOf are the verbs that a step and the one back need. An apply is a patch, and a create where there is nothing yet.
func verbsOf(s change.Step) []string {
	switch {
	case s.Action == v1alpha1.PolicyUpdate && s.Takeover:
		return []string{"get", "patch", "update"}
	case s.Action == v1alpha1.PolicyUpdate:
		return []string{"get", "patch"}
	}
	return []string{"get", "create", "patch", "delete"}
}
