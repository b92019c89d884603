package change

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/clients"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/propose"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// glancedAtMost is at how many clusters is glanced: each takes a moment.
const glancedAtMost = 3

// observed gathers the evidence about the clusters, and returns the world with the clients of which no pod is there. A
// cluster that was only glanced at, without seeing anything, has no question.
func observed(ctx context.Context, source *kit.Source, e *kit.Evidence, w world, namespace string, keys []types.NamespacedName) (world, map[types.NamespacedName]clients.Question, error) {
	questions := map[types.NamespacedName]clients.Question{}
	extra := model.Extra{}
	inv := w.inv
	if e.Quiet() && len(keys) > glancedAtMost {
		return w, nil, nil
	}
	for _, key := range keys {
		evidence, err := e.Gather(ctx, w.inv, key)
		if err != nil {
			return w, nil, err
		}
		if len(evidence.Coverage) == 0 {
			continue
		}
		var q clients.Question
		q, inv = clients.Ask(inv, key, evidence)
		questions[key] = q
		extra.Pods = append(extra.Pods, q.Extra().Pods...)
		extra.Prefixes = append(extra.Prefixes, q.Extra().Prefixes...)
		extra.Peers = append(extra.Peers, q.Extra().Peers...)
	}
	if len(questions) == 0 {
		return w, nil, nil
	}
	m, err := model.New(inv, model.Options{Namespace: namespace, OperatorNamespace: source.OperatorNamespace, Extra: extra})
	return world{inv, m}, questions, err
}

// observedChanges adds to the previews what the evidence says about those clusters for which there is any. Of a
// rehearsal, it says whom the lockdown would cut off.
func observedChanges(w world, p change.Proposal, options []policyset.Options, questions map[types.NamespacedName]clients.Question) error {
	for i, one := range options {
		q, asked := questions[one.Cluster]
		if !asked {
			continue
		}
		one.RehearsedSince = time.Time{}
		after, err := propose.Planned(w.model, one)
		if err != nil {
			return err
		}
		observed := q.CutOff(w.model, after, p.Previews[i].Access().Loses)
		p.Previews[i].Observed = &observed
	}
	return nil
}

// confirmCutOff asks again, by name, where sessions are open that would be cut off.
func (o *lockdownOptions) confirmCutOff(p change.Proposal) error {
	if o.yes || o.rehearse {
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
