package assess

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// needFindings name what a cluster needs to reach, or be reached by, and a policy blocks.
func needFindings(m *model.Model, c *model.Cluster, r *v1alpha1.IsolationReport) []v1alpha1.Finding {
	if !needsBlocked(r) {
		return nil
	}
	var out []v1alpha1.Finding
	for _, n := range neededFlows(m, c) {
		f := n.flow
		if f.Verdict != v1alpha1.VerdictDenied || f.Advisory && f.Name != v1alpha1.FlowMetrics {
			continue
		}
		code, severity, what := about(f)
		message := fmt.Sprintf("%s: %s (%s)", what, f.Message, names(f.Policies))
		message += cutOffAsWell(f.CutOff)
		var remedy command.Text
		if line, ok := mends(m, c, f); ok {
			remedy = command.Run(line)
		} else if line, ok := operatorMends(m, c, f); ok {
			remedy = command.Run(line)
		} else {
			remedy = command.Words(addition(m, c, n))
		}
		if f.Name == v1alpha1.FlowMetrics && len(Managed(m, c)) > 0 && n.denied[0].from.Identity != nil {
			namespace := n.denied[0].from.Identity.Namespace()
			remedy = command.Run(lockdownCommand(m, c, func(o *policyset.Options) { *o = o.With(policyset.Grant{Kind: policyset.Metrics, Value: namespace}) }))
		}
		out = append(out, at(finding(code, severity, message, remedy), denials(m, n.denied)...))
	}
	return out
}

// cutOffAsWell is who is cut off besides the first, a few by name.
func cutOffAsWell(cutOff []string) string {
	const most = 3
	if len(cutOff) < 2 {
		return ""
	}
	cutOff = cutOff[1:]
	text := "; cut off as well: " + strings.Join(cutOff[:min(most, len(cutOff))], ", ")
	if more := len(cutOff) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// needsBlocked tells whether one of the flows to something else than the instances is denied.
func needsBlocked(r *v1alpha1.IsolationReport) bool {
	for _, f := range r.RequiredFlows {
		if f.To != "" && f.Verdict == v1alpha1.VerdictDenied {
			return true
		}
	}
	return false
}

// about is what it means that a flow is denied.
func about(f v1alpha1.RequiredFlow) (code v1alpha1.FindingCode, severity v1alpha1.Severity, what string) {
	severity = v1alpha1.SeverityError
	switch f.Name {
	case v1alpha1.FlowAPIServer:
		return v1alpha1.APIServerBlocked, severity, "the API server can't be reached, and the database fails within minutes, whatever its phase says"
	case v1alpha1.FlowDNS:
		return v1alpha1.DNSBlocked, severity, "names can't be resolved"
	case v1alpha1.FlowObjectStore:
		return v1alpha1.ObjectStoreBlocked, severity, fmt.Sprintf("%s can't be reached, so that backups or recovery fail", f.To)
	case v1alpha1.FlowExternal:
		return v1alpha1.ExternalBlocked, severity, fmt.Sprintf("%s can't be reached", f.To)
	case v1alpha1.FlowDependants:
		return v1alpha1.DependantBlocked, severity, fmt.Sprintf("the %s, which needs this cluster, can't reach it", f.From)
	case v1alpha1.FlowMetrics:
		return v1alpha1.MetricsBlocked, v1alpha1.SeverityWarning, "a monitor selects the pods, and who scrapes can't reach them"
	}
	return v1alpha1.WebhookBlocked, severity, fmt.Sprintf("%s can't reach %s, so that nobody can change or look after a cluster", f.From, f.To)
}
