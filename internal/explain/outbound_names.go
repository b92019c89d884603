package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// doubtName is for rules by names, toFQDNs: agents know the addresses only of names that a pod has asked for
// through their DNS proxy, where rules for DNS send it.
func (o *Outbound) doubtName(from model.End, name string, d engine.Direction) engine.Direction {
	if d.Verdict != v1alpha1.VerdictAllowed || len(d.Rules) == 0 {
		return d
	}
	byName := func(r engine.Rule) bool {
		fields, ok := o.Model.ContentAt(r).(map[string]any)
		return ok && fields["toFQDNs"] != nil
	}
	if slices.ContainsFunc(d.Rules, func(r engine.Rule) bool { return !byName(r) }) {
		return d
	}
	var why string
	switch {
	case !o.Model.Inventory().Settings.L7Proxy:
		why = "Cilium's option enable-l7-proxy is off, so that it never sees names"
	case !o.SeesNames(from):
		why = fmt.Sprintf("no rule that allows it to ask DNS has rules.dns, by which Cilium would see what address %s has", name)
	default:
		return d
	}
	return engine.Direction{
		Verdict: v1alpha1.VerdictUnknown, Rules: d.Rules,
		Reason: fmt.Sprintf("%s of %s allows by a name: %s", d.Rules[0].Path, d.Rules[0].PolicyReference, why),
	}
}

// SeesNames tells whether what the pod asks DNS, somewhere where DNS is or may be, passes Cilium's DNS proxy.
func (o *Outbound) SeesNames(from model.End) bool {
	return slices.ContainsFunc(o.Destination.lookups, func(to Destined) bool {
		return slices.ContainsFunc(to.Alternatives, func(a Alternative) bool {
			d := o.reach(from, a).Egress
			return d.Verdict == v1alpha1.VerdictAllowed && d.L7 && slices.ContainsFunc(d.Rules, func(r engine.Rule) bool {
				return slices.Contains(model.L7Rules(o.Model.ContentAt(r)), "dns")
			})
		})
	})
}

// nameNotes say that a name has to be resolved, where that is denied.
func (o *Outbound) nameNotes() []string {
	t := o.Destination.Target
	named := t.form == toService || t.form == toHost && t.Name() != t.host
	if !named {
		return nil
	}
	var cut []string
	for _, from := range o.Origins {
		if slices.ContainsFunc(o.Destination.lookups, func(to Destined) bool {
			return !to.Advisory && o.Decide(from, to).Verdict == v1alpha1.VerdictDenied
		}) {
			cut = append(cut, from.Name)
		}
	}
	if len(cut) == 0 {
		return nil
	}
	who := strings.Join(cut, ", ")
	if len(cut) == len(o.Origins) {
		who = "all of them"
	}
	return []string{fmt.Sprintf("whoever connects by a name asks DNS first, and that is denied to %s: --to dns explains it", who)}
}

// Lookups are how the database resolves names.
func (o *Outbound) Lookups() []Destined { return o.Destination.lookups }
