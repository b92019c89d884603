package isolation

import (
	"maps"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// accessOf gathers pods by workload, with what decided about them.
type accessOf map[v1alpha1.Client]*v1alpha1.ClientAccess

// count adds the pods of one identity, about which the same policies decided.
func (m *Model) count(all accessOf, pods []int, policies []v1alpha1.PolicyReference) {
	for _, i := range pods {
		pod := &m.inv.Pods[i]
		key := v1alpha1.Client{Namespace: pod.Namespace, Workload: pod.Workload.String()}
		client := all[key]
		if client == nil {
			client = &v1alpha1.ClientAccess{Client: key, Policies: []v1alpha1.PolicyReference{}}
			all[key] = client
		}
		client.Pods++
		if !containsAll(client.Policies, policies) {
			client.Policies = uniquePolicies(slices.Concat(client.Policies, policies))
		}
	}
}

func containsAll(all, some []v1alpha1.PolicyReference) bool {
	for _, one := range some {
		if !slices.Contains(all, one) {
			return false
		}
	}
	return true
}

// sorted are the clients by namespace and workload.
func (a accessOf) sorted() []v1alpha1.ClientAccess {
	out := make([]v1alpha1.ClientAccess, 0, len(a))
	for _, key := range slices.SortedFunc(maps.Keys(a), compareClients) {
		out = append(out, *a[key])
	}
	return out
}

// own is what the cluster's own pods contribute to the numbers of lookup: they are no clients.
type own struct {
	clients          map[v1alpha1.Client]bool
	pods, identities int
}

func (m *Model) own(c *cluster) own {
	o := own{clients: map[v1alpha1.Client]bool{}}
	seen := map[int]bool{}
	for _, member := range c.members {
		pod := &m.inv.Pods[member.pod]
		o.pods++
		o.clients[v1alpha1.Client{Namespace: pod.Namespace, Workload: pod.Workload.String()}] = true
		identity := member.identity
		if m.unmanaged[pod.Key()] {
			identity = m.identities.Reserved(unmanagedName)
		}
		i := m.lookup.peerOf[identity]
		if !seen[i] && len(m.strangers(c, m.peers[i])) == 0 {
			o.identities++
		}
		seen[i] = true
	}
	return o
}

// clientsBut are the first workloads but the cluster's own, and the number of the others; most is 0
// for all.
func (l *lookup) clientsBut(o own, most int) (clients []v1alpha1.ClientAccess, more int) {
	clients = []v1alpha1.ClientAccess{}
	for _, client := range l.clients {
		key := client.Client
		key.Pods = 0 // The keys are without the number.
		switch {
		case o.clients[key]:
		case most > 0 && len(clients) == most:
			return clients, len(l.clients) - len(o.clients) - most
		default:
			clients = append(clients, client)
		}
	}
	return clients, 0
}
