package isolation

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// flowFindings name each required flow that a policy blocks. Advisory flows are no finding of
// their own unless denied, and then information only.
func (m *Model) flowFindings(c *cluster, r *v1alpha1.IsolationReport) []v1alpha1.Finding {
	codes := map[string]v1alpha1.FindingCode{
		FlowOperator: v1alpha1.OperatorBlocked, FlowReplication: v1alpha1.ReplicationBlocked,
		FlowIsolationCheck: v1alpha1.IsolationCheckBlocked, FlowPooler: v1alpha1.PoolerBlocked,
	}
	what := map[string]string{
		FlowOperator:       "the operator can't reach the instances, so nothing looks after the cluster",
		FlowReplication:    "instances can't reach each other's PostgreSQL, so replication and joins fail",
		FlowIsolationCheck: "instances can't check on each other, so the primary may take itself for isolated",
		FlowPooler:         "poolers can't reach the instances",
	}
	var out []v1alpha1.Finding
	for _, f := range r.RequiredFlows {
		code, required := codes[f.Name]
		if !required || f.Advisory || f.Verdict != v1alpha1.VerdictDenied {
			continue
		}
		out = append(out, finding(code, v1alpha1.SeverityError,
			fmt.Sprintf("%s: %s (%s)", what[f.Name], f.Message, names(f.Policies)), m.flowRemedy(c, f.Name)))
	}
	return out
}

// flowRemedy is what to do about a required flow that is denied: lockdown, unless its source is a pod for
// which the set's rules, which go by labels, do not hold.
func (m *Model) flowRemedy(c *cluster, flow string) string {
	sources := m.ends(c.instances())
	switch flow {
	case FlowOperator:
		sources = nil
		for _, op := range m.operators {
			sources = append(sources, op.ends...)
		}
	case FlowPooler:
		sources = m.poolerEnds(c)
	}
	onNode := slices.ContainsFunc(sources, func(e end) bool { return e.onNode })
	switch {
	case slices.ContainsFunc(sources, func(e end) bool { return e.unmanaged }):
		return "Restart the pods that Cilium does not manage: those that started before the agent are taken over then."
	case onNode && flow == FlowOperator:
		return m.lockdownCommand(c, letNodesIn)
	case onNode:
		return "Remove hostNetwork from the template of the pods."
	}
	return m.lockdownCommand(c)
}

// letNodesIn lets in an operator on its node's network, together with all nodes.
func letNodesIn(o *policyset.Options) { *o = o.With(policyset.Grant{Kind: policyset.KubectlCNPG}) }
