package rollout

import (
	"context"
	"errors"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

var (
	errFaster   = errors.New("somebody else was faster: a policy of that name is there, and is not ours to remove")
	errReplaced = errors.New("somebody else was faster: another policy of that name is there")
)

// lookUp completes a step whose Before was never seen, by what is on the server: without an answer, it is not
// known what was made of the step that it undoes, and the server may be at it still. needed is false when
// there is nothing to do.
func (r Runner) lookUp(ctx context.Context, on policies, s change.Step) (completed change.Step, needed bool, err error) {
	now, err := r.answered(ctx, on, s)
	if err != nil {
		return s, false, err
	}
	switch {
	case s.Before == nil: // Something was to be deleted.
		if now != nil && now.UID != s.After.UID {
			return s, false, errReplaced
		}
		return s, now == nil, nil
	case s.After == nil: // Something was to be created.
		if now != nil && !isMade(now, s.Before) {
			return s, false, errFaster
		}
		s.Before = now
		return s, now != nil, nil
	case now == nil:
		return s, false, errors.New("it was removed by somebody else in the meantime")
	case s.After.UID != "" && now.UID != s.After.UID, now.Generation != s.After.Generation && !sameRules(now, s.Before):
		return s, false, errChanged
	}
	s.Before = now
	return s, true, nil
}

// answered waits until the server has done what is to be undone, and returns what is there then: also when it
// has not done it within a time in which it would have.
func (r Runner) answered(ctx context.Context, on policies, s change.Step) (now *ciliumv2.CiliumNetworkPolicy, err error) {
	unseen := errors.New("what is there is not known")
	err = wait.PollUntilContextTimeout(ctx, r.Pace.Poll, r.Pace.Late, true, func(ctx context.Context) (bool, error) {
		is, err := on.Get(ctx, s.Policy.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			now, unseen = nil, nil
			return s.Before == nil, nil
		case err != nil && noAnswer(err):
			if unseen != nil {
				unseen = err
			}
			return false, nil // The time limit ends it.
		case err != nil:
			return false, err
		}
		now, unseen = is, nil
		switch {
		case s.Before == nil:
			return now.UID != s.After.UID, nil
		case s.After == nil:
			return true, nil
		}
		return len(missing(now, s.Before)) == 0, nil
	})
	if ctx.Err() == nil && wait.Interrupted(err) {
		return now, unseen
	}
	return now, err
}

// isMade tells whether a policy is the one that was asked for. An admission webhook may have added
// labels.
func isMade(made, desired *ciliumv2.CiliumNetworkPolicy) bool {
	for key, value := range desired.Labels {
		if made.Labels[key] != value {
			return false
		}
	}
	return true
}

// sameRules tells whether a policy has the rules that were asked for, whatever its labels.
func sameRules(now, desired *ciliumv2.CiliumNetworkPolicy) bool {
	return !slices.ContainsFunc(missing(now, desired), func(path string) bool { return strings.HasPrefix(path, "spec") })
}

// missing are the paths at which a policy is not what was asked for. What was not asked for may be another
// manager's field, which an apply leaves alone.
func missing(now, desired *ciliumv2.CiliumNetworkPolicy) []string {
	asked := map[string]any{}
	if content, err := policyset.Unstructured(policyset.Policy{Object: desired}); err == nil {
		asked, _, _ = unstructured.NestedMap(content.Object, "spec")
	}
	return slices.DeleteFunc(policyset.Differences(now, desired), func(path string) bool {
		field, isSpec := strings.CutPrefix(path, "spec.")
		field, _, _ = strings.Cut(field, ".")
		field, _, _ = strings.Cut(field, "[")
		_, set := asked[field]
		return isSpec && !set || path == "specs"
	})
}
