package assess

import (
	"fmt"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// unsettledFindings are about pods at which the agent is still at work: what Cilium has accepted is not in force
// there yet, for all that is known. Seen with v1.18: a new replica that let in everybody for 14 s.
func unsettledFindings(m *model.Model, c *model.Cluster) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	for _, member := range c.Members {
		why := m.Unsettled(member.Pod)
		if why == "" || !m.Enforces() {
			continue
		}
		pod := m.Pod(member.Pod)
		out = append(out, finding(v1alpha1.EvidenceMissing, v1alpha1.SeverityError,
			fmt.Sprintf("whether Cilium enforces the policies at pod %q can't be told: its endpoint is not ready (%s)", pod.Name, why),
			command.Words("Wait until it is ready, and ask again:").Run(command.Kubectl("get", "ciliumendpoints", pod.Name).In(pod.Namespace))))
	}
	return out
}

// Unsettled tells whether a finding is about a pod at which the agent is still at work. It says nothing
// about what will be enforced there.
func Unsettled(m *model.Model, c *model.Cluster, f v1alpha1.Finding) bool {
	for _, other := range unsettledFindings(m, c) {
		if other.Code == f.Code && other.Message == f.Message {
			return true
		}
	}
	return false
}
