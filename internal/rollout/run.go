package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	ciliumclient "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned/typed/cilium.io/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/isolation"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// rollBackTimeout bounds putting things back. It has time of its own, because it often begins when
// the caller's time is over.
const rollBackTimeout = 30 * time.Second

// Runner makes the changes of a plan on a server.
type Runner struct {
	Client ciliumclient.CiliumNetworkPoliciesGetter
	// DryRun lets the server check and admit every change, and keep none.
	DryRun bool
	// Wait is whether to wait for Cilium's word on the policies, and Timeout how long at most.
	Wait    bool
	Timeout time.Duration
	// Done is told about every change that was made, and about what is there already.
	Done func(Change, *ciliumv2.CiliumNetworkPolicy)
	// Waiting is told what is being waited for.
	Waiting func(policies []string)
	// Verify looks at the result; its error undoes everything. Nil looks at nothing.
	Verify func(context.Context) error
}

// Run makes the changes, in order. What lets somebody in is Cilium's before default deny follows, and
// before what it replaces goes: if Cilium refuses it, or does not answer, nobody has lost anything
// yet. That holds for policies that are there already as well, because an earlier run that was
// interrupted can have left them before Cilium has seen them. When a step fails, or the
// context ends, everything that was done is undone; the error says what happened and what is left.
func (r Runner) Run(ctx context.Context, plan Plan) error {
	var undo undoList
	err := r.run(ctx, plan, &undo)
	if err == nil || r.DryRun {
		return err
	}
	return errors.Join(err, undo.all(ctx))
}

func (r Runner) run(ctx context.Context, plan Plan, undo *undoList) error {
	pending := plan.settled()
	for _, c := range plan.Changes {
		if c.Action == isolation.Unchanged {
			r.done(c, c.Live)
			continue
		}
		if isDefaultDeny(c) || c.Desired == nil {
			if err := r.wait(ctx, pending); err != nil {
				return err
			}
			pending = nil
		}
		result, err := r.change(ctx, c, undo)
		if err != nil {
			return fmt.Errorf("%s %q: %w", doing(c.Action), c.Policy.Name, err)
		}
		if c.Desired != nil {
			pending = append(pending, result)
		}
		r.done(c, result)
	}
	if err := r.wait(ctx, pending); err != nil {
		return err
	}
	if r.Verify == nil || r.DryRun {
		return nil
	}
	return r.Verify(ctx)
}

func (r Runner) done(c Change, object *ciliumv2.CiliumNetworkPolicy) {
	if r.Done != nil {
		r.Done(c, object)
	}
}

// doing is an action as the beginning of an error.
func doing(action isolation.Action) string {
	switch action {
	case isolation.Create:
		return "creating"
	case isolation.Update:
		return "updating"
	case isolation.Delete:
		return "deleting"
	case isolation.Unchanged:
	}
	return "leaving"
}

func isDefaultDeny(c Change) bool {
	return c.Desired != nil && c.Desired.Role == policyset.DefaultDeny
}

// change makes one change and notes how to undo it, also when it is not known whether it was made: the
// server can have done what it was asked for although its answer never came.
func (r Runner) change(ctx context.Context, c Change, undo *undoList) (*ciliumv2.CiliumNetworkPolicy, error) {
	client := r.Client.CiliumNetworkPolicies(c.Policy.Namespace)
	switch {
	case c.Desired == nil:
		err := r.delete(ctx, client, c.Live)
		if err == nil || noAnswer(err) {
			undo.add("re-created "+c.Policy.Name, func(ctx context.Context) error { return recreate(ctx, client, c.Live) })
		}
		return c.Live, err
	case c.Live == nil:
		created, err := r.apply(ctx, client, *c.Desired, nil)
		switch {
		case err == nil:
			undo.add("removed "+c.Policy.Name, func(ctx context.Context) error { return r.delete(ctx, client, created) })
		case noAnswer(err):
			undo.add("removed "+c.Policy.Name, func(ctx context.Context) error { return r.deleteIfMade(ctx, client, c) })
		}
		return created, err
	default:
		updated, touched, err := r.update(ctx, client, c)
		if touched {
			undo.add("restored "+c.Policy.Name, func(ctx context.Context) error { return restore(ctx, client, c.Live) })
		}
		return updated, err
	}
}

// apply is server-side apply with strict validation. A live policy is only changed when it is
// still the one that the plan saw; a new one is not forced upon somebody who was faster.
func (r Runner) apply(ctx context.Context, client ciliumclient.CiliumNetworkPolicyInterface, desired policyset.Policy, live *ciliumv2.CiliumNetworkPolicy) (*ciliumv2.CiliumNetworkPolicy, error) {
	content, err := policyset.Unstructured(desired)
	if err != nil {
		return nil, err
	}
	if live != nil {
		content.SetUID(live.UID)
		content.SetResourceVersion(live.ResourceVersion)
	}
	body, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	options := metav1.PatchOptions{FieldManager: policyset.FieldManager, FieldValidation: metav1.FieldValidationStrict, Force: ptr.To(live != nil)}
	if r.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return client.Patch(ctx, desired.Object.Name, types.ApplyPatchType, body, options)
}

// update applies over a live policy. Cilium writes its status at any time, which changes the
// version and nothing that matters: the update is tried again on the new version then. touched is true
// when the policy on the server may be another one now.
func (r Runner) update(ctx context.Context, client ciliumclient.CiliumNetworkPolicyInterface, c Change) (updated *ciliumv2.CiliumNetworkPolicy, touched bool, err error) {
	seen, live := c.Live, c.Live
	takeOverFirst := c.Takeover && !r.DryRun
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if takeOverFirst {
			taken, err := takeOver(ctx, client, live, c.Desired.Object)
			touched = touched || err == nil || noAnswer(err)
			if err != nil {
				return retryable(ctx, client, &live, seen, err)
			}
			seen, live, takeOverFirst = taken, taken, false
		}
		updated, err = r.apply(ctx, client, *c.Desired, live)
		touched = touched || err == nil || noAnswer(err)
		return retryable(ctx, client, &live, seen, err)
	})
	return updated, touched, err
}

// takeOver replaces the content of somebody else's policy, so that nothing of it stays behind as
// the fields of another manager would.
func takeOver(ctx context.Context, client ciliumclient.CiliumNetworkPolicyInterface, live, desired *ciliumv2.CiliumNetworkPolicy) (*ciliumv2.CiliumNetworkPolicy, error) {
	replaced := live.DeepCopy()
	replaced.Spec, replaced.Specs = desired.Spec.DeepCopy(), nil
	return client.Update(ctx, replaced, metav1.UpdateOptions{FieldManager: policyset.FieldManager})
}

// delete removes exactly the policy that the plan saw.
func (r Runner) delete(ctx context.Context, client ciliumclient.CiliumNetworkPolicyInterface, live *ciliumv2.CiliumNetworkPolicy) error {
	seen := live
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &live.UID, ResourceVersion: &live.ResourceVersion}}
		if r.DryRun {
			options.DryRun = []string{metav1.DryRunAll}
		}
		err := client.Delete(ctx, live.Name, options)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return retryable(ctx, client, &live, seen, err)
	})
}

// retryable refreshes live after a conflict, so that the next try has its version. It ends the
// tries with another error when the policy is not what the plan saw any more.
func retryable(ctx context.Context, client ciliumclient.CiliumNetworkPolicyInterface, live **ciliumv2.CiliumNetworkPolicy, seen *ciliumv2.CiliumNetworkPolicy, err error) error {
	if !apierrors.IsConflict(err) {
		return err
	}
	now, getErr := client.Get(ctx, seen.Name, metav1.GetOptions{})
	if getErr != nil {
		return getErr
	}
	if now.UID != seen.UID || now.Generation != seen.Generation {
		return errors.New("it was changed by somebody else in the meantime: run the command again to see what it would do now")
	}
	*live = now
	return err
}
