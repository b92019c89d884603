package isolation

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// unsureFindings are about pods of which nobody here can say whether the policies let them in, because
// a rule depends on their addresses. A cluster that they may reach is not called locked.
func (m *Model) unsureFindings(c *cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	for _, t := range m.protectedTargets(c) {
		if !slices.ContainsFunc(t.identities, m.engine.Unsure) {
			continue
		}
		count, reason := 0, ""
		for i := range m.peers {
			strangers := len(m.strangers(c, m.peers[i]))
			if strangers == 0 {
				continue
			}
			for _, to := range t.identities {
				if d := m.engine.Decide(m.peers[i].identity, to, t.port).Ingress; d.Verdict == v1alpha1.VerdictUnknown {
					count, reason = count+strangers, d.Reason
					break
				}
			}
		}
		if count > 0 {
			return []v1alpha1.Finding{finding(v1alpha1.EvidenceMissing, v1alpha1.SeverityError,
				fmt.Sprintf("whether %d pods can connect to port %d of the %s can't be told: %s", count, t.port, t.name, reason),
				"Name the clients by labels (fromEndpoints) where the rule means pods.")}
		}
	}
	return nil
}
