package explain

import (
	"context"
	"fmt"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// probe completes an explanation by what the data path says. What could not be removed is no reason to say nothing.
func (o *options) probe(ctx context.Context, q *explain.Question, e *v1alpha1.Explanation) error {
	return o.try(ctx, q.Model, probe.OfQuestion(q), e)
}

// try carries out a plan of probes.
func (o *options) try(ctx context.Context, m *model.Model, plan probe.Plan, e *v1alpha1.Explanation) error {
	probes, err := o.probes.Try(ctx, m, plan)
	if probes == nil {
		return err
	}
	if err != nil {
		fmt.Fprintln(o.ErrOut, terminal.Escape(err.Error()))
	}
	e.Probes, e.Findings = probes, probe.Findings(probes)
	if len(e.Findings) > 0 {
		e.Verdict = v1alpha1.VerdictUnknown
	}
	return nil
}
