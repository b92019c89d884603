package assess

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// unsureFindings are about pods of which nobody here can say whether the policies let them in, because
// a rule depends on their addresses. A cluster that they may reach is not called locked.
func unsureFindings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	for _, t := range protectedTargets(m, c) {
		if !slices.ContainsFunc(t.Identities, m.Engine().Unsure) {
			continue
		}
		count, reason := 0, ""
		for i := range m.Peers() {
			strangers := len(m.Strangers(c, m.Peers()[i]))
			if strangers == 0 {
				continue
			}
			for _, to := range t.Identities {
				if d := m.Engine().Decide(m.Peers()[i].Identity, to, t.Port).Ingress; d.Verdict == v1alpha1.VerdictUnknown {
					count, reason = count+strangers, d.Reason
					break
				}
			}
		}
		if count > 0 {
			return []v1alpha1.Finding{finding(v1alpha1.EvidenceMissing, v1alpha1.SeverityError,
				fmt.Sprintf("whether %d pods can connect to port %d of the %s can't be told: %s", count, t.Port, t.name, reason),
				command.Words("Name the clients by labels (fromEndpoints) where the rule means pods."))}
		}
	}
	return nil
}
