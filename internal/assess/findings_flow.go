package assess

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// flowFindings name each required flow that a policy blocks. Advisory flows are no finding of
// their own unless denied, and then information only.
func flowFindings(m *model.Model, c *model.Cluster, r *v1alpha1.IsolationReport) []v1alpha1.Finding {
	codes := map[string]v1alpha1.FindingCode{
		v1alpha1.FlowOperator: v1alpha1.OperatorBlocked, v1alpha1.FlowReplication: v1alpha1.ReplicationBlocked,
		v1alpha1.FlowIsolationCheck: v1alpha1.IsolationCheckBlocked, v1alpha1.FlowPooler: v1alpha1.PoolerBlocked,
	}
	what := map[string]string{
		v1alpha1.FlowOperator:       "the operator can't reach the instances, so nothing looks after the cluster",
		v1alpha1.FlowReplication:    "instances can't reach each other's PostgreSQL, so replication and joins fail",
		v1alpha1.FlowIsolationCheck: "instances can't check on each other, so the primary may take itself for isolated",
		v1alpha1.FlowPooler:         "poolers can't reach the instances",
	}
	var out []v1alpha1.Finding
	for _, f := range r.RequiredFlows {
		code, required := codes[f.Name]
		if !required || f.Advisory || f.Verdict != v1alpha1.VerdictDenied {
			continue
		}
		n, _ := classic(m, c, r.RequiredFlows, f.Name)
		out = append(out, at(finding(code, v1alpha1.SeverityError,
			fmt.Sprintf("%s: %s (%s)", what[f.Name], f.Message, names(f.Policies)), flowRemedy(m, c, r.RequiredFlows, f)), denials(m, n.denied)...))
	}
	return out
}

// flowRemedy is what to do about a required flow that is denied: lockdown, unless its source is a pod for
// which the set's rules, which go by labels, do not hold. all are the cluster's required flows.
func flowRemedy(m *model.Model, c *model.Cluster, all []v1alpha1.RequiredFlow, f v1alpha1.RequiredFlow) command.Text {
	flow := f.Name
	sources := m.Ends(c.Instances())
	switch flow {
	case v1alpha1.FlowOperator:
		sources = nil
		for _, op := range m.Operators() {
			sources = append(sources, op.Ends...)
		}
	case v1alpha1.FlowPooler:
		sources = m.PoolerEnds(c)
	}
	onNode := slices.ContainsFunc(sources, func(e model.End) bool { return e.OnNode })
	switch {
	case slices.ContainsFunc(sources, func(e model.End) bool { return e.Unmanaged }):
		return command.Words("Restart the pods that Cilium does not manage: those that started before the agent are taken over then.")
	case onNode && flow == v1alpha1.FlowOperator:
		return command.Run(lockdownCommand(m, c, letNodesIn))
	case onNode:
		return command.Words("Remove hostNetwork from the template of the pods.")
	}
	if lockdownRefused(m, c, all) {
		if line, ok := operatorMends(m, c, f); ok {
			return command.Run(line)
		}
		if line, ok := mends(m, c, f); ok {
			return command.Run(line)
		}
		if n, found := classic(m, c, all, flow); found {
			return command.Words(addition(m, c, n))
		}
	}
	return command.Run(lockdownCommand(m, c))
}

// lockdownRefused tells whether lockdown would refuse to lock the cluster: it opens nothing at sources, and
// overrides no rule that denies.
func lockdownRefused(m *model.Model, c *model.Cluster, all []v1alpha1.RequiredFlow) bool {
	classics := []string{v1alpha1.FlowOperator, v1alpha1.FlowReplication, v1alpha1.FlowIsolationCheck, v1alpha1.FlowPooler}
	return slices.ContainsFunc(all, func(f v1alpha1.RequiredFlow) bool {
		if f.Advisory || f.Verdict == v1alpha1.VerdictAllowed {
			return false
		}
		if !slices.Contains(classics, f.Name) {
			return true
		}
		n, _ := classic(m, c, all, f.Name)
		return slices.ContainsFunc(n.denied, func(one connection) bool {
			return one.decision.Egress.Verdict != v1alpha1.VerdictAllowed || len(denyRules(one.decision)) > 0
		})
	})
}

// classic is a flow among operator, instances and poolers, with what is denied of it; false where the cluster does
// not need it. all are the cluster's required flows.
func classic(m *model.Model, c *model.Cluster, all []v1alpha1.RequiredFlow, name string) (needed, bool) {
	i := slices.IndexFunc(all, func(f v1alpha1.RequiredFlow) bool { return f.Name == name && !f.Advisory })
	if i < 0 {
		return needed{}, false
	}
	n := needed{flow: all[i]}
	next := model.End{Identity: c.NextInstance, Name: "the next instance"}
	targets := append(m.Ends(c.Instances()), next)
	sources := targets
	switch name {
	case v1alpha1.FlowOperator:
		sources = nil
		for _, op := range m.Operators() {
			sources = append(sources, op.Ends...)
		}
	case v1alpha1.FlowPooler:
		sources = m.PoolerEnds(c)
	case v1alpha1.FlowReplication:
		sources = append(slices.Clone(targets), model.End{Identity: c.JoinJob, Name: "the next join job"})
	}
	port := egress.Port{Number: n.flow.Port, Protocol: corev1.ProtocolTCP}
	for _, from := range sources {
		for _, to := range targets {
			if d := m.Between(from, to, port.Number); from != to && d.Verdict == v1alpha1.VerdictDenied {
				n.denied = append(n.denied, connection{from: from, to: to, toPod: -1, port: port, decision: d})
			}
		}
	}
	return n, true
}

// letNodesIn lets in an operator on its node's network, together with all nodes.
func letNodesIn(o *policyset.Options) { *o = o.With(policyset.Grant{Kind: policyset.KubectlCNPG}) }
