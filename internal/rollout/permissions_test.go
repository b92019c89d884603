package rollout

import (
	"errors"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
)

// Whoever may not make all steps, or those back, does not begin; what the server does not tell hinders nobody.
func TestPermissionsAreAskedForFirst(t *testing.T) {
	lockdown := fixture.Lockdown(t, nil, backendsOnly(t))
	locked := lockdown.After(nil, len(lockdown.Steps))
	const problem = `forbidden: you may not delete, patch ciliumnetworkpolicies.cilium.io in namespace "default", which the change or its way back needs: 'kubectl cnpg-netpol rbac lockdown' prints a role that may`
	for name, tc := range map[string]struct {
		plan   change.Plan
		denied []string
		err    error
		asked  []string
		want   string
	}{
		"all allowed":             {lockdown, nil, nil, []string{"create", "delete", "get", "patch"}, ""},
		"no way back":             {lockdown, []string{"delete", "patch"}, nil, []string{"create", "delete", "get", "patch"}, problem},
		"an unlock":               {change.Unlock(locked, []types.NamespacedName{example}), []string{"update"}, nil, []string{"create", "delete", "get", "patch"}, ""},
		"nothing to do":           {change.Plan{}, []string{"get"}, nil, nil, ""},
		"nobody who may be asked": {lockdown, []string{"delete"}, errors.New("forbidden"), []string{"create", "delete", "get", "patch"}, ""},
	} {
		fake := kubefake.NewClientset()
		var asked []string
		fake.PrependReactor("create", "selfsubjectaccessreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
			create, _ := a.(clienttesting.CreateAction)
			review, _ := create.GetObject().(*authorizationv1.SelfSubjectAccessReview)
			verb := review.Spec.ResourceAttributes.Verb
			asked = append(asked, verb)
			review.Status.Allowed = !slices.Contains(tc.denied, verb)
			return true, review, tc.err
		})
		err := CheckPermissions(t.Context(), fake.AuthorizationV1(), tc.plan)
		if !slices.Equal(asked, tc.asked) || tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: asked for %q, %v", name, asked, err)
		}
	}
}
