package assess

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// operatorFindings are about an operator that is not there, not where the policies expect it, or not alone in what is
// meant for it.
func operatorFindings(m *model.Model, c *model.Cluster, r *v1alpha1.IsolationReport) []v1alpha1.Finding {
	if len(m.Operators()) == 0 {
		return []v1alpha1.Finding{finding(v1alpha1.OperatorNotFound, v1alpha1.SeverityWarning,
			"no CloudNativePG operator was found: no Deployment labelled app.kubernetes.io/name=cloudnative-pg, and no webhook that names its Service",
			command.Words("Name its namespace:").Run(
				command.Plugin("status", c.Object.Name).In(c.Object.Namespace).With(policyset.FlagOperatorNamespace, "NAMESPACE")))}
	}
	var out []v1alpha1.Finding
	for _, op := range m.Operators() {
		elsewhere := operatorsElsewhere(m, op.Namespace)
		switch {
		case op.Presumed():
			whether := "so nobody can say whether it gets in"
			if slices.ContainsFunc(r.RequiredFlows, func(f v1alpha1.RequiredFlow) bool {
				return f.Name == v1alpha1.FlowOperator && f.Verdict == v1alpha1.VerdictAllowed
			}) {
				whether = "and every pod of the Kubernetes cluster gets in"
			}
			message, remedy := "no CloudNativePG operator is in what was read: where it runs is not known, ",
				"Add the operator's Deployment to the manifests, or name its namespace with --operator-namespace."
			if many := m.TooManyOperators(); many > 0 {
				message, remedy = tooManyOperators(many)+": which one looks after the cluster is not known, ", "Name the right one's namespace with --operator-namespace."
			}
			out = append(out, finding(v1alpha1.OperatorNotFound, v1alpha1.SeverityWarning, message+whether, command.Words(remedy)))
		case op.FoundBy == namedByUser && len(elsewhere) > 0:
			out = append(out, finding(v1alpha1.OperatorNotFound, v1alpha1.SeverityWarning,
				fmt.Sprintf("no operator was seen in namespace %q, which --operator-namespace names; one was seen in %q", op.Namespace, strings.Join(elsewhere, ", ")),
				command.Words("Leave --operator-namespace out, or correct it.")))
		}
		out = append(out, refusedForOperator(m, c, op)...)
		out = append(out, moreThanTheOperator(m, c, op)...)
	}
	if slices.ContainsFunc(r.RequiredFlows, func(f v1alpha1.RequiredFlow) bool {
		return f.Name == v1alpha1.FlowOperator && f.Verdict == v1alpha1.VerdictDenied
	}) {
		out = append(out, wrongNamespaces(m, c)...)
	}
	return out
}

// wrongNamespaces are those in which no operator runs and which a rule that is meant for one lets in: a rule to the port
// that only the operator needs, or by the labels that only the operator has.
func wrongNamespaces(m *model.Model, c *model.Cluster) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	for _, namespace := range slices.Sorted(maps.Keys(c.Ghosts)) {
		ghost, unlabelled := c.Ghosts[namespace], m.Unlabelled(namespace)
		meant := len(c.Instances()) > 0
		var rules []engine.Rule
		for _, instance := range c.Instances() {
			these := append(m.Engine().Meant(instance.Identity, ghost, ghost, cnpg.StatusPort, statusPortName),
				m.Engine().Meant(instance.Identity, ghost, unlabelled, 0, "")...)
			meant = meant && len(these) > 0 && m.Engine().Decide(ghost, instance.Identity, cnpg.StatusPort).Verdict == v1alpha1.VerdictAllowed
			rules = append(rules, these...)
		}
		if meant {
			out = append(out, at(finding(v1alpha1.WrongOperatorNamespace, v1alpha1.SeverityError,
				fmt.Sprintf("the policies let an operator in namespace %q in, but it runs in %q", namespace, m.Operators()[0].Namespace), command.Run(lockdownCommand(m, c))), rulePlaces(rules)...))
		}
	}
	return out
}

// refusedForOperator are the policies of the operator's namespace that enforce nothing and were meant for the operator:
// what they say of its connections to the database does not hold.
func refusedForOperator(m *model.Model, c *model.Cluster, op model.Operator) []v1alpha1.Finding {
	if op.Presumed() || op.Namespace == c.Object.Namespace {
		return nil // The database's own namespace is policyFindings'.
	}
	var out []v1alpha1.Finding
	for _, index := range m.Engine().PoliciesFor(op.Namespace) {
		p := &m.Engine().Policies()[index]
		meant := slices.ContainsFunc(op.Ends, func(e model.End) bool { return e.Identity != nil && p.WouldSelect(e.Identity) })
		if p.Enforced() || p.Valid || !meant || Concerns(m, c, p) {
			continue
		}
		message := fmt.Sprintf("%s, which is meant for the operator in %q, is refused and enforces nothing: %s", p.Called(), op.Namespace, reason(p.Message))
		if p.Unreadable != "" {
			message = fmt.Sprintf("%s, which may be meant for the operator in %q, can't be read: %s", p.Called(), op.Namespace, p.Unreadable)
		}
		out = append(out, at(finding(v1alpha1.PolicyInvalid, v1alpha1.SeverityError, message, unreadableRemedy(p)), fieldOf(p.PolicyReference, "")))
	}
	return out
}

// moreThanTheOperator points out rules to the operator's port that let in its whole namespace. The document's literal
// reach, which --scope namespace asks for, does so by design.
func moreThanTheOperator(m *model.Model, c *model.Cluster, op model.Operator) []v1alpha1.Finding {
	labels := policyset.Operator{PodLabels: op.PodLabels}.Identifying()
	anybody := m.Unlabelled(op.Namespace)
	if !op.LabelsKnown() || len(labels) == 0 || anybody == nil || !m.Enforces() {
		return nil
	}
	var rules []engine.Rule
	for _, instance := range c.Instances() {
		if m.Engine().Decide(anybody, instance.Identity, cnpg.StatusPort).Ingress.Verdict != v1alpha1.VerdictAllowed {
			continue
		}
		rules = append(rules, m.Engine().Meant(instance.Identity, anybody, anybody, cnpg.StatusPort, statusPortName)...)
	}
	live := Managed(m, c)
	var out []v1alpha1.Finding
	var seen []engine.Rule
	for _, rule := range rules {
		ours := slices.IndexFunc(live, func(p *ciliumv2.CiliumNetworkPolicy) bool {
			return rule.Kind == v1alpha1.CiliumNetworkPolicy && p.Name == rule.Name && p.Namespace == rule.Namespace
		})
		if slices.Contains(seen, rule) || ours >= 0 && live[ours].Annotations[policyset.AnnotationScope] == string(policyset.ScopeNamespace) {
			continue
		}
		seen = append(seen, rule)
		remedy := command.Wordsf("Select the operator's pods beside their namespace: %s.", command.Quote(pairs(labels)...))
		if ours >= 0 {
			remedy = command.Run(lockdownCommand(m, c))
		}
		out = append(out, at(finding(v1alpha1.MoreThanTheOperator, v1alpha1.SeverityWarning,
			fmt.Sprintf("%s of %s lets all of namespace %q reach port %d of the instances, which only the operator needs%s",
				rule.Path, rule.PolicyReference, op.Namespace, cnpg.StatusPort, others(m, c, op)), remedy), fieldOf(rule.PolicyReference, rule.Path)))
	}
	return out
}

// others are the workloads beside the operator in its namespace, in words.
func others(m *model.Model, c *model.Cluster, op model.Operator) string {
	clients := map[v1alpha1.Client]int{}
	for _, index := range m.PeersIn(op.Namespace) {
		p := m.Peers()[index]
		if slices.ContainsFunc(op.Ends, func(e model.End) bool { return e.Identity == p.Identity }) {
			continue
		}
		for _, i := range m.Strangers(c, p) {
			clients[m.WorkloadOf(i)]++
		}
	}
	if len(clients) == 0 {
		return ""
	}
	return ": also " + workloads(clients)
}

func pairs(labels map[string]string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, key+"="+labels[key])
	}
	return out
}
