package assess

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Surrounded are the options for a cluster, with what the model has seen around it.
func Surrounded(m *model.Model, o policyset.Options, cluster types.NamespacedName) policyset.Options {
	o = o.For(cluster, Operators(m)).Around(Agents(m))
	if !o.Egress {
		return o
	}
	outlets, _ := Outlets(m, cluster)
	return o.Reaching(outlets)
}

// Agents are the label keys of the agents by way of which the API server connects to pods. Those on their nodes'
// network look like nodes, and are none.
func Agents(m *model.Model) []string {
	var out []string
	for _, i := range m.Deriver().Konnectivity() {
		pod := m.Pod(i)
		if pod.HostNetwork {
			continue
		}
		for _, label := range inventory.KonnectivityLabels() {
			if pod.Labels[label] == inventory.KonnectivityApp && !slices.Contains(out, label) {
				out = append(out, label)
			}
		}
	}
	slices.Sort(out)
	return out
}
