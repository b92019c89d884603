package assess

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// posture sums a report up. The order matters: what is not known comes before what is bad, as a
// missing policy could be the one that allows, and both come before anything that sounds safe.
func posture(m *model.Model, c *model.Cluster, r *v1alpha1.IsolationReport) v1alpha1.Posture {
	switch {
	case blind(m, c):
		return v1alpha1.PostureUnknown
	case requiredFlow(r, v1alpha1.VerdictDenied):
		return v1alpha1.PostureBroken
	case requiredFlow(r, v1alpha1.VerdictUnknown):
		return v1alpha1.PostureUnknown
	case !restricted(m, c, r):
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
func blind(m *model.Model, c *model.Cluster) bool {
	for _, missing := range m.MissingFor(c.Object.Namespace) {
		if !tolerable(m, missing, c) {
			return true
		}
	}
	return m.NoAgent() || len(c.Members) == 0
}

// requiredFlow tells whether one of the flows that are needed has this verdict.
func requiredFlow(r *v1alpha1.IsolationReport, verdict v1alpha1.Verdict) bool {
	return slices.ContainsFunc(r.RequiredFlows, func(f v1alpha1.RequiredFlow) bool {
		return !f.Advisory && f.Verdict == verdict
	})
}

// restricted is true when a policy that is enforced denies anybody anything at one of the pods: by
// default deny, or by a deny rule.
func restricted(m *model.Model, c *model.Cluster, r *v1alpha1.IsolationReport) bool {
	for i, member := range c.Members {
		if !r.Pods[i].Enforced {
			continue
		}
		if r.Pods[i].IngressDefaultDeny || slices.ContainsFunc(m.Engine().Selections(member.Identity), func(s engine.Selection) bool { return s.DeniesIngress }) {
			return true
		}
	}
	return false
}

func lacksEvidence(f v1alpha1.Finding) bool {
	return f.Severity == v1alpha1.SeverityError && f.Code.LacksEvidence()
}

func keepsFromLocked(f v1alpha1.Finding) bool {
	return f.Severity == v1alpha1.SeverityError || f.Code == v1alpha1.SetIncomplete || f.Code == v1alpha1.SetDrifted
}
