package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// undoList is how to undo what was done so far.
type undoList []undoStep

type undoStep struct {
	did string
	run func(context.Context) error
}

func (u *undoList) add(did string, run func(context.Context) error) {
	*u = append(*u, undoStep{did, run})
}

// all undoes the last change first, and stops where that fails: the steps before are what kept the last
// one safe, as the policies that let the operator in do for default deny. The error, which is never nil,
// says what was undone and what could not be.
func (u undoList) all(ctx context.Context) error {
	if len(u) == 0 {
		return errors.New("nothing was changed")
	}
	// Undoing must go on when the caller has given up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollBackTimeout)
	defer cancel()
	var done []string
	var errs []error
	for _, step := range slices.Backward(u) {
		if err := step.run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("rolling back (not %s): %w", step.did, err))
			break
		}
		done = append(done, step.did)
	}
	if len(done) > 0 {
		errs = append(errs, fmt.Errorf("rolled back: %s", strings.Join(done, ", ")))
	}
	if len(done) < len(u) {
		errs = append(errs, errors.New("the cluster is between two states: run the command again to complete the change, or unlock to undo it"))
	}
	return errors.Join(errs...)
}
