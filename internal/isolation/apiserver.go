package isolation

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// apiServerLabel is on the API server's own pods where the Kubernetes cluster hosts itself, as
// kubeadm sets it.
const (
	apiServerLabel = "component"
	apiServerValue = "kube-apiserver"
)

// apiServerFlow asks whether the API server can reach the instances, through which kubectl cnpg
// status goes. An API server that runs on an instance's own node comes from that node's address: for
// Cilium it is the local host then, and not the entity kube-apiserver. Where API servers run both
// there and elsewhere, it depends on which of them answers.
func (m *Model) apiServerFlow(c *cluster) v1alpha1.RequiredFlow {
	const from = "API server (kubectl cnpg status)"
	nodes := m.lookup.apiServerNodes
	var flow v1alpha1.RequiredFlow
	for i, instance := range c.instances() {
		one := m.flow(FlowAPIServer, from, cnpg.StatusPort, m.apiServers(nodes, m.inv.Pods[instance.pod].HostIP), m.ends([]member{instance}))
		switch {
		case i == 0:
			flow = one
		case worse(one.Verdict, flow.Verdict):
			flow.Verdict, flow.Message = one.Verdict, one.Message
			flow.Policies = one.Policies
		case one.Verdict == flow.Verdict:
			flow.Policies = uniquePolicies(slices.Concat(flow.Policies, one.Policies))
		}
	}
	if flow.Name == "" {
		flow = m.flow(FlowAPIServer, from, cnpg.StatusPort, nil, nil)
		flow.Verdict, flow.Message = v1alpha1.VerdictUnknown, "there is no instance to ask"
	}
	flow.Advisory = true
	return flow
}

// apiServerNodes finds the addresses of the nodes on which API servers run; none where that is not
// visible, as with a control plane that somebody else runs.
func apiServerNodes(pods []inventory.Pod) []string {
	var out []string
	for i := range pods {
		pod := &pods[i]
		if pod.HostNetwork && pod.HostIP != "" && pod.Labels[apiServerLabel] == apiServerValue {
			out = append(out, pod.HostIP)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// apiServers are what the API servers look like from a pod on the node with this address.
func (m *Model) apiServers(nodes []string, node string) []end {
	var out []end
	if slices.Contains(nodes, node) {
		out = append(out, end{identity: m.identities.Reserved("host"), name: fmt.Sprintf("the API server on the same node (%s)", node)})
	}
	if len(out) == 0 || len(nodes) > 1 {
		out = append(out, end{identity: m.identities.Reserved("kube-apiserver"), name: "the API server on another node"})
	}
	return out
}
