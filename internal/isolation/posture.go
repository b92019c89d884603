package isolation

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// posture sums a report up. The order matters: what is not known comes before what is bad, as a
// missing policy could be the one that allows, and both come before anything that sounds safe.
func (m *Model) posture(c *cluster, r *v1alpha1.IsolationReport) v1alpha1.Posture {
	switch {
	case m.blind(c):
		return v1alpha1.PostureUnknown
	case requiredFlow(r, v1alpha1.VerdictDenied):
		return v1alpha1.PostureBroken
	case requiredFlow(r, v1alpha1.VerdictUnknown):
		return v1alpha1.PostureUnknown
	case !m.restricted(c, r):
		return v1alpha1.PostureOpen
	case slices.ContainsFunc(r.Findings, lacksEvidence):
		return v1alpha1.PostureUnknown
	case slices.ContainsFunc(r.Findings, keepsFromLocked):
		return v1alpha1.PosturePartial
	default:
		return v1alpha1.PostureLocked
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

// restricted is true when a policy that is enforced denies anybody anything at one of the pods: by
// default deny, or by a deny rule.
func (m *Model) restricted(c *cluster, r *v1alpha1.IsolationReport) bool {
	for i, member := range c.members {
		if !r.Pods[i].Enforced {
			continue
		}
		if r.Pods[i].IngressDefaultDeny || slices.ContainsFunc(m.engine.Selections(member.identity), func(s engine.Selection) bool { return s.DeniesIngress }) {
			return true
		}
	}
	return false
}

func lacksEvidence(f v1alpha1.Finding) bool {
	return f.Severity == v1alpha1.SeverityError && f.Code == v1alpha1.EvidenceMissing
}

func keepsFromLocked(f v1alpha1.Finding) bool {
	return f.Severity == v1alpha1.SeverityError || f.Code == v1alpha1.SetIncomplete || f.Code == v1alpha1.SetDrifted
}
