package change

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// notLocked is the subject of the notes on what keeps a cluster from being LOCKED.
const notLocked = "Not LOCKED"

// ProposeRehearsal proposes the sets that the options ask for without their default deny; RehearsedSince of the options
// says since when. The error says why that can't be rehearsed: nobody may lose anything by it, at no step.
func ProposeRehearsal(m *model.Model, options []policyset.Options) (Proposal, error) {
	p, err := ProposeLockdown(m, options)
	if err != nil {
		return p, err
	}
	if err := withoutDefaultDeny(p.Plan); err != nil {
		return p, err
	}
	if err := cutsOffNobody(m, p.Plan); err != nil {
		return p, err
	}
	p.Previews = slices.Clone(p.Previews)
	for i := range p.Previews {
		notes := slices.DeleteFunc(slices.Clone(p.Previews[i].Notes), func(n v1alpha1.ChangeNote) bool { return n.Subject == notLocked })
		p.Previews[i].Notes = slices.Concat(notes, rehearsalNotes(m, options[i]))
	}
	return p, nil
}

// withoutDefaultDeny says which default deny of lockdown's is there: that is a lockdown, and taking it away is unlock's.
func withoutDefaultDeny(plan Plan) error {
	var errs []error
	for _, s := range plan.Steps {
		if s.Before != nil && isDefaultDeny(s.Before) && !keeps(s) {
			errs = append(errs, fmt.Errorf("default deny is there already (policy %q), so that there is nothing to rehearse: leave out --rehearse, or unlock first", s.Policy.Name))
		}
	}
	return errors.Join(errs...)
}

// keeps is true when what a step leaves is still the policy of all of its clusters.
func keeps(s Step) bool {
	return s.After != nil && !slices.ContainsFunc(s.Clusters, func(c types.NamespacedName) bool { return !policyset.IsManaged(s.After.Labels, c.Name) })
}

// cutsOffNobody looks with the engine at every state that a plan leads through, and says who would lose what.
func cutsOffNobody(m *model.Model, plan Plan) error {
	flows := map[*model.Cluster]map[v1alpha1.FlowKey]v1alpha1.Verdict{}
	for _, c := range m.Clusters() {
		flows[c] = v1alpha1.Verdicts(assess.RequiredFlows(m, c))
	}
	seen := map[*model.Model][]deniedPeer{}
	w := plan.walk(m, m.Inventory().Policies, func(then *model.Model, c *model.Cluster, step Step) []string {
		var out []string
		if lost := Losers(m, then, c); len(lost) > 0 {
			out = append(out, fmt.Sprintf("%s would lose access to cluster %q with policy %q (%s), and a rehearsal cuts off nobody", clientWords(lost), c.Object.Name, step.Policy.Name, step.Action))
		}
		for _, f := range assess.RequiredFlows(then, c) {
			if flows[c][f.Key()] == v1alpha1.VerdictAllowed && f.Verdict != v1alpha1.VerdictAllowed {
				out = append(out, fmt.Sprintf("the flow %s of cluster %q would be %s with policy %q (%s), and a rehearsal takes nothing away", f.Name, c.Object.Name, f.Verdict, step.Policy.Name, step.Action))
			}
		}
		if _, known := seen[then]; !known {
			seen[then] = denied(m, then, nil)
		}
		for _, b := range bystanders(m, seen[then], c) {
			if b.DefaultDenyAfter {
				out = append(out, fmt.Sprintf("what no rule allows would be denied at %s of namespace %q with policy %q (%s), and a rehearsal takes nothing away", b.Workload, b.Namespace, step.Policy.Name, step.Action))
			}
		}
		return out
	})
	if fine, err := w.fine(true); err != nil || fine {
		return err
	}
	for n := 1; n <= w.longest(); n++ {
		found, err := w.at(n)
		if err != nil || len(found) > 0 {
			// What the next steps would do follows from it.
			errs := []error{err}
			for _, text := range found {
				errs = append(errs, errors.New(text))
			}
			return errors.Join(errs...)
		}
	}
	return nil
}

// rehearsalNotes say what a rehearsal is, and where it can tell nothing.
func rehearsalNotes(m *model.Model, o policyset.Options) []v1alpha1.ChangeNote {
	out := []v1alpha1.ChangeNote{{
		Subject: "Rehearsal",
		Message: "default deny is left out, so that nobody loses access; Cilium reports of every new connection whether these policies let it in",
	}}
	if o.InForce {
		out[0].Message = "the default deny of egress is left out, so that nothing is denied that the pods open; Cilium reports of every new connection whether these policies let it out"
	}
	denying := 0
	c := m.Cluster(o.Cluster)
	if c == nil {
		return out
	}
	for _, member := range c.Members {
		if deny, _ := m.Engine().DefaultDeny(member.Identity); deny {
			denying++
		}
	}
	if denying > 0 && !o.InForce {
		out = append(out, v1alpha1.ChangeNote{
			Subject: "Denied already",
			Message: fmt.Sprintf("%d of the cluster's %d pods have the default deny of other policies, so that whom these deny is not seen to connect there", denying, len(c.Members)),
		})
	}
	return out
}

// RefuseSeen is the proposal of lockdowns with a refusal for each client that was seen to use a cluster and would be cut
// off, of those clusters whose rehearsal they end.
func (p Proposal) RefuseSeen(rehearsed []types.NamespacedName) Proposal {
	p.Previews, p.Refusals = slices.Clone(p.Previews), slices.Clone(p.Refusals)
	for i, preview := range p.Previews {
		if preview.Observed == nil || !slices.Contains(rehearsed, keyOfCluster(preview)) {
			continue
		}
		for _, reach := range preview.Observed.Loses {
			if reach.Verdict != v1alpha1.VerdictDenied {
				continue // Whether it is cut off is not known, and the preview has it.
			}
			r := v1alpha1.Refusal{
				Reason:  v1alpha1.RefusalClientSeen,
				Message: fmt.Sprintf("%s of cluster %q were seen to connect to %s during the rehearsal or before, and nothing lets them out to it", reach.From, preview.Metadata.Name, reach.Name()),
			}
			if reach.Flag != "" {
				r.Message += ": " + command.Quote(reach.Flag) + " does"
			}
			p.Previews[i].Refusals = append(slices.Clip(p.Previews[i].Refusals), r)
			p.Refusals = append(p.Refusals, r)
		}
		for _, client := range preview.Observed.CutOff {
			if client.Entity == "" && client.Workload == "" {
				continue // A session that may be left over from a pod that is gone: nobody was seen, and the preview has it.
			}
			used := 0
			for _, t := range client.Targets {
				if t.Used() && t.Verdict != v1alpha1.VerdictAllowed {
					used++
				}
			}
			if used == 0 {
				continue // It refers to the cluster, and was not seen.
			}
			r := v1alpha1.Refusal{
				Reason:  v1alpha1.RefusalClientSeen,
				Message: fmt.Sprintf("%s was seen to use cluster %q during the rehearsal or before, and no flag lets it in", client.Name(), preview.Metadata.Name),
			}
			p.Previews[i].Refusals = append(slices.Clip(p.Previews[i].Refusals), r)
			p.Refusals = append(p.Refusals, r)
		}
	}
	return p
}
