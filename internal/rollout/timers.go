package rollout

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	ciliumclient "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned/typed/cilium.io/v2"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	batchclient "k8s.io/client-go/kubernetes/typed/batch/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/timer"
)

// Timers makes, moves and ends the Jobs that policies end with.
type Timers struct {
	Jobs     batchclient.JobsGetter
	Policies ciliumclient.CiliumNetworkPoliciesGetter
	// Now is the time by the server's clock; zero when it is not known.
	Now func() time.Time
	// Pace is DefaultPace when it is not set.
	Pace Pace
	// Timeout is how long to wait until a Job is complete.
	Timeout time.Duration
}

var (
	// ErrTimerEnded is the answer of a timer that is over, or about to be: what it ends is gone, or goes.
	ErrTimerEnded = errors.New("the timer has ended")
	// errTaken: the name belongs to a Job that nobody may touch.
	errTaken = errors.New("a Job of that name is there, and is no timer of this cluster: delete it or rename it")
)

// Check lets the server check and admit a timer, and keeps none.
func (t Timers) Check(ctx context.Context, s timer.Spec) error {
	_, err := t.Jobs.Jobs(s.Cluster.Namespace).Create(ctx, s.Job(), metav1.CreateOptions{
		DryRun: []string{metav1.DryRunAll}, FieldManager: policyset.FieldManager, FieldValidation: metav1.FieldValidationStrict,
	})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return about(s.Name, err)
}

// Begin makes a timer, or takes the one that is there, and returns when it runs: from now on, it ends by itself. made is
// true when there was none before. Where no controller calls the Job complete, nothing would ever end: the Job is
// removed again, and the error says so.
func (t Timers) Begin(ctx context.Context, s timer.Spec) (running inventory.Timer, made bool, err error) {
	t.Pace = cmp.Or(t.Pace, DefaultPace())
	if err := t.Check(ctx, s); err != nil {
		return running, false, err
	}
	jobs := t.Jobs.Jobs(s.Cluster.Namespace)
	err = wait.PollUntilContextTimeout(ctx, t.Pace.Poll, t.Timeout, true, func(ctx context.Context) (bool, error) {
		job, err := jobs.Get(ctx, s.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			job, err = jobs.Create(ctx, s.Job(), metav1.CreateOptions{FieldManager: policyset.FieldManager, FieldValidation: metav1.FieldValidationStrict})
			made = made || err == nil
			if apierrors.IsAlreadyExists(err) {
				return false, nil
			}
		}
		switch {
		case err != nil:
			if noAnswer(err) {
				return false, nil
			}
			return false, err
		case !timer.IsTimer(job.Labels, s.Cluster.Name) || job.Labels[timer.LabelPurpose] != string(s.Purpose):
			return false, errTaken
		}
		running = timer.Read(job)
		// One that ends makes room for the next one.
		return !running.Completed.IsZero() && !running.Ending, nil
	})
	if err == nil {
		if !made {
			// What is left of it may be too little.
			running, err = t.Restart(ctx, running, s.For)
		}
		return running, made, about(s.Name, err)
	}
	if made {
		err = errors.Join(err, t.Discard(context.WithoutCancel(ctx), running))
	}
	if ctx.Err() != nil {
		return running, made, fmt.Errorf("waiting for the timer: %w", context.Cause(ctx))
	}
	if wait.Interrupted(err) {
		return running, made, fmt.Errorf("the Job %q was not complete within %s, so nothing would end by itself: is a kube-controller-manager running? ('kubectl get events -n %s' may say more)",
			s.Name, t.Timeout, s.Cluster.Namespace)
	}
	return running, made, about(s.Name, err)
}

// Restart makes the timer end when d is over from now on, by the server's clock. ErrTimerEnded means that it is too late.
func (t Timers) Restart(ctx context.Context, running inventory.Timer, d time.Duration) (inventory.Timer, error) {
	return t.move(ctx, running, func(now inventory.Timer) time.Duration { return t.passed(now) + d })
}

// Extend makes the timer end later by d. One that is overdue ends when d is over.
func (t Timers) Extend(ctx context.Context, running inventory.Timer, d time.Duration) (inventory.Timer, error) {
	return t.move(ctx, running, func(now inventory.Timer) time.Duration { return max(now.TTL, t.passed(now)) + d })
}

// passed is how long the timer runs by now. Without the server's clock it has just begun.
func (t Timers) passed(running inventory.Timer) time.Duration {
	now := time.Time{}
	if t.Now != nil {
		now = t.Now()
	}
	if now.IsZero() || running.Completed.IsZero() {
		return 0
	}
	// Both are known to a second.
	return max(now.Sub(running.Completed), 0).Truncate(time.Second)
}

// move changes the TTL, and looks whether that was in time.
func (t Timers) move(ctx context.Context, running inventory.Timer, ttl func(inventory.Timer) time.Duration) (inventory.Timer, error) {
	t.Pace = cmp.Or(t.Pace, DefaultPace())
	jobs := t.Jobs.Jobs(running.Namespace)
	err := t.Pace.retrying(apierrors.IsConflict, func() error {
		now, err := t.read(ctx, running)
		if err != nil {
			return err
		}
		body, err := json.Marshal(map[string]any{
			"metadata": map[string]any{"uid": running.UID, "resourceVersion": now.ResourceVersion},
			"spec":     map[string]any{"ttlSecondsAfterFinished": timer.Seconds(ttl(timer.Read(now)))},
		})
		if err != nil {
			return err
		}
		_, err = jobs.Patch(ctx, running.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: policyset.FieldManager})
		if apierrors.IsNotFound(err) {
			return ErrTimerEnded
		}
		return err
	})
	if err != nil {
		return running, about(running.Name, err)
	}
	// The deletion may have been under way.
	now, err := t.read(ctx, running)
	if err != nil {
		return running, about(running.Name, err)
	}
	return timer.Read(now), nil
}

// read is the timer as it is now. ErrTimerEnded means that it is gone, or goes.
func (t Timers) read(ctx context.Context, running inventory.Timer) (*batchv1.Job, error) {
	now, err := t.Jobs.Jobs(running.Namespace).Get(ctx, running.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), err == nil && (now.UID != running.UID || now.DeletionTimestamp != nil):
		return nil, ErrTimerEnded
	case err != nil:
		return nil, err
	}
	return now, nil
}

// End removes a timer and nothing that ends with it. It is no error when it is gone already.
func (t Timers) End(ctx context.Context, running inventory.Timer) error {
	return t.delete(ctx, running, metav1.DeletePropagationOrphan)
}

// Discard removes a timer with which nothing ends yet. Unlike End, it needs nobody to do so.
func (t Timers) Discard(ctx context.Context, running inventory.Timer) error {
	return t.delete(ctx, running, metav1.DeletePropagationBackground)
}

func (t Timers) delete(ctx context.Context, running inventory.Timer, how metav1.DeletionPropagation) error {
	options := metav1.DeleteOptions{PropagationPolicy: &how}
	if running.UID != "" {
		options.Preconditions = &metav1.Preconditions{UID: &running.UID}
	}
	err := t.Jobs.Jobs(running.Namespace).Delete(ctx, running.Name, options)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return about(running.Name, err)
}

// EndUnused removes the timer of this name, if it is one of the cluster, that nothing ends with.
func (t Timers) EndUnused(ctx context.Context, namespace, name, cluster string) error {
	job, err := t.Jobs.Jobs(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && !timer.IsTimer(job.Labels, cluster) {
		return nil
	}
	if err != nil {
		return about(name, err)
	}
	return t.End(ctx, timer.Read(job))
}

// about says which timer the error is about.
func about(name string, err error) error {
	if err == nil || errors.Is(err, ErrTimerEnded) {
		return err
	}
	return fmt.Errorf("timer %q: %w", name, err)
}
