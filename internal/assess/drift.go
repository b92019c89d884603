package assess

import (
	"errors"
	"maps"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// drifted are the differences between the cluster's managed policies and what lockdown would apply
// with the flags that the policies themselves record, by name. A policy that lockdown would not
// apply at all is left to SET_INCOMPLETE and to the next lockdown.
func drifted(m *model.Model, c *model.Cluster) (map[string]string, error) {
	live := Managed(m, c)
	options, err := policyset.FromLive(c.Key(), live)
	if errors.Is(err, policyset.ErrNotLocked) {
		return nil, nil
	}
	operators, assumed := operatorsFor(m, c, options)
	paths, driftErr := policyset.Drift(live, options.For(c.Key(), operators).Around(Agents(m)))
	if err := errors.Join(err, driftErr); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, differences := range paths {
		if assumed && letsOperatorIn(live, name) {
			continue
		}
		out[name] = strings.Join(differences, ", ")
	}
	return out, nil
}

// operatorsFor are the operators to make the cluster's set with, for a comparison only. Assumed is true where none was
// seen or named: what the other policies are does not depend on where it is.
func operatorsFor(m *model.Model, c *model.Cluster, o policyset.Options) (operators []policyset.Operator, assumed bool) {
	operators = Operators(m)
	if len(operators) == 0 && len(o.OperatorNamespaces) == 0 {
		return []policyset.Operator{{Namespace: c.Object.Namespace}}, true
	}
	return operators, false
}

// letsOperatorIn tells whether the managed policy of this name is the one for the operator.
func letsOperatorIn(live []*ciliumv2.CiliumNetworkPolicy, name string) bool {
	return slices.ContainsFunc(live, func(p *ciliumv2.CiliumNetworkPolicy) bool {
		role := policyset.Role(p.Labels[policyset.LabelPolicy])
		return p.Name == name && (role == policyset.InternalAccess || role == policyset.OperatorAccess)
	})
}

// Operators are the operators of a model as lockdown's rules select them: those that were seen by the
// labels that their template and the identities of their pods have in common. One that is only assumed is none: a
// guess is nothing that policies are made of.
func Operators(m *model.Model) []policyset.Operator {
	var out []policyset.Operator
	for _, op := range m.Operators() {
		if op.Presumed() {
			continue
		}
		selected := policyset.Operator{Namespace: op.Namespace, PodLabels: maps.Clone(op.PodLabels)}
		for _, end := range op.Ends {
			if end.Identity == nil || end.Identity.Namespace() == "" {
				continue // On its node's network, where no label is known.
			}
			known := end.Identity.Labels()
			maps.DeleteFunc(selected.PodLabels, func(key, value string) bool { return !slices.Contains(known, "k8s:"+key+"="+value) })
		}
		out = append(out, selected)
	}
	return out
}

// Managed are the policies that lockdown manages for the cluster; none for one that is not in the model.
func Managed(m *model.Model, c *model.Cluster) []*ciliumv2.CiliumNetworkPolicy {
	if c == nil {
		return nil
	}
	var out []*ciliumv2.CiliumNetworkPolicy
	for _, index := range m.Engine().PoliciesFor(c.Object.Namespace) {
		p, ok := m.Inventory().Policies[index].Object.(*ciliumv2.CiliumNetworkPolicy)
		if ok && p.Namespace == c.Object.Namespace && policyset.IsManaged(p.Labels, c.Object.Name) {
			out = append(out, p)
		}
	}
	return out
}
