package assess

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// ManagedForOperator are the policies that lockdown manages for the operator of a namespace.
func ManagedForOperator(m *model.Model, namespace string) []*ciliumv2.CiliumNetworkPolicy {
	var out []*ciliumv2.CiliumNetworkPolicy
	for i := range m.Inventory().Policies {
		p, ok := m.Inventory().Policies[i].Object.(*ciliumv2.CiliumNetworkPolicy)
		if ok && p.Namespace == namespace && policyset.IsManaged(p.Labels, policyset.OperatorSet) {
			out = append(out, p)
		}
	}
	return out
}

// OperatorSets are the namespaces in which lockdown manages the set of an operator, in order.
func OperatorSets(m *model.Model) []string {
	found := map[string]bool{}
	for i := range m.Inventory().Policies {
		p := &m.Inventory().Policies[i]
		if p.Kind == v1alpha1.CiliumNetworkPolicy && policyset.IsManaged(p.Labels, policyset.OperatorSet) {
			found[p.Namespace] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// operatorSetFindings are about the sets that lockdown manages for operators, whichever cluster is asked about.
func operatorSetFindings(m *model.Model) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	for _, namespace := range OperatorSets(m) {
		if named := m.Options().OperatorNamespace; named != "" && named != namespace {
			continue // Of the others, nothing is known then.
		}
		out = append(out, operatorSetFinding(m, namespace)...)
	}
	return out
}

func operatorSetFinding(m *model.Model, namespace string) []v1alpha1.Finding {
	live := ManagedForOperator(m, namespace)
	options, err := policyset.FromLive(OperatorKey(namespace), live)
	repair := command.Plugin("lockdown").With(policyset.Flags(options)...)
	if err != nil {
		return []v1alpha1.Finding{finding(v1alpha1.SetDrifted, v1alpha1.SeverityWarning,
			fmt.Sprintf("the policies that lockdown manages for the operator in %q can't be compared with what it would apply: %v", namespace, err), command.Run(repair))}
	}
	if len(operatorsIn(m, namespace)) == 0 {
		if m.Inventory().Origin == inventory.Manifests || len(m.MissingAt("deployments", namespace)) > 0 || len(m.MissingAt("pods", namespace)) > 0 {
			return nil // It may be there.
		}
		return []v1alpha1.Finding{finding(v1alpha1.OrphanedPolicy, v1alpha1.SeverityWarning,
			fmt.Sprintf("%s kept for an operator in namespace %q, where none was seen; a new one would be locked down at once",
				plural(len(live), "policy is", "policies are"), namespace),
			command.Run(command.Plugin("unlock").With(policyset.FlagOperator, policyset.FlagOperatorNamespace+"="+namespace)))}
	}
	wanted, err := ForOperator(m, options, namespace)
	var set []policyset.Policy
	if err == nil {
		set, err = policyset.Build(wanted)
	}
	var drifted map[string][]string
	if err == nil {
		drifted, err = policyset.Drift(live, wanted)
	}
	if err != nil {
		return []v1alpha1.Finding{finding(v1alpha1.SetDrifted, v1alpha1.SeverityWarning,
			fmt.Sprintf("the policies that lockdown manages for the operator in %q can't be compared with what it would apply: %s", namespace, inOneLine(err)), command.Run(repair))}
	}
	var out []v1alpha1.Finding
	var missing []string
	for _, p := range slices.Backward(set) {
		if !slices.ContainsFunc(live, func(have *ciliumv2.CiliumNetworkPolicy) bool { return have.Name == p.Object.Name }) {
			missing = append(missing, fmt.Sprintf("%s (%s)", p.Object.Name, p.Why))
		}
	}
	if len(missing) > 0 {
		out = append(out, finding(v1alpha1.SetIncomplete, v1alpha1.SeverityWarning,
			fmt.Sprintf("the set that lockdown manages for the operator in %q is incomplete: %s missing", namespace, few(missing)+isAre(len(missing))), command.Run(repair)))
	}
	for _, name := range slices.Sorted(maps.Keys(drifted)) {
		out = append(out, at(finding(v1alpha1.SetDrifted, v1alpha1.SeverityWarning,
			fmt.Sprintf("CiliumNetworkPolicy %q of the operator in %q was changed after lockdown applied it: %s", name, namespace, strings.Join(drifted[name], ", ")), command.Run(repair)),
			fieldOf(v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: namespace, Name: name}, "spec")))
	}
	return out
}

func isAre(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// inOneLine is an error of several lines as one.
func inOneLine(err error) string {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return err.Error()
	}
	var parts []string
	for _, one := range joined.Unwrap() {
		parts = append(parts, one.Error())
	}
	return strings.Join(parts, "; ")
}
