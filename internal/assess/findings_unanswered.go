package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// unansweredFindings say how to answer what the specs don't tell, where a set restricts what the cluster opens, and nobody knows whether the
// required flow is allowed. One that is denied has a finding of its own; what somebody has answered by a flag is on their word.
func unansweredFindings(m *model.Model, c *model.Cluster, r *v1alpha1.IsolationReport) []v1alpha1.Finding {
	open := func(u Unanswered) bool {
		return slices.ContainsFunc(r.RequiredFlows, func(f v1alpha1.RequiredFlow) bool {
			return f.Name == u.Flow && f.To == u.To && f.Verdict == v1alpha1.VerdictUnknown && !f.Advisory
		})
	}
	if !requiredFlow(r, v1alpha1.VerdictUnknown) {
		return nil
	}
	options, err := policyset.FromLive(c.Key(), Managed(m, c))
	if err != nil || !options.Egress || slices.ContainsFunc(options.Grants, func(g policyset.Grant) bool { return g.Direction() == policyset.Egress }) {
		return nil
	}
	var out []v1alpha1.Finding
	_, unanswered := Outlets(m, c.Key())
	for _, u := range unanswered {
		if !open(u) {
			continue
		}
		what := u.To
		if u.Field != "" {
			what = fmt.Sprintf("%s (%s)", u.To, u.Field)
		}
		remedy := command.Run(repairCommand(m, c).With(u.Flags...))
		if slices.ContainsFunc(u.Flags, isForm) {
			remedy = command.Words("Find out where it is, and say it to the lockdown:").Run(repairCommand(m, c).With(u.Flags...))
		}
		out = append(out, finding(v1alpha1.SetIncomplete, v1alpha1.SeverityWarning,
			fmt.Sprintf("the set that lockdown manages may be incomplete: what lets out to %s can't be derived, because %s", what, u.Why), remedy))
	}
	return out
}

// isForm is true for a flag that has what stands for a value, and not a value: "--allow-egress-fqdn=NAME:443".
func isForm(flag string) bool {
	_, value, _ := strings.Cut(flag, "=")
	return slices.ContainsFunc([]string{"NAMESPACE", "NAME", "PREFIX", "SELECTOR"}, func(form string) bool { return strings.Contains(value, form) })
}
