package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	ciliumclient "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned/typed/cilium.io/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"k8s.io/utils/ptr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// policies are those of one namespace on the server.
type policies = ciliumclient.CiliumNetworkPolicyInterface

// step makes one step and returns it as it was made. touched is true when the policy on the server may be
// another one now, also when it is not known: the server can have done what it was asked for although its
// answer never came.
func (r Runner) step(ctx context.Context, s change.Step) (made change.Step, touched bool, err error) {
	on := r.Client.CiliumNetworkPolicies(s.Policy.Namespace)
	if s.Unanswered || s.Before != nil && s.Before.UID == "" {
		var needed bool
		if s, needed, err = r.lookUp(ctx, on, s); err != nil || !needed {
			return s, false, err
		}
	}
	var now *ciliumv2.CiliumNetworkPolicy
	switch {
	case s.After == nil:
		err = r.delete(ctx, on, s.Before)
	case s.Before == nil:
		now, err = r.apply(ctx, on, s.After, nil)
	case s.Restore:
		now, err = r.restore(ctx, on, s)
	default:
		now, touched, err = r.update(ctx, on, s)
	}
	s.Unanswered = err != nil && !errors.Is(err, errChanged) && noAnswer(err)
	if now != nil && !s.Unanswered {
		s.After = now
	}
	return s, touched || err == nil || s.Unanswered, err
}

// apply is server-side apply with strict validation. A live policy is only changed when it is
// still the one that the plan saw; a new one is not forced upon somebody who was faster.
func (r Runner) apply(ctx context.Context, on policies, desired, live *ciliumv2.CiliumNetworkPolicy) (*ciliumv2.CiliumNetworkPolicy, error) {
	content, err := policyset.Unstructured(policyset.Policy{Object: policyset.WithoutServerFields(desired)})
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
	now, err := on.Patch(ctx, desired.Name, types.ApplyPatchType, body, r.patchOptions(ptr.To(live != nil)))
	if err != nil {
		return nil, err
	}
	return now, nil
}

func (r Runner) patchOptions(force *bool) metav1.PatchOptions {
	options := metav1.PatchOptions{FieldManager: policyset.FieldManager, FieldValidation: metav1.FieldValidationStrict, Force: force}
	if r.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return options
}

// update applies over a live policy. Cilium writes its status at any time, which changes the
// version and nothing that matters: the update is tried again on the new version then.
func (r Runner) update(ctx context.Context, on policies, s change.Step) (now *ciliumv2.CiliumNetworkPolicy, touched bool, err error) {
	seen, live := s.Before, s.Before
	takeOverFirst := s.Takeover && !r.DryRun
	err = r.Pace.retrying(apierrors.IsConflict, func() error {
		if takeOverFirst {
			taken, err := takeOver(ctx, on, live, s.After)
			touched = touched || err == nil || noAnswer(err)
			if err != nil {
				return retryable(ctx, on, &live, seen, err)
			}
			now, seen, live, takeOverFirst = taken, taken, taken, false
		}
		updated, err := r.apply(ctx, on, s.After, live)
		if err != nil {
			return retryable(ctx, on, &live, seen, err)
		}
		now = updated
		if r.DryRun {
			return nil
		}
		freed, err := freeLeftovers(ctx, on, updated, s.After)
		if freed == nil || err != nil {
			return err
		}
		touched = true
		if updated, err = r.apply(ctx, on, s.After, freed); err != nil {
			seen, live = freed, freed
			return retryable(ctx, on, &live, seen, err)
		}
		now = updated
		return nil
	})
	return now, touched, err
}

// freeLeftovers is for a policy that has more than was applied: what was patched, as a roll-back does, or replaced, is not
// removed by applying without it, for the server counts either as another manager's of the same name. That one's fields
// become those of who applies, so that applying again removes them. Nil when there is nothing of that.
func freeLeftovers(ctx context.Context, on policies, now, desired *ciliumv2.CiliumNetworkPolicy) (*ciliumv2.CiliumNetworkPolicy, error) {
	if len(policyset.Differences(now, desired)) == 0 {
		return nil, nil
	}
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(now, sets.New(policyset.FieldManager), policyset.FieldManager)
	if patch == nil || err != nil {
		return nil, err
	}
	return on.Patch(ctx, now.Name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: policyset.FieldManager})
}

// takeOver replaces the content of somebody else's policy, so that nothing of it stays behind as
// the fields of another manager would.
func takeOver(ctx context.Context, on policies, live, desired *ciliumv2.CiliumNetworkPolicy) (*ciliumv2.CiliumNetworkPolicy, error) {
	replaced := live.DeepCopy()
	replaced.Spec, replaced.Specs = desired.Spec.DeepCopy(), nil
	return on.Update(ctx, replaced, metav1.UpdateOptions{FieldManager: policyset.FieldManager})
}

// restore writes the former content over a policy that was updated. It is a patch and not an update, because
// Cilium's types leave out empty lists when they are written, and an empty list of peers lets in nobody,
// while none lets in everybody.
func (r Runner) restore(ctx context.Context, on policies, s change.Step) (now *ciliumv2.CiliumNetworkPolicy, err error) {
	live := s.Before
	err = r.Pace.retrying(apierrors.IsConflict, func() error {
		body, err := difference(live, s.After)
		if err != nil {
			return err
		}
		now, err = on.Patch(ctx, live.Name, types.MergePatchType, body, r.patchOptions(nil))
		return retryable(ctx, on, &live, s.Before, err)
	})
	return now, err
}

// difference is the merge patch that leads from one state of a policy to another, and to no other version
// of the first.
func difference(from, to *ciliumv2.CiliumNetworkPolicy) ([]byte, error) {
	// The list of owners is replaced as a whole: those that are not timers stay in it.
	others := policyset.ForGood(from).OwnerReferences
	var states [2][]byte
	for i, p := range []*ciliumv2.CiliumNetworkPolicy{from, to} {
		content, err := policyset.Unstructured(policyset.Policy{Object: policyset.WithoutServerFields(p)})
		if err != nil {
			return nil, err
		}
		content.SetOwnerReferences(append(slices.Clip(others), content.GetOwnerReferences()...))
		if i == 1 {
			content.SetResourceVersion(from.ResourceVersion)
		}
		if states[i], err = json.Marshal(content); err != nil {
			return nil, err
		}
	}
	return jsonpatch.CreateMergePatch(states[0], states[1])
}

// delete removes exactly the policy that the plan saw.
func (r Runner) delete(ctx context.Context, on policies, live *ciliumv2.CiliumNetworkPolicy) error {
	seen := live
	return r.Pace.retrying(apierrors.IsConflict, func() error {
		options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &live.UID, ResourceVersion: &live.ResourceVersion}}
		if r.DryRun {
			options.DryRun = []string{metav1.DryRunAll}
		}
		err := on.Delete(ctx, live.Name, options)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return retryable(ctx, on, &live, seen, err)
	})
}

// retryable refreshes live after a conflict, so that the next try has its version. It ends the
// tries with another error when the policy is not what the plan saw any more.
func retryable(ctx context.Context, on policies, live **ciliumv2.CiliumNetworkPolicy, seen *ciliumv2.CiliumNetworkPolicy, err error) error {
	if !apierrors.IsConflict(err) {
		return err
	}
	now, getErr := on.Get(ctx, seen.Name, metav1.GetOptions{})
	if getErr != nil {
		return getErr
	}
	if changedSince(seen, now) {
		return errChanged
	}
	*live = now
	return err
}

// changedSince tells whether a policy is another one than the plan saw. Its generation counts changes of the rules; of the
// rest, only what the set owns matters: which clusters need a shared default deny is in its labels.
func changedSince(seen, now *ciliumv2.CiliumNetworkPolicy) bool {
	if now.UID != seen.UID || now.Generation != seen.Generation {
		return true
	}
	own := func(p *ciliumv2.CiliumNetworkPolicy) *ciliumv2.CiliumNetworkPolicy {
		out := policyset.WithoutServerFields(p.DeepCopy())
		others := func(key, _ string) bool { return !policyset.OwnsKey(key) }
		maps.DeleteFunc(out.Labels, others)
		maps.DeleteFunc(out.Annotations, others)
		out.Spec, out.Specs = nil, nil
		return out
	}
	return len(policyset.Differences(own(now), own(seen))) > 0
}

var errChanged = errors.New("it was changed by somebody else in the meantime: run the command again to see what it would do now")
