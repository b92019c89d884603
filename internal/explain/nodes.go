package explain

import (
	"maps"
	"slices"

	"github.com/cilium/cilium/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// addNodes adds both ways in which pods on their nodes' networks can look to an instance. Which of them
// is possible depends on where the instance runs, see apart.
func (q *Question) addNodes(who string, pods []int) {
	q.Notes = append(q.Notes, who+" uses its node's network: policies see the node and not the pod")
	at := map[string][]int{}
	for _, i := range pods {
		address := q.Model.Pod(i).HostIP
		at[address] = append(at[address], i)
	}
	for _, address := range slices.Sorted(maps.Keys(at)) {
		for _, node := range []struct{ name, where string }{{labels.IDNameHost, "on the same node"}, {labels.IDNameRemoteNode, "on another node"}} {
			o := Origin{Identity: q.Model.Identities().Reserved(node.name), node: true, address: address, where: node.where, Pods: at[address]}
			if address == "" {
				o.name = who + " " + node.where
			}
			q.Origins = append(q.Origins, o)
		}
	}
}

// Apart tells whether the source can't look like this to the target: it is known where both run.
func (o Origin) Apart(t Goal) bool {
	if o.address == "" || t.Pod.HostIP == "" {
		return false
	}
	return (o.address == t.Pod.HostIP) != (o.Identity.Entity() == v1alpha1.EntityHost)
}

// Asks tells whether there is a question about the source and a target: a pod always reaches itself.
func (o Origin) Asks(t Goal) bool { return !o.is(t) && !o.Apart(t) }
