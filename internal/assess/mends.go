package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// mends is the lockdown after which the cluster's pods reach what its set keeps them from: the one with the flags that the
// set was made with, because the specs have changed since, or the one with flags that say what the specs don't. False when
// neither does, by the engine, and where the set does not restrict egress.
func mends(m *model.Model, c *model.Cluster, f v1alpha1.RequiredFlow) (command.Line, bool) {
	options, err := policyset.FromLive(c.Key(), Managed(m, c))
	if err != nil || !options.Egress {
		return command.Line{}, false
	}
	var answers []policyset.Grant
	_, unanswered := Outlets(m, c.Key())
	for _, u := range unanswered {
		if u.Flow == f.Name && u.To == f.To {
			answers = append(answers, grantsOf(u.Flags)...)
		}
	}
	for _, grants := range [][]policyset.Grant{nil, answers} {
		with := options
		for _, g := range grants {
			if !slices.Contains(with.Grants, g) {
				with = with.With(g)
			}
		}
		if opens(m, c, f, Surrounded(m, with, c.Key())) {
			return repairCommand(m, c, func(o *policyset.Options) { o.Grants = with.Grants }), true
		}
	}
	return command.Line{}, false
}

// grantsOf are the grants of flags, those left out that have something to be filled in.
func grantsOf(flags []string) []policyset.Grant {
	var out []policyset.Grant
	for _, flag := range flags {
		o, err := policyset.Parse(policyset.FlagValues{Egress: true, Allow: []string{flag}})
		if err == nil && strings.ToLower(flag) == flag {
			out = append(out, o.Grants...)
		}
	}
	return out
}

// operatorMends is the lockdown of the operator after which it reaches, or is reached by, what its own set keeps it from;
// false when that does not help, by the engine, for flows of others, and where no set is there.
func operatorMends(m *model.Model, c *model.Cluster, f v1alpha1.RequiredFlow) (command.Line, bool) {
	if f.Name != v1alpha1.FlowWebhook && f.Name != v1alpha1.FlowOperator {
		return command.Line{}, false
	}
	for _, namespace := range OperatorSets(m) {
		options, err := policyset.FromLive(OperatorKey(namespace), ManagedForOperator(m, namespace))
		if err != nil {
			continue
		}
		wanted, err := ForOperator(m, options, namespace)
		if err != nil {
			continue
		}
		set, err := policyset.Build(wanted)
		if err == nil && allowedWith(m, c, f, set, func(p policyset.Policy) bool { return !p.Role.Denies() }) {
			return command.Plugin("lockdown").With(policyset.Flags(options)...), true
		}
	}
	return command.Line{}, false
}

// opens tells whether the flow is allowed when what lockdown with the options lets out to is added to what is there.
func opens(m *model.Model, c *model.Cluster, f v1alpha1.RequiredFlow, o policyset.Options) bool {
	o.DetectedOperators, _ = operatorsFor(m, c, o)
	set, err := policyset.Build(o)
	return err == nil && allowedWith(m, c, f, set, func(p policyset.Policy) bool { return p.Role == policyset.EgressAccess })
}

// allowedWith tells whether the flow is allowed when some policies of a set are added to what is there.
func allowedWith(m *model.Model, c *model.Cluster, f v1alpha1.RequiredFlow, set []policyset.Policy, some func(policyset.Policy) bool) bool {
	var added []inventory.Policy
	for i, p := range set {
		if !some(p) {
			continue
		}
		// One of its name may be there, as it was for what the spec asked for then.
		object := p.Object.DeepCopy()
		object.Name = fmt.Sprintf("addition-%d", i)
		added = append(added, inventory.Policy{PolicyReference: policyset.Policy{Object: object}.Reference(), Object: object})
	}
	then, err := m.Near(c, aroundOf(m, c), added)
	if err != nil {
		return false
	}
	return v1alpha1.Verdicts(RequiredFlows(then, c))[f.Key()] == v1alpha1.VerdictAllowed
}
