package isolation

import (
	"maps"
	"slices"
)

// addNodes adds both ways in which pods on their nodes' networks can look to an instance. Which of them
// is possible depends on where the instance runs, see apart.
func (m *Model) addNodes(who string, pods []int) {
	m.sourceNotes = append(m.sourceNotes, who+" uses its node's network: policies see the node and not the pod")
	at := map[string][]int{}
	for _, i := range pods {
		address := m.inv.Pods[i].HostIP
		at[address] = append(at[address], i)
	}
	for _, address := range slices.Sorted(maps.Keys(at)) {
		for _, node := range []struct{ name, where string }{{"host", "on the same node"}, {"remote-node", "on another node"}} {
			o := origin{identity: m.identities.Reserved(node.name), node: true, address: address, where: node.where, pods: at[address]}
			if address == "" {
				o.name = who + " " + node.where
			}
			m.origins = append(m.origins, o)
		}
	}
}

// apart tells whether the source can't look like this to the target: it is known where both run.
func (o origin) apart(t goal) bool {
	if o.address == "" || t.pod.HostIP == "" {
		return false
	}
	return (o.address == t.pod.HostIP) != (o.identity.Name() == "host")
}

// asks tells whether there is a question about the source and a target: a pod always reaches itself.
func (o origin) asks(t goal) bool { return !o.is(t) && !o.apart(t) }
