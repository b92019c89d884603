package isolation

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// lookup are the indexes that keep the cost of a report independent of how large the rest of the
// fleet is.
type lookup struct {
	// namespaces are the labels of the namespaces by name.
	namespaces map[string]map[string]string
	// clusters are those of the model by name.
	clusters map[types.NamespacedName]*cluster
	// peerOf is the position in Model.peers by identity.
	peerOf map[*engine.Identity]int
	// peersIn are positions in Model.peers by namespace.
	peersIn map[string][]int
	// clients are all workloads that could connect, with their pods; pods and identities their numbers.
	clients          []v1alpha1.ClientAccess
	pods, identities int
	// apiServerNodes are the addresses of the nodes on which API servers are seen.
	apiServerNodes []string
}

func (m *Model) buildLookup() {
	l := &m.lookup
	l.peerOf, l.peersIn = map[*engine.Identity]int{}, map[string][]int{}
	clients := accessOf{}
	for i, p := range m.peers {
		l.peerOf[p.identity] = i
		l.peersIn[p.identity.Namespace()] = append(l.peersIn[p.identity.Namespace()], i)
		m.count(clients, p.pods, nil)
		l.pods += len(p.pods)
	}
	l.identities = len(m.peers)
	l.clients = clients.sorted()
	l.apiServerNodes = apiServerNodes(m.inv.Pods)
}

// guardedPeers are the peers that may be kept from connecting by their own egress, wherever to.
func (m *Model) guardedPeers() []int {
	if m.guarded == nil {
		m.guarded = []int{}
		for i := range m.peers {
			if m.engine.RestrictsEgress(m.peers[i].identity) {
				m.guarded = append(m.guarded, i)
			}
		}
	}
	return m.guarded
}
