package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	ciliumclient "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned/typed/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
)

// Runner makes the steps of a plan on a server.
type Runner struct {
	Client ciliumclient.CiliumNetworkPoliciesGetter
	// DryRun lets the server check and admit every change, and keep none.
	DryRun bool
	// Wait is whether to wait for Cilium's word on the policies, and Timeout how long at most.
	Wait    bool
	Timeout time.Duration
	// Pace is DefaultPace when it is not set.
	Pace Pace
	// Done is told about every step that was made, and about what is there already.
	Done func(change.Step, *ciliumv2.CiliumNetworkPolicy)
	// Waiting is told what is being waited for.
	Waiting func(policies []string)
	// Endpoints are the agents' word on pods, which is waited for after that on the policies, for as long again;
	// nil waits for none.
	Endpoints ciliumclient.CiliumEndpointsGetter
	// Settling is told which pods' endpoints are waited for, and Unsettled, at the end, what is not known.
	Settling  func(pods []string)
	Unsettled func(Unsettled)
	// Verify looks at the result; its error undoes everything. Nil looks at nothing.
	Verify func(context.Context) error
}

// Run makes the steps, in order, and returns the journal: those that were made and stand, with what the
// server has made of them. What lets somebody in is Cilium's before default deny follows, and
// before what it replaces goes: if Cilium refuses it, or does not answer, nobody has lost anything
// yet. That holds for policies that are there already as well, because an earlier run that was
// interrupted can have left them before Cilium has seen them. When a step fails, or the
// context ends, everything that was done is undone; the error says what happened and what is left.
func (r Runner) Run(ctx context.Context, plan change.Plan) (journal change.Plan, err error) {
	r.Pace = cmp.Or(r.Pace, DefaultPace())
	journal, err = r.run(ctx, plan)
	if err == nil || r.DryRun {
		return journal, err
	}
	undone, undoing := r.undo(ctx, journal)
	journal.Steps = journal.Steps[:len(journal.Steps)-undone]
	return journal, errors.Join(err, undoing)
}

func (r Runner) run(ctx context.Context, plan change.Plan) (journal change.Plan, err error) {
	pending := plan.Settled()
	for _, s := range plan.Steps {
		if s.Action == v1alpha1.PolicyUnchanged {
			r.done(s, s.Before)
			continue
		}
		if s.IsDefaultDeny() || s.After == nil {
			if err := r.wait(ctx, pending); err != nil {
				return journal, err
			}
			pending = nil
		}
		made, touched, err := r.step(ctx, s)
		if touched && !r.DryRun {
			journal.Steps = append(journal.Steps, made)
		}
		if err != nil {
			return journal, fmt.Errorf("%s %q: %w", doing(s.Action), s.Policy.Name, err)
		}
		if made.After != nil {
			pending = append(pending, made.After)
		}
		r.done(s, cmp.Or(made.After, s.Before))
	}
	if err := r.wait(ctx, pending); err != nil {
		return journal, err
	}
	if err := r.settle(ctx, plan); err != nil {
		return journal, err
	}
	if r.Verify == nil || r.DryRun {
		return journal, nil
	}
	return journal, r.Verify(ctx)
}

func (r Runner) done(s change.Step, object *ciliumv2.CiliumNetworkPolicy) {
	if r.Done != nil {
		r.Done(s, object)
	}
}

// undo runs the journal backwards and stops where that fails: the steps before are what kept the last one
// safe, as the policies that let the operator in do for default deny. The error, which is never nil, says
// what was undone and what could not be. Nothing is waited for: what is put back was there before.
func (r Runner) undo(ctx context.Context, journal change.Plan) (undone int, err error) {
	if len(journal.Steps) == 0 {
		return 0, errors.New("nothing was changed")
	}
	// Undoing must go on when the caller has given up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Pace.RollBack)
	defer cancel()
	var did []string
	back := Runner{Client: r.Client, Pace: r.Pace, Done: func(s change.Step, _ *ciliumv2.CiliumNetworkPolicy) { did = append(did, undid(s)) }}
	plan := journal.Reverse(len(journal.Steps))
	var errs []error
	if _, err := back.run(ctx, plan); err != nil {
		// The step is named already.
		errs = append(errs, fmt.Errorf("rolling back (not %s): %w", undid(plan.Steps[len(did)]), errors.Unwrap(err)))
	}
	if len(did) > 0 {
		errs = append(errs, fmt.Errorf("rolled back: %s", strings.Join(did, ", ")))
	}
	if len(did) < len(plan.Steps) {
		errs = append(errs, errors.New("the cluster is between two states: run the command again to complete the change, or unlock to undo it"))
	}
	return len(did), errors.Join(errs...)
}

// doing is an action as the beginning of an error.
func doing(action v1alpha1.PolicyAction) string {
	switch action {
	case v1alpha1.PolicyCreate:
		return "creating"
	case v1alpha1.PolicyUpdate:
		return "updating"
	case v1alpha1.PolicyDelete:
		return "deleting"
	case v1alpha1.PolicyUnchanged:
	}
	return "leaving"
}

// undid is a step of a roll-back in words.
func undid(s change.Step) string {
	switch s.Action {
	case v1alpha1.PolicyCreate:
		return "re-created " + s.Policy.Name
	case v1alpha1.PolicyDelete:
		return "removed " + s.Policy.Name
	case v1alpha1.PolicyUpdate, v1alpha1.PolicyUnchanged:
	}
	return "restored " + s.Policy.Name
}
