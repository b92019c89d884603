package rollout

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// ErrCollected is the answer of a policy that has ended: the garbage collector was first, or somebody else.
var ErrCollected = errors.New("it has ended")

// Keep makes a policy stay that ends with a timer, and ends the timer. kept is true when the policy stays; the error is
// about the timer then, which ends nothing any more. With ErrCollected it is gone. Never both: the collector deletes the
// version of the policy that it has looked at, which is another one from the moment in which the owner reference is
// gone. With any other error it is not known, and Keep can be tried again.
func (t Timers) Keep(ctx context.Context, seen *ciliumv2.CiliumNetworkPolicy) (kept bool, err error) {
	t.Pace = cmp.Or(t.Pace, DefaultPace())
	now, err := t.release(ctx, seen)
	if err != nil {
		return false, err
	}
	if err := t.stands(ctx, now); err != nil {
		return false, err
	}
	ended := t.End(ctx, timerOf(seen))
	if err := t.stands(ctx, now); err != nil {
		return false, err
	}
	return true, ended
}

// holdFor is how long several policies are kept from ending, so that they can be kept one after the other.
const holdFor = 2 * time.Minute

// KeepAll makes all policies stay that end with the same timer, and ends it. The answers are those of Keep. It is the
// timer that decides about all of them: they end later by holdFor first, and when that comes too late, none is kept.
func (t Timers) KeepAll(ctx context.Context, seen []*ciliumv2.CiliumNetworkPolicy) (kept bool, err error) {
	t.Pace = cmp.Or(t.Pace, DefaultPace())
	timed := timerOf(seen[0])
	if _, err := t.Extend(ctx, timed, holdFor); err != nil {
		if errors.Is(err, ErrTimerEnded) {
			return false, ErrCollected
		}
		return false, err
	}
	stay := make([]*ciliumv2.CiliumNetworkPolicy, len(seen))
	for i, p := range seen {
		if stay[i], err = t.release(ctx, p); err != nil {
			return false, partly(p, err)
		}
	}
	ended := t.End(ctx, timed)
	for _, p := range stay {
		if err := t.stands(ctx, p); err != nil {
			return false, partly(p, err)
		}
	}
	return true, ended
}

// partly is what has become of one of several policies. That one is gone says nothing about the others.
func partly(p *ciliumv2.CiliumNetworkPolicy, err error) error {
	if errors.Is(err, ErrCollected) {
		return fmt.Errorf("policy %q is gone, and others may be there", p.Name)
	}
	return fmt.Errorf("policy %q: %w", p.Name, err)
}

// timerOf is the timer that a policy ends with.
func timerOf(p *ciliumv2.CiliumNetworkPolicy) inventory.Timer {
	timed, _ := policyset.TimerOf(p)
	return inventory.Timer{Namespace: p.Namespace, Name: timed.Name, UID: timed.UID}
}

// release takes the timer away from a policy, and returns the policy as it is then.
func (t Timers) release(ctx context.Context, seen *ciliumv2.CiliumNetworkPolicy) (now *ciliumv2.CiliumNetworkPolicy, err error) {
	on := t.Policies.CiliumNetworkPolicies(seen.Namespace)
	err = t.Pace.retrying(func(err error) bool {
		return !errors.Is(err, ErrCollected) && (apierrors.IsConflict(err) || noAnswer(err))
	}, func() error {
		now, err = on.Get(ctx, seen.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err), err == nil && now.UID != seen.UID:
			return ErrCollected
		case err != nil:
			return err
		}
		if _, still := policyset.TimerOf(now); !still {
			return nil // An answer that never came, or somebody else.
		}
		body, err := released(now)
		if err != nil {
			return err
		}
		now, err = on.Patch(ctx, seen.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: policyset.FieldManager})
		if apierrors.IsNotFound(err) {
			return ErrCollected
		}
		return err
	})
	return now, err
}

// stands looks whether the policy is there and stays.
func (t Timers) stands(ctx context.Context, kept *ciliumv2.CiliumNetworkPolicy) error {
	now, err := t.Policies.CiliumNetworkPolicies(kept.Namespace).Get(ctx, kept.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), err == nil && (now.UID != kept.UID || now.DeletionTimestamp != nil):
		return ErrCollected
	case err != nil:
		return fmt.Errorf("looking whether it stays: %w", err)
	}
	if timed, still := policyset.TimerOf(now); still {
		return fmt.Errorf("somebody has given it the timer %q again", timed.Name)
	}
	return nil
}

// released is the patch that takes the timer away from this version of a policy.
func released(now *ciliumv2.CiliumNetworkPolicy) ([]byte, error) {
	return json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": now.UID, "resourceVersion": now.ResourceVersion,
		"annotations":     map[string]any{policyset.AnnotationTimer: nil},
		"ownerReferences": policyset.ForGood(now).OwnerReferences,
	}})
}
