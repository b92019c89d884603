package assess

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
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
		out = append(out, finding(code, v1alpha1.SeverityError,
			fmt.Sprintf("%s: %s (%s)", what[f.Name], f.Message, names(f.Policies)), flowRemedy(m, c, f.Name)))
	}
	return out
}

// flowRemedy is what to do about a required flow that is denied: lockdown, unless its source is a pod for
// which the set's rules, which go by labels, do not hold.
func flowRemedy(m *model.Model, c *model.Cluster, flow string) string {
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
		return "Restart the pods that Cilium does not manage: those that started before the agent are taken over then."
	case onNode && flow == v1alpha1.FlowOperator:
		return lockdownCommand(m, c, letNodesIn)
	case onNode:
		return "Remove hostNetwork from the template of the pods."
	}
	return lockdownCommand(m, c)
}

// letNodesIn lets in an operator on its node's network, together with all nodes.
func letNodesIn(o *policyset.Options) { *o = o.With(policyset.Grant{Kind: policyset.KubectlCNPG}) }
