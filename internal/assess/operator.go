package assess

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// statusPortName is what CloudNativePG's pods call port 8000 (pkg/specs/pods.go).
const statusPortName = "status"

// flowOf asks for one operator. What depends on where it runs, or on labels of its pods, is unknown where that was not
// seen: a guess is no evidence, neither that it gets in nor that it does not.
func flowOf(m *model.Model, op model.Operator, targets []model.End) v1alpha1.RequiredFlow {
	f := flow(m, v1alpha1.FlowOperator, "operator", cnpg.StatusPort, op.Ends, targets)
	unknown := func(why string) v1alpha1.RequiredFlow {
		f.Verdict, f.Message = v1alpha1.VerdictUnknown, why
		return f
	}
	switch {
	case op.Presumed() && (f.Verdict != v1alpha1.VerdictAllowed || !lessThanNobody(m, targets) && !everyPodGetsIn(m, op, targets)):
		if many := m.TooManyOperators(); many > 0 {
			return unknown(fmt.Sprintf("%s; name the right one's namespace with --operator-namespace", tooManyOperators(many)))
		}
		return unknown(fmt.Sprintf("no operator was seen: namespace %q is a guess; name the right one with --operator-namespace", op.Namespace))
	case f.Verdict == v1alpha1.VerdictDenied && op.Assumed && len(op.PodLabels) == 0 && mayBeMeant(m, op, targets):
		return unknown(fmt.Sprintf("of the operator in %q nothing is known but its namespace, and a rule lets in pods of it by labels", op.Namespace))
	}
	return f
}

func tooManyOperators(seen int) string {
	return fmt.Sprintf("%d operators were seen, and more than %d are not asked about", seen, model.MostOperators)
}

// lessThanNobody is true when each of the targets lets in whoever comes because no policy restricts it, so that it does not matter who.
func lessThanNobody(m *model.Model, targets []model.End) bool {
	return !slices.ContainsFunc(targets, func(t model.End) bool {
		if t.Unmanaged || t.Identity == nil {
			return false
		}
		if slices.ContainsFunc(m.Engine().Selections(t.Identity), func(s engine.Selection) bool { return s.DeniesIngress }) {
			return true // It may be one of those who were not seen.
		}
		r := m.Engine().Reach(t.Identity, cnpg.StatusPort)
		return !r.Uniform || !r.Free || len(r.Listed) > 0
	})
}

// everyPodGetsIn is true when each of the targets lets in every pod of the Kubernetes cluster, and nothing may restrict
// what the operator opens, wherever it runs.
func everyPodGetsIn(m *model.Model, op model.Operator, targets []model.End) bool {
	for _, index := range m.Engine().PoliciesFor("") {
		if m.Engine().Policies()[index].RestrictsEgress() {
			return false
		}
	}
	anybody := m.Unlabelled(op.Namespace)
	return anybody != nil && !slices.ContainsFunc(targets, func(t model.End) bool {
		return !t.Unmanaged && t.Identity != nil && !m.Engine().AdmitsEveryPod(t.Identity, anybody, cnpg.StatusPort)
	})
}

// mayBeMeant tells whether a policy at the targets names the operator's namespace: it may be for the labels that the
// operator has. One that was seen in its place would be recognised.
func mayBeMeant(m *model.Model, op model.Operator, targets []model.End) bool {
	return slices.ContainsFunc(targets, func(t model.End) bool {
		if t.Identity == nil {
			return false
		}
		return slices.ContainsFunc(m.Engine().Selections(t.Identity), func(s engine.Selection) bool {
			return slices.Contains(m.Engine().Policies()[s.Policy].PeerNamespaces(), op.Namespace)
		}) || op.Typical() != nil && m.Engine().Decide(op.Typical(), t.Identity, cnpg.StatusPort).Verdict == v1alpha1.VerdictAllowed
	})
}

// operatorFlag is what a lockdown command needs where no operator was seen: it asks, and policies are not made of a
// guess. A namespace that the user has named is the answer.
func operatorFlag(m *model.Model, o *policyset.Options) []string {
	if len(o.OperatorNamespaces) > 0 {
		return nil
	}
	if named := m.Options().OperatorNamespace; named != "" && len(operatorsElsewhere(m, named)) == 0 {
		o.OperatorNamespaces = []string{named}
		return nil
	}
	if len(Operators(m)) == 0 {
		return []string{policyset.FlagOperatorNamespace, "NAMESPACE"}
	}
	return nil
}

// operatorsElsewhere are the namespaces other than this one in which an operator was seen.
func operatorsElsewhere(m *model.Model, namespace string) []string {
	var out []string
	for _, op := range m.Inventory().Operators {
		if op.FoundBy != namedByUser {
			out = append(out, op.Namespace)
		}
	}
	for _, op := range m.OperatorPods() {
		out = append(out, op.Namespace)
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(ns string) bool { return ns == namespace })
}

// namedByUser is how an operator was found that only the flag tells of (inventory.SelectOperators).
const namedByUser = policyset.FlagOperatorNamespace
