package isolation

import (
	"cmp"
	"maps"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// target is something that clients connect to.
type target struct {
	name       string
	port       uint16
	identities []*engine.Identity
}

const instancesTarget = "instances"

// targets are PostgreSQL's port of the instances and of each pooler.
func (m *Model) targets(c *cluster) []target {
	targets := []target{{instancesTarget, postgresPort, identitiesOf(c.instances())}}
	poolers := m.poolers(c)
	for _, name := range slices.Sorted(maps.Keys(poolers)) {
		targets = append(targets, target{"pooler " + name, postgresPort, identitiesOf(poolers[name])})
	}
	return targets
}

func identitiesOf(members []member) []*engine.Identity {
	var ids []*engine.Identity
	for _, member := range members {
		ids = append(ids, member.identity)
	}
	return distinct(ids)
}

func (m *Model) exposure(c *cluster) []v1alpha1.Exposure {
	out := []v1alpha1.Exposure{}
	for _, t := range m.targets(c) {
		out = append(out, m.exposureOf(c, t))
	}
	return out
}

func (m *Model) exposureOf(c *cluster, t target) v1alpha1.Exposure {
	e := v1alpha1.Exposure{Target: t.name, Port: t.port, Namespaces: []string{}, Clients: []v1alpha1.Client{}, Entities: []string{}}
	clients := map[v1alpha1.Client]int{}
	for _, p := range m.peers {
		pods := m.strangers(c, p)
		if len(pods) == 0 {
			continue
		}
		e.Total += len(pods)
		switch m.reaches(p.identity, t) {
		case v1alpha1.VerdictUnknown:
			e.Unknown++
		case v1alpha1.Denied:
		case v1alpha1.Allowed:
			e.Identities++
			e.Pods += len(pods)
			for _, i := range pods {
				pod := &m.inv.Pods[i]
				clients[v1alpha1.Client{Namespace: pod.Namespace, Workload: pod.Workload.String()}]++
			}
		}
	}
	for client, pods := range clients {
		e.Namespaces = append(e.Namespaces, client.Namespace)
		client.Pods = pods
		e.Clients = append(e.Clients, client)
	}
	slices.SortFunc(e.Clients, compareClients)
	slices.Sort(e.Namespaces)
	e.Namespaces = slices.Compact(e.Namespaces)
	e.Entities = append(e.Entities, m.entities(t)...)
	return e
}

// strangers are the pods of an identity that are no members of the cluster. Pods that Cilium does
// not manage are left out: what they look like to the others can't be seen.
func (m *Model) strangers(c *cluster, p peer) []int {
	return slices.DeleteFunc(slices.Clone(p.pods), func(i int) bool {
		pod := &m.inv.Pods[i]
		return c.owns(pod) || m.unmanaged[pod.Key()]
	})
}

// entities are those that are no pods and can connect. Parts of the world are named only where the
// world as a whole can't connect.
func (m *Model) entities(t target) []string {
	everybody := m.worldReaches(t)
	var out []string
	for _, id := range m.outside {
		part := id.IsWorld() && !slices.Contains(m.identities.Worlds(), id)
		if part && everybody {
			continue
		}
		if m.reaches(id, t) == v1alpha1.Allowed {
			out = append(out, id.Name())
		}
	}
	return out
}

// worldReaches is true when everybody outside the cluster can connect, policies permitting.
func (m *Model) worldReaches(t target) bool {
	return !slices.ContainsFunc(m.identities.Worlds(), func(id *engine.Identity) bool {
		return m.reaches(id, t) != v1alpha1.Allowed
	})
}

// reaches is allowed when the identity can connect to at least one pod of the target.
func (m *Model) reaches(id *engine.Identity, t target) v1alpha1.Verdict {
	best := v1alpha1.Denied
	for _, to := range t.identities {
		switch m.engine.Decide(id, to, t.port).Verdict {
		case v1alpha1.Allowed:
			return v1alpha1.Allowed
		case v1alpha1.VerdictUnknown:
			best = v1alpha1.VerdictUnknown
		case v1alpha1.Denied:
		}
	}
	return best
}

func compareClients(a, b v1alpha1.Client) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Workload, b.Workload))
}

func comparePolicies(a, b v1alpha1.PolicyReference) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func uniquePolicies(refs []v1alpha1.PolicyReference) []v1alpha1.PolicyReference {
	slices.SortFunc(refs, comparePolicies)
	return slices.Compact(refs)
}
