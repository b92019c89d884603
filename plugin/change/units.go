package change

import (
	"context"
	"errors"
	"fmt"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
)

// result is what has become of a part of a change that stands by itself.
type result struct {
	// Proposal has the postures that were seen afterwards.
	change.Proposal
	err error
	// left is true when it failed and could not be put back completely.
	left bool
}

// carryOutEach makes a change cluster by cluster: each is whole or as it was before, and does not depend on the others.
// Clusters that share a policy are one.
func (o *changeOptions) carryOutEach(ctx context.Context, w world, p change.Proposal, verifies bool) []result {
	units := p.Units()
	results := make([]result, len(units))
	for i, unit := range units {
		one := &results[i]
		one.Proposal = unit
		if err := context.Cause(ctx); err != nil {
			one.err = fmt.Errorf("nothing was changed: %w", err)
		} else {
			one.err = o.carryOut(ctx, w, unit, func(ctx context.Context) (err error) {
				if verifies {
					one.Proposal, err = o.verify(ctx, scopeOfUnit(unit), unit)
				}
				if err != nil || o.proving == nil {
					return err
				}
				return o.proving(ctx, unit)
			})
			one.left = o.left
		}
		if one.err != nil && len(units) > 1 {
			one.err = fmt.Errorf("%s: %w", o.namesOf(unit), one.err)
		}
	}
	return results
}

// failed are the errors of all parts.
func failed(results []result) error {
	var errs []error
	for _, one := range results {
		errs = append(errs, one.err)
	}
	return errors.Join(errs...)
}

// summarizeEach says on stderr how each cluster stands now, in the words of stands for those whose change was made. Of a
// single change that failed, the error says it.
func (o *changeOptions) summarizeEach(results []result, stands func(change.Proposal)) {
	for _, one := range results {
		switch {
		case one.err == nil:
			stands(one.Proposal)
		case len(results) == 1:
		case one.left:
			fmt.Fprintf(o.ErrOut, "Of %s, a part stands: see below.\n", o.namesOf(one.Proposal))
		default:
			fmt.Fprintf(o.ErrOut, "Of %s, nothing stands: it is as it was before.\n", o.namesOf(one.Proposal))
		}
	}
}

// namesOf are the clusters of a change, in words.
func (o *changeOptions) namesOf(p change.Proposal) string {
	if o.operator {
		return o.called(p.Previews[0].Metadata)
	}
	var names []string
	for _, preview := range p.Previews {
		names = append(names, o.called(preview.Metadata))
	}
	return quoted(names)
}
