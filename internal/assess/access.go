package assess

import (
	"maps"
	"slices"

	"github.com/cilium/cilium/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// accessOf gathers pods by workload, with what decided about them.
type accessOf map[v1alpha1.Client]*v1alpha1.ClientAccess

// count adds the pods of one identity, about which the same policies decided.
func count(m *model.Model, all accessOf, pods []int, policies []v1alpha1.PolicyReference) {
	for _, i := range pods {
		key := m.WorkloadOf(i)
		client := all[key]
		if client == nil {
			client = &v1alpha1.ClientAccess{Client: key, Policies: []v1alpha1.PolicyReference{}}
			all[key] = client
		}
		client.Pods++
		if !containsAll(client.Policies, policies) {
			client.Policies = engine.Unique(slices.Concat(client.Policies, policies))
		}
	}
}

func containsAll[T comparable](all, some []T) bool {
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
	for _, key := range slices.SortedFunc(maps.Keys(a), v1alpha1.Client.Compare) {
		out = append(out, *a[key])
	}
	return out
}

// own is what the cluster's own pods contribute to the numbers of lookup: they are no clients.
type own struct {
	// namespace is where all of them are.
	namespace        string
	clients          map[v1alpha1.Client]bool
	pods, identities int
}

func ownOf(m *model.Model, c *model.Cluster) own {
	o := own{namespace: c.Object.Namespace, clients: map[v1alpha1.Client]bool{}}
	seen := map[int]bool{}
	for _, member := range c.Members {
		o.pods++
		o.clients[m.WorkloadOf(member.Pod)] = true
		identity := member.Identity
		if m.IsUnmanaged(member.Pod) {
			identity = m.Identities().Reserved(labels.IDNameUnmanaged)
		}
		i, _ := m.PeerOf(identity)
		if !seen[i] && len(m.Strangers(c, m.Peers()[i])) == 0 {
			o.identities++
		}
		seen[i] = true
	}
	return o
}

// clientsBut are the first workloads but the cluster's own, and the number of the others; most is 0
// for all.
func clientsBut(workloads []v1alpha1.Client, o own, most int) (clients []v1alpha1.ClientAccess, more int) {
	named := len(workloads)
	if most > 0 {
		named = min(named, most)
	}
	clients = make([]v1alpha1.ClientAccess, 0, named)
	for _, client := range workloads {
		key := client
		key.Pods = 0 // The keys are without the number.
		switch {
		case client.Namespace == o.namespace && o.clients[key]:
		case most > 0 && len(clients) == most:
			return clients, len(workloads) - len(o.clients) - most
		default:
			clients = append(clients, v1alpha1.ClientAccess{Client: client, Policies: []v1alpha1.PolicyReference{}})
		}
	}
	return clients, 0
}
