package change

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/clients"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/propose"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// observed gathers the evidence about the clusters, and returns the world with the clients of which no pod is there.
func (o *lockdownOptions) observed(ctx context.Context, w world, namespace string, keys []types.NamespacedName) (world, []clients.Question, error) {
	var questions []clients.Question
	extra := model.Extra{}
	inv := w.inv
	for _, key := range keys {
		evidence, err := o.evidence.Gather(ctx, w.inv, key)
		if err != nil {
			return w, nil, err
		}
		var q clients.Question
		q, inv = clients.Ask(inv, key, evidence)
		questions = append(questions, q)
		extra.Pods = append(extra.Pods, q.Extra().Pods...)
		extra.Prefixes = append(extra.Prefixes, q.Extra().Prefixes...)
	}
	m, err := model.New(inv, model.Options{Namespace: namespace, OperatorNamespace: o.source.OperatorNamespace, Extra: extra})
	return world{inv, m}, questions, err
}

// observedChanges adds to the previews what the evidence says; the questions are one for each of them, or none.
func observedChanges(w world, p change.Proposal, options []policyset.Options, questions []clients.Question) error {
	for i, q := range questions {
		after, err := propose.Planned(w.model, options[i])
		if err != nil {
			return err
		}
		observed := q.CutOff(w.model, after, p.Previews[i].Access.Loses)
		p.Previews[i].Observed = &observed
	}
	return nil
}

// confirmCutOff asks again, by name, where sessions are open that would be cut off.
func (o *lockdownOptions) confirmCutOff(p change.Proposal) error {
	if o.yes {
		return nil
	}
	for _, preview := range p.Previews {
		if preview.Observed == nil {
			continue
		}
		for _, c := range preview.Observed.CutOff {
			if n := c.Sessions(); n > 0 {
				if err := o.ask(fmt.Sprintf("%s is connected to %s (sessions: %d) and will be cut off. Go on", terminal.Escape(c.Name()), terminal.Escape(preview.Metadata.Name), n)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
