package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// wait returns when Cilium has said of every policy that it is valid. A refusal ends it at once.
func (r Runner) wait(ctx context.Context, policies []*ciliumv2.CiliumNetworkPolicy) error {
	if !r.Wait || r.DryRun || len(policies) == 0 {
		return nil
	}
	if r.Waiting != nil {
		r.Waiting(namesOf(policies))
	}
	pending := slices.Clone(policies)
	begun := time.Now()
	err := wait.PollUntilContextTimeout(ctx, r.Pace.Poll, r.Timeout, true, func(ctx context.Context) (bool, error) {
		for len(pending) > 0 {
			ok, err := r.accepted(ctx, pending[0], time.Since(begun) > r.Pace.Stale)
			if err != nil || !ok {
				return false, err
			}
			pending = pending[1:]
		}
		return true, nil
	})
	if ctx.Err() != nil {
		return fmt.Errorf("waiting for Cilium: %w", context.Cause(ctx))
	}
	if wait.Interrupted(err) {
		return fmt.Errorf("no word from Cilium within %s on whether it accepts %s: check that its operator and agents run ('kubectl -n kube-system get pods -l k8s-app=cilium'), or raise --timeout",
			r.Timeout, strings.Join(namesOf(pending), ", "))
	}
	return err
}

// accepted is true when Cilium calls the policy valid, and an error when it refuses it.
func (r Runner) accepted(ctx context.Context, p *ciliumv2.CiliumNetworkPolicy, settled bool) (bool, error) {
	now, err := r.Client.CiliumNetworkPolicies(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && now.UID != p.UID {
		return false, fmt.Errorf("policy %q was removed by somebody else in the meantime", p.Name)
	}
	if err != nil {
		if noAnswer(err) {
			return false, nil // The time limit ends it.
		}
		return false, err
	}
	for _, c := range now.Status.Conditions {
		if c.Type != ciliumv2.PolicyConditionValid {
			continue
		}
		fresh := now.Generation == 1 || settled
		switch {
		case c.Status == corev1.ConditionTrue:
			return true, nil
		case c.Status == corev1.ConditionFalse && fresh:
			return false, fmt.Errorf("policy %q is refused by Cilium: %s", p.Name, c.Message)
		}
	}
	return false, nil
}

// noAnswer is true for a hiccup of the connection or of the server, which says nothing about the
// policy: also for a request that the client held back because its time was over.
func noAnswer(err error) bool {
	var answer apierrors.APIStatus
	return !errors.As(err, &answer) ||
		apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err)
}

func namesOf(policies []*ciliumv2.CiliumNetworkPolicy) []string {
	out := make([]string, len(policies))
	for i, p := range policies {
		out[i] = p.Name
	}
	return out
}
