package isolation

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// Whom Cilium does not manage, the agents know by the address alone (end): rules by labels let it in
// nowhere, and let nobody out to it. The cure is a restart, and never a policy for everybody.

// toRestart are the pods that Cilium does not manage and that are denied for it, as a source or as a target.
func (m *Model) toRestart(c *cluster, targets []goal) []int {
	var pods []int
	for _, o := range m.origins {
		for _, t := range targets {
			if t.port == 0 || !o.asks(t) {
				continue
			}
			ingress, egress := m.directions(c, o, t)
			if ingress.Verdict == v1alpha1.VerdictDenied && o.identity.Name() == unmanagedName {
				pods = append(pods, o.pods...)
			}
			if egress.Verdict == v1alpha1.VerdictDenied && m.unmanaged[t.pod.Key()] {
				pods = append(pods, t.member.pod)
			}
		}
	}
	slices.Sort(pods)
	return slices.Compact(pods)
}

// restarted is the model in which Cilium manages the pods.
func (m *Model) restarted(pods []int) *Model {
	other := *m
	other.unmanaged = maps.Clone(m.unmanaged)
	for _, i := range pods {
		delete(other.unmanaged, m.inv.Pods[i].Key())
	}
	other.origins = nil
	at := map[*engine.Identity]int{}
	for _, o := range m.origins {
		if o.identity.Name() == unmanagedName && slices.Contains(pods, o.pods[0]) {
			for _, i := range o.pods {
				other.addPod(at, origin{identity: m.of[i]}, i)
			}
			continue
		}
		at[o.identity] = len(other.origins)
		o.pods = slices.Clone(o.pods)
		other.origins = append(other.origins, o)
	}
	return &other
}

// restartStep says what to restart, and why.
func (m *Model) restartStep(pods []int) string {
	names := make([]string, 0, len(pods))
	for _, i := range pods {
		names = append(names, m.inv.Pods[i].Namespace+"/pod/"+m.inv.Pods[i].Name)
	}
	if len(names) == 1 {
		return fmt.Sprintf("Restart %s: Cilium does not manage it, so that no rule by labels knows it.", names[0])
	}
	return fmt.Sprintf("Restart %s: Cilium does not manage them, so that no rule by labels knows them.", inWords(names, "and"))
}
