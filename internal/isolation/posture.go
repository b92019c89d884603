package isolation

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// posture sums a report up. The order matters: what is not known comes before what is bad, as a
// missing policy could be the one that allows, and both come before anything that sounds safe.
func (m *Model) posture(c *cluster, r *v1alpha1.IsolationReport) v1alpha1.Posture {
	switch {
	case m.blind(c):
		return v1alpha1.Unknown
	case requiredFlow(r, v1alpha1.Denied):
		return v1alpha1.Broken
	case requiredFlow(r, v1alpha1.VerdictUnknown):
		return v1alpha1.Unknown
	case !restricted(r):
		return v1alpha1.Open
	case slices.ContainsFunc(r.Findings, keepsFromLocked):
		return v1alpha1.Partial
	default:
		return v1alpha1.Locked
	}
}

// blind is true when evidence is missing without which no verdict means anything.
func (m *Model) blind(c *cluster) bool {
	for _, missing := range m.inv.Missing {
		if !m.tolerable(missing, c) {
			return true
		}
	}
	return m.noAgent() || len(c.members) == 0
}

// requiredFlow tells whether one of the flows that are needed has this verdict.
func requiredFlow(r *v1alpha1.IsolationReport, verdict v1alpha1.Verdict) bool {
	return slices.ContainsFunc(r.RequiredFlows, func(f v1alpha1.RequiredFlow) bool {
		return !f.Advisory && f.Verdict == verdict
	})
}

// restricted is true when a policy that is enforced restricts ingress to at least one pod.
func restricted(r *v1alpha1.IsolationReport) bool {
	enforced := slices.ContainsFunc(r.Pods, func(p v1alpha1.PodReport) bool { return p.Enforced })
	return slices.ContainsFunc(r.Pods, func(p v1alpha1.PodReport) bool { return p.IngressDefaultDeny }) ||
		enforced && slices.ContainsFunc(r.Policies, func(p v1alpha1.PolicyReport) bool {
			return p.Ingress == v1alpha1.EffectRulesOnly
		})
}

func keepsFromLocked(f v1alpha1.Finding) bool {
	return f.Severity == v1alpha1.Error || f.Code == v1alpha1.SetIncomplete || f.Code == v1alpha1.SetDrifted
}
