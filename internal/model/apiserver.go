package model

import (
	"fmt"
	"slices"

	"github.com/cilium/cilium/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// apiServerLabel is on the API server's own pods where the Kubernetes cluster hosts itself, as
// kubeadm sets it.
const (
	apiServerLabel = "component"
	apiServerValue = "kube-apiserver"
)

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

// APIServers are what the API servers look like from a pod on the node with this address: where they connect
// through konnectivity, the pods of its agents, and any of them may be the one.
func (m *Model) APIServers(node string) []End {
	if agents := m.known.deriver.Konnectivity(); len(agents) > 0 {
		var out []End
		for _, i := range agents {
			alike := func(e End) bool { e.Name = ""; other := m.EndOf(i, ""); return e == other }
			if !slices.ContainsFunc(out, alike) {
				out = append(out, m.EndOf(i, "the API server by way of "+m.calledPod(i)))
			}
		}
		return out
	}
	nodes := m.lookup.apiServerNodes
	var out []End
	if slices.Contains(nodes, node) {
		out = append(out, End{Identity: m.identities.Reserved(labels.IDNameHost), Name: fmt.Sprintf("the API server on the same node (%s)", node)})
	}
	if len(out) == 0 || len(nodes) > 1 {
		out = append(out, End{Identity: m.identities.Reserved(labels.IDNameKubeAPIServer), Name: "the API server on another node"})
	}
	return out
}
