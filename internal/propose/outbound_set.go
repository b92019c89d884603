package propose

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// bySet is the lockdown after which the cluster reaches its target, where lockdown restricts what it opens: with the flags that
// it was locked with, which may restore what has drifted, or with further ones for what is denied. False where none does: the
// target itself lets nobody in, or poolers ask, which flags let out to nothing.
func bySet(o *explain.Outbound, denied []denial) (command.Line, bool) {
	options, err := policyset.FromLive(o.Cluster.Key(), assess.Managed(o.Model, o.Cluster))
	if err != nil || !options.Egress || !options.RehearsedSince.IsZero() {
		return command.Line{}, false // What can't be read of a set is what status says.
	}
	candidates := []policyset.Options{options}
	if more, ok := lettingOut(o, options, denied); ok {
		candidates = append(candidates, more)
	}
	for _, candidate := range candidates {
		after, err := Planned(o.Model, assess.Surrounded(o.Model, candidate, o.Cluster.Key()))
		if err != nil {
			return command.Line{}, false // No operator is known: lockdown would ask for it.
		}
		if len(denialsOf(o.Under(after))) == 0 && !harms(o.Model, after, o.Cluster) {
			return assess.BareLockdown(o.Cluster).With(policyset.Flags(candidate)...), true
		}
	}
	return command.Line{}, false
}

// lettingOut are the options with a grant for each end that is denied on the way out; false where one has none.
func lettingOut(o *explain.Outbound, options policyset.Options, denied []denial) (policyset.Options, bool) {
	for _, d := range denied {
		if d.decision.Egress.Verdict != v1alpha1.VerdictDenied {
			continue
		}
		for _, a := range d.to.Alternatives {
			if a.Port.Protocol != "" && a.Port.Protocol != corev1.ProtocolTCP {
				return options, false
			}
			g, ok := assess.OutletGrant(o.Model, a.Peer, a.Port.Number)
			if !ok {
				return options, false
			}
			if !slices.Contains(options.Grants, g) {
				options = options.With(g)
			}
		}
	}
	return options, true
}
