package assess

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// apiServerFlow asks whether the API server can reach the instances, through which kubectl cnpg
// status goes. An API server that runs on an instance's own node comes from that node's address: for
// Cilium it is the local host then, and not the entity kube-apiserver. Where API servers run both
// there and elsewhere, it depends on which of them answers.
func apiServerFlow(m *model.Model, c *model.Cluster) v1alpha1.RequiredFlow {
	const from = "API server (kubectl cnpg status)"
	var all v1alpha1.RequiredFlow
	for i, instance := range c.Instances() {
		one := flow(m, v1alpha1.FlowKubectlCNPG, from, cnpg.StatusPort, m.APIServers(m.Pod(instance.Pod).HostIP), m.Ends([]model.Member{instance}))
		switch {
		case i == 0:
			all = one
		case one.Verdict.WorseThan(all.Verdict):
			all.Verdict, all.Message = one.Verdict, one.Message
			all.Policies = one.Policies
		case one.Verdict == all.Verdict:
			all.Policies = engine.Unique(slices.Concat(all.Policies, one.Policies))
		}
	}
	if all.Name == "" {
		all = flow(m, v1alpha1.FlowKubectlCNPG, from, cnpg.StatusPort, nil, nil)
		all.Verdict, all.Message = v1alpha1.VerdictUnknown, "there is no instance to ask"
	}
	all.Advisory = true
	return all
}
