package change

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// OnTrial is the proposal of a lockdown, or of its rehearsal, that ends by itself unless it is confirmed, with a note on
// what is left then. The error says why it can't end by itself: only a deletion can be timed, so that what a lockdown takes
// away has to come back when its default deny goes. All of a rehearsal goes: as its policies deny nothing, it does not
// matter which of them the garbage collector takes first.
func (p Proposal) OnTrial(before *model.Model, within string) (Proposal, error) {
	what, goes := "rehearsal", "all of its policies go"
	switch {
	case slices.ContainsFunc(p.Plan.Steps, func(s Step) bool { return s.IsDefaultDeny() && endsWithTimer(s.After) }):
		what, goes = "lockdown", "default deny goes"
	case slices.ContainsFunc(p.Plan.Steps, Step.IsDefaultDeny):
		goes = "all of its policies for egress go"
	}
	var errs []error
	for _, s := range p.Plan.Steps {
		errs = append(errs, checkTimed(s)...)
	}
	if err := errors.Join(errs...); err != nil {
		return p, err
	}
	end, err := before.With(Ended(p.Plan.After(before.Inventory().Policies, len(p.Plan.Steps))))
	if err != nil {
		return p, err
	}
	p.Previews = slices.Clone(p.Previews)
	for i, preview := range p.Previews {
		c := before.Cluster(keyOfCluster(preview))
		if c == nil {
			continue
		}
		errs = append(errs, notBack(before, end, c, what)...)
		p.Previews[i].Notes = append(slices.Clip(preview.Notes), v1alpha1.ChangeNote{
			Subject: "Ends by itself",
			Message: fmt.Sprintf("unless it is confirmed within %s, %s, and the cluster is %s", within, goes, assess.Report(end, c).Posture),
		})
	}
	return p, errors.Join(errs...)
}

// notBack is what a cluster had before, and has not when everything timed has ended.
func notBack(before, end *model.Model, c *model.Cluster, what string) []error {
	var errs []error
	if lost := Losers(before, end, c); len(lost) > 0 {
		errs = append(errs, fmt.Errorf("%s would have no access to cluster %q when the %s has ended by itself, and has now: leave out --confirm-within",
			clientWords(lost), c.Object.Name, what))
	}
	was := v1alpha1.Verdicts(assess.RequiredFlows(before, c))
	for _, f := range assess.RequiredFlows(end, c) {
		if !f.Advisory && was[f.Key()] == v1alpha1.VerdictAllowed && f.Verdict != v1alpha1.VerdictAllowed {
			errs = append(errs, fmt.Errorf("the required flow %s of cluster %q would be %s when the %s has ended by itself, and is allowed now: leave out --confirm-within",
				f.Name, c.Object.Name, f.Verdict, what))
		}
	}
	return errs
}

// checkTimed says what is wrong with one step of a lockdown that is to end by itself.
func checkTimed(s Step) []error {
	var errs []error
	if s.Before != nil {
		if who := policyset.ManagedBy(s.Before); who != "" {
			errs = append(errs, fmt.Errorf("policy %q is kept by %s as well, which could bring back what ends: change it there, or leave out --confirm-within",
				s.Policy.Name, who))
		}
		if _, timed := policyset.TimerOf(s.Before); !timed && isDefaultDeny(s.Before) && !staysForGood(s.After) {
			errs = append(errs, fmt.Errorf("default deny is there for good already (policy %q), and only a lockdown that begins can end by itself: leave out --confirm-within, or unlock first",
				s.Policy.Name))
		}
	}
	if s.After != nil && isDefaultDeny(s.After) {
		if users := policyset.Users(s.After.Labels); len(users) > 1 {
			errs = append(errs, fmt.Errorf("policy %q is shared by the clusters %s, and can't end for one of them alone: leave out --confirm-within, or use --scope cluster",
				s.Policy.Name, strings.Join(users, ", ")))
		}
	}
	return errs
}

func isDefaultDeny(p *ciliumv2.CiliumNetworkPolicy) bool {
	return policyset.IsOurs(p.Labels) && policyset.Role(p.Labels[policyset.LabelPolicy]).Denies()
}

// staysForGood is true for the default deny of ingress that is there already when that of egress alone ends by itself.
func staysForGood(after *ciliumv2.CiliumNetworkPolicy) bool {
	if after == nil {
		return false
	}
	_, timed := policyset.TimerOf(after)
	return !timed
}

// clientWords names the first of some clients.
func clientWords(clients []v1alpha1.ClientChange) string {
	first := string(clients[0].Entity)
	if first == "" {
		first = fmt.Sprintf("%s of namespace %q", clients[0].Workload, clients[0].Namespace)
	}
	if len(clients) > 1 {
		return fmt.Sprintf("%s and %d more", first, len(clients)-1)
	}
	return first
}

// Ended are the policies that are left when all timers have ended.
func Ended(policies []inventory.Policy) []inventory.Policy {
	return slices.DeleteFunc(slices.Clone(policies), func(p inventory.Policy) bool {
		object, ok := p.Object.(*ciliumv2.CiliumNetworkPolicy)
		if !ok {
			return false
		}
		_, timed := policyset.TimerOf(object)
		return timed && policyset.IsOurs(p.Labels)
	})
}

// WithTimers is the plan with the UIDs of the timers, by name. A policy that is there, and ends with another Job of that
// name, has to be written.
func (plan Plan) WithTimers(uids map[types.NamespacedName]types.UID) Plan {
	plan.Steps = slices.Clone(plan.Steps)
	for i, s := range plan.Steps {
		if s.After == nil {
			continue
		}
		timed, ends := policyset.TimerOf(s.After)
		uid, known := uids[types.NamespacedName{Namespace: s.Policy.Namespace, Name: timed.Name}]
		if !ends || !known {
			continue
		}
		s.After = policyset.EndingWith(s.After, policyset.Timer{Name: timed.Name, UID: uid})
		if s.Action == v1alpha1.PolicyUnchanged && len(policyset.Differences(s.Before, s.After)) > 0 {
			s.Action = v1alpha1.PolicyUpdate
		}
		plan.Steps[i] = s
	}
	return plan
}

// Released are the timers that nothing ends with any more when the plan is carried out.
func (plan Plan) Released() []inventory.Timer {
	kept := map[types.NamespacedName]bool{}
	for _, s := range plan.Steps {
		if s.After != nil {
			if timed, ends := policyset.TimerOf(s.After); ends {
				kept[types.NamespacedName{Namespace: s.Policy.Namespace, Name: timed.Name}] = true
			}
		}
	}
	var out []inventory.Timer
	for _, s := range plan.Steps {
		if s.Before == nil {
			continue
		}
		timed, ends := policyset.TimerOf(s.Before)
		key := types.NamespacedName{Namespace: s.Policy.Namespace, Name: timed.Name}
		if ends && !kept[key] {
			kept[key] = true
			out = append(out, inventory.Timer{Namespace: key.Namespace, Name: key.Name, UID: timed.UID})
		}
	}
	return out
}
