package probe

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// withControls adds those who try the same connections, and whom the engine lets in: pods of the cluster, which are there
// already. Without an answer to one of them, the silence of a target says nothing about policies. The target itself is one,
// for it reaches itself whatever the policies say, and another pod of the cluster, which comes by the network.
func (p Plan) withControls(m *model.Model, c *model.Cluster) Plan {
	var controls []Client
	for _, wanted := range p.targets() {
		at := slices.IndexFunc(m.Inventory().Pods, func(pod inventory.Pod) bool {
			return slices.Contains(pod.Addresses, wanted.Address) && !pod.HostNetwork
		})
		others := 0
		for _, member := range c.Members {
			pod := m.Pod(member.Pod)
			if pod.Expected || pod.Phase != corev1.PodRunning {
				continue
			}
			if member.Pod != at {
				if others > 0 || at >= 0 && m.Between(m.EndOf(member.Pod, pod.Name), m.EndOf(at, ""), wanted.Port).Verdict != v1alpha1.VerdictAllowed {
					continue
				}
				others++
			}
			controls = addControl(controls, clientOf(m, member.Pod, ""), wanted)
		}
	}
	p.Clients = append(slices.Clip(p.Clients), controls...)
	return p
}

// targets are all places that clients connect to, each once.
func (p Plan) targets() []Connection {
	var out []Connection
	for _, client := range p.Clients {
		for _, one := range client.Connections {
			if client.Unfit == "" && !slices.ContainsFunc(out, one.same) {
				out = append(out, one)
			}
		}
	}
	return out
}

// addControl lets a pod of the cluster try a connection as well.
func addControl(controls []Client, c Client, wanted Connection) []Client {
	if c.Container == "" || c.Unfit != "" {
		return controls
	}
	wanted.Expected = v1alpha1.VerdictAllowed
	at := slices.IndexFunc(controls, func(have Client) bool { return have.Pod == c.Pod })
	if at < 0 {
		c.Control = true
		controls, at = append(controls, c), len(controls)
	}
	controls[at].Connections = append(controls[at].Connections, wanted)
	return controls
}
