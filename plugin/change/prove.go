package change

import (
	"context"
	"errors"
	"fmt"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// prove lets the data path say whether the change is what the preview said. Its error is a contradiction, and undoes the
// change. What could not be tried is no contradiction.
func (o *lockdownOptions) prove(ctx context.Context, p change.Proposal) error {
	if !o.probes.Wanted {
		return nil
	}
	w, err := look(ctx, &o.source, p.Clusters()[0].Namespace)
	if err != nil {
		return fmt.Errorf("reading what is to be proven: %w", err)
	}
	var contradictions []error
	for i, key := range p.Clusters() {
		preview, c := p.Previews[i], w.model.Cluster(key)
		if c == nil {
			continue
		}
		m, err := probe.Known(w.model, c)
		if err != nil {
			return err
		}
		probes, err := o.probes.Try(ctx, m, probe.OfChange(m, m.Cluster(key), preview.Whole()))
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && probes == nil:
			o.unproven = errors.Join(o.unproven, fmt.Errorf("the policies are applied and stay, and nothing is proven: %w", err))
			continue
		case err != nil:
			fmt.Fprintln(o.ErrOut, terminal.Escape(err.Error()))
		}
		findings := probe.Findings(probes)
		if err := o.showProbes(probes, findings); err != nil {
			o.lost = kit.LostOutput{Err: err}
		}
		contradictions = append(contradictions, kit.Contradicted(findings))
		o.unproven = errors.Join(o.unproven, o.proven(preview.Metadata, probes))
	}
	return errors.Join(contradictions...)
}

func (o *lockdownOptions) showProbes(probes []v1alpha1.Probe, findings []v1alpha1.Finding) error {
	w := o.Out
	if o.output != formatNone {
		w = o.ErrOut
	}
	_, width := terminal.Detect(w)
	return text.Probes(w, probes, findings, text.Options{Colors: o.source.Colors(w), Width: width})
}

// proven says how many connections did what the engine says; the error says that none could tell.
func (o *lockdownOptions) proven(cluster v1alpha1.Metadata, probes []v1alpha1.Probe) error {
	told, not := 0, 0
	for _, p := range probes {
		switch {
		case p.Contradicts:
		case p.Result == v1alpha1.ProbeInconclusive || p.Expected == v1alpha1.VerdictUnknown:
			not++
		default:
			told++
		}
	}
	if told == 0 {
		return fmt.Errorf("the policies are applied and stay, and nothing is proven of cluster %q: no connection could tell", cluster.Name)
	}
	fmt.Fprintf(o.ErrOut, "Cluster %s: %d connections did what the engine says of them, and %d could not tell.\n", terminal.Escape(cluster.Name), told, not)
	return nil
}
