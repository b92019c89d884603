package change

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// restrictsEgress completes the preview of a lockdown with what it means for what the cluster's pods open: what no rule can
// let out to is asked for, and what rules take to work is said.
func restrictsEgress(m *model.Model, o policyset.Options, p Preview) Preview {
	p.Notes, p.Refusals = slices.Clone(p.Notes), slices.Clone(p.Refusals)
	if !o.Egress {
		p.Notes = append(p.Notes, givesUpEgress(m, o)...)
		return p
	}
	p.Notes = append(p.Notes, v1alpha1.ChangeNote{Subject: "Egress", Message: reaches(o)})
	if o.Names() {
		p.Notes = append(p.Notes, names(o))
	}
	_, unanswered := assess.Outlets(m, o.Cluster)
	for _, u := range unanswered {
		p = asked(o, p, u)
	}
	if !m.Inventory().Settings.L7Proxy {
		for _, g := range o.Grants {
			if g.Kind == policyset.EgressName {
				p.Refusals = append(p.Refusals, v1alpha1.Refusal{Reason: v1alpha1.RefusalEgressUnknown, Message: fmt.Sprintf(
					"Cilium's DNS proxy is off (enable-l7-proxy), so that the rule of %s lets nothing out: give the addresses with --allow-egress-cidr instead", command.Quote(g.Argument()))})
			}
		}
	}
	return p
}

// asked refuses a lockdown that would cut off what no rule can let out to, and says which flag answers. With such a flag, it
// is the user's word that counts: the flow stays unknown, and lockdown goes on.
func asked(o policyset.Options, p Preview, u assess.Unanswered) Preview {
	verdict := v1alpha1.VerdictDenied
	for _, f := range p.RequiredFlows {
		if f.Name != u.Flow || f.To != u.To {
			continue
		}
		if verdict = f.After; verdict == v1alpha1.VerdictAllowed {
			return p
		}
		p.Refusals = slices.DeleteFunc(p.Refusals, func(r v1alpha1.Refusal) bool {
			return r.Reason == v1alpha1.RefusalFlowBlocked && strings.HasPrefix(r.Message, blockedFlow(f.Name, f.From, f.To)+" ")
		})
	}
	what := u.To
	if u.Field != "" {
		what = fmt.Sprintf("%s (%s)", u.To, u.Field)
	}
	var named []string
	for _, g := range o.Grants {
		if g.Direction() == policyset.Egress {
			named = append(named, command.Quote(g.Argument()))
		}
	}
	if len(named) > 0 && verdict == v1alpha1.VerdictUnknown {
		p.Notes = append(p.Notes, v1alpha1.ChangeNote{Subject: "On your word", Message: fmt.Sprintf(
			"whether %s can be reached is not known, because %s; what lets out to it is %s at most", what, u.Why, strings.Join(named, ", "))})
		return p
	}
	p.Refusals = append(p.Refusals, v1alpha1.Refusal{Reason: v1alpha1.RefusalEgressUnknown, Message: fmt.Sprintf(
		"no rule can be made for %s, because %s: say where it is with %s", what, u.Why, command.Quote(u.Flags...))})
	return p
}

// reaches says where the cluster's pods can connect to by the set.
func reaches(o policyset.Options) string {
	var to []string
	for _, out := range o.AllOutlets() {
		if out.Purpose != policyset.Names && !slices.Contains(to, out.What) {
			to = append(to, out.What)
		}
	}
	for _, g := range o.Grants {
		if g.Direction() == policyset.Egress {
			to = append(to, g.Value)
		}
	}
	return fmt.Sprintf("what the cluster's pods open is denied but to %s and %s; poolers reach the first three alone",
		strings.Join(to[:len(to)-1], ", "), to[len(to)-1])
}

// names says what it takes that rules name something outside.
func names(o policyset.Options) v1alpha1.ChangeNote {
	var called []string
	for _, out := range o.Outlets {
		for _, place := range out.Places {
			if place.Name != "" {
				called = append(called, place.Name)
			}
		}
	}
	for _, g := range o.Grants {
		if g.Kind == policyset.EgressName {
			called = append(called, g.Value)
		}
	}
	slices.Sort(called)
	return v1alpha1.ChangeNote{Subject: "Names", Message: fmt.Sprintf(
		"instances and jobs are let out to %s by name: the Cilium agent of their node resolves names for them from then on, and nobody while it is down; connections that are open to an address that was not resolved since are cut",
		strings.Join(slices.Compact(called), ", "))}
}

// givesUpEgress says that a lockdown takes back what an earlier one has restricted.
func givesUpEgress(m *model.Model, o policyset.Options) []v1alpha1.ChangeNote {
	former, err := policyset.FromLive(o.Cluster, assess.Managed(m, m.Cluster(o.Cluster)))
	if err != nil || !former.Egress {
		return nil
	}
	return []v1alpha1.ChangeNote{{
		Subject: "Egress",
		Message: "the lockdown before restricts what the cluster's pods open, and this one does not: they can connect to wherever no other policy denies it",
		Remedy:  command.Run(command.Flags(policyset.FlagEgress)),
	}}
}

// LockedForGood tells whether the default deny of ingress is there for a cluster and does not end by itself, and that of
// egress is not, or ends: a rehearsal and a trial are about egress alone then.
func LockedForGood(m *model.Model, key types.NamespacedName) bool {
	forGood := map[policyset.Role]bool{}
	for _, p := range assess.Managed(m, m.Cluster(key)) {
		_, timed := policyset.TimerOf(p)
		forGood[policyset.Role(p.Labels[policyset.LabelPolicy])] = !timed
	}
	return forGood[policyset.DefaultDeny] && !forGood[policyset.EgressDefaultDeny]
}
