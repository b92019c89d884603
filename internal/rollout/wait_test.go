package rollout

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// While Cilium's word is waited for, a connection that stumbles is no reason to roll back; an answer
// of the server is.
func TestNoAnswer(t *testing.T) {
	policies := schema.GroupResource{Group: "cilium.io", Resource: "ciliumnetworkpolicies"}
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"time is over":            {context.DeadlineExceeded, true},
		"held back by the client": {errors.New("client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context deadline"), true},
		"connection refused":      {&url.Error{Op: "Get", URL: "https://server", Err: errors.New("connection refused")}, true},
		"server overloaded":       {fmt.Errorf("get: %w", apierrors.NewTooManyRequestsError("later")), true},
		"server starting":         {apierrors.NewServiceUnavailable("starting"), true},
		"etcd failed":             {apierrors.NewInternalError(errors.New("etcd")), true},
		"forbidden":               {apierrors.NewForbidden(policies, "deny", errors.New("no")), false},
		"logged out":              {apierrors.NewUnauthorized("token"), false},
		"gone":                    {apierrors.NewNotFound(policies, "deny"), false},
	} {
		if got := noAnswer(tc.err); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
