package assess

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// labelledFindings name the pods that carry the cluster's label and are none of its own: rules for its peers let
// them in.
func labelledFindings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	let := map[v1alpha1.Client]int{}
	for _, i := range m.LabelledAs(c) {
		reaches := slices.ContainsFunc(protectedTargets(m, c), func(t protected) bool {
			verdict, policies := m.Decide(m.IdentityOf(i), t.Target)
			return verdict == v1alpha1.VerdictAllowed && len(policies) > 0
		})
		if reaches {
			let[m.WorkloadOf(i)]++
		}
	}
	if len(let) == 0 {
		return nil
	}
	first := slices.SortedFunc(maps.Keys(let), v1alpha1.Client.Compare)[0]
	return []v1alpha1.Finding{finding(v1alpha1.UnexpectedPeer, v1alpha1.SeverityWarning,
		fmt.Sprintf("rules for the cluster's own pods let in others that carry its label %s: %s", cnpg.ClusterLabel, workloads(let)),
		command.Wordsf("Remove the label %s from the pods of %s, and let them in by a label of their own where they are meant to connect.", cnpg.ClusterLabel, first.Workload))}
}
