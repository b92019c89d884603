package isolation

import (
	"cmp"
	"slices"
	"sync"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// exposure says for each target who can connect; most is how many clients are named, 0 for all.
func (m *Model) exposure(c *cluster, most int) []v1alpha1.Exposure {
	return m.totals(c, m.audiences(c, most, &dependencies{}), most)
}

// audience is what the policies say about a target, without the numbers of the fleet, which totals adds.
// What it depends on is noted in the dependencies that it was made with.
type audience struct {
	// exposure has the numbers of those who were asked about, and no clients.
	exposure v1alpha1.Exposure
	clients  []v1alpha1.ClientAccess
	// unknown is the number of pods about which nobody can tell.
	unknown int
	// everybody can connect: whoever was not asked about, too.
	everybody bool
}

func (m *Model) audiences(c *cluster, most int, e *dependencies) []audience {
	var out []audience
	for _, t := range m.targets(c) {
		asked := m.askAbout(t, e)
		a := m.audienceOf(c, t, asked, e)
		if !a.everybody {
			named, _ := firstOf(a.clients, most)
			a.exposure.Denied = m.deniedNear(c, t, namespacesOf(named), asked, e)
		}
		m.addEntities(&a.exposure, t)
		out = append(out, a)
	}
	return out
}

// audienceOf asks who can connect. The cost is that of the peers that the target's policy names, not
// that of the whole fleet.
func (m *Model) audienceOf(c *cluster, t target, q question, e *dependencies) audience {
	a := m.ask(c, t, q.single, e)
	if q.open && a.exposure.DeniedPods+a.unknown > 0 {
		// Open but for some: there is no short way to say for whom.
		e.fleet = true
		return m.ask(c, t, m.everyPeer(), e)
	}
	a.everybody = q.open
	return a
}

// totals adds the numbers of the fleet.
func (m *Model) totals(c *cluster, audiences []audience, most int) []v1alpha1.Exposure {
	own := m.own(c)
	out := []v1alpha1.Exposure{}
	for _, a := range audiences {
		e := a.exposure
		e.Total = m.lookup.pods - own.pods
		if a.everybody {
			e.Everybody = true
			e.Pods, e.Identities, e.DeniedPods = e.Total, m.lookup.identities-own.identities, 0
			e.Clients, e.MoreClients = m.lookup.clientsBut(own, most)
		} else {
			e.Everybody = e.Total > 0 && e.Pods == e.Total
			e.DeniedPods = e.Total - e.Pods - a.unknown
			e.Clients, e.MoreClients = firstOf(a.clients, most)
		}
		e.Namespaces = namespacesOf(e.Clients)
		out = append(out, e)
	}
	return out
}

// firstOf are the first clients, and the number of the others; most is 0 for all.
func firstOf(clients []v1alpha1.ClientAccess, most int) ([]v1alpha1.ClientAccess, int) {
	if most > 0 && len(clients) > most {
		return clients[:most], len(clients) - most
	}
	return clients, 0
}

// question is what has to be asked to know who can connect to a target.
type question struct {
	// single are the peers (positions in m.peers) that must be asked about one by one.
	single []int
	// open is true when all the others can connect.
	open bool
	// uniform is true when all the others are alike to the target.
	uniform bool
}

// askAbout says who has to be asked about. Whom Cilium does not manage is none of those that are alike
// to a target.
func (m *Model) askAbout(t target, e *dependencies) question {
	q := question{uniform: true, open: t.open}
	if i, ok := m.lookup.peerOf[m.identities.Reserved(unmanagedName)]; ok {
		q.single = append(q.single, i)
	}
	for _, to := range t.identities {
		r := m.engine.Reach(to, t.port)
		if !r.Uniform {
			e.fleet = true
			return question{single: m.everyPeer()}
		}
		q.open = q.open || r.Others == v1alpha1.VerdictAllowed
		for _, id := range r.Listed {
			if i, ok := m.lookup.peerOf[id]; ok {
				q.single = append(q.single, i)
			}
		}
	}
	if q.open {
		e.egress = true
		q.single = append(q.single, m.guardedPeers()...)
	}
	slices.Sort(q.single)
	q.single = slices.Compact(q.single)
	return q
}

func (m *Model) everyPeer() []int {
	all := make([]int, len(m.peers))
	for i := range all {
		all[i] = i
	}
	return all
}

// ask asks about peers, one by one.
func (m *Model) ask(c *cluster, t target, peers []int, e *dependencies) audience {
	clients := accessOf{}
	a := audience{exposure: v1alpha1.Exposure{
		Target: t.name, Port: t.port, Entities: []string{}, DeniedEntities: []string{}, Denied: []v1alpha1.ClientAccess{},
	}}
	for _, i := range peers {
		e.from(m.peers[i].identity.Namespace())
		pods := m.strangers(c, m.peers[i])
		if len(pods) == 0 {
			continue
		}
		verdict, policies := m.decide(m.peers[i].identity, t)
		if m.peers[i].identity.Name() == unmanagedName && verdict != v1alpha1.VerdictDenied {
			e.fleet = true // Its pods are in any namespace.
		}
		switch verdict {
		case v1alpha1.VerdictUnknown:
			a.exposure.Unknown++
			a.unknown += len(pods)
		case v1alpha1.VerdictDenied:
			a.exposure.DeniedPods += len(pods)
		case v1alpha1.VerdictAllowed:
			a.exposure.Identities++
			a.exposure.Pods += len(pods)
			m.count(clients, pods, policies)
		}
	}
	a.clients = clients.sorted()
	return a
}

// deniedNear are the denied workloads of the cluster's namespace and of the clients' namespaces. Of
// those that are alike to the target and not held back by their own egress, one is asked about.
func (m *Model) deniedNear(c *cluster, t target, namespaces []string, q question, e *dependencies) []v1alpha1.ClientAccess {
	near := slices.Clone(namespaces)
	if !slices.Contains(near, c.object.Namespace) {
		near = append(near, c.object.Namespace)
	}
	var others func() (v1alpha1.Verdict, []v1alpha1.PolicyReference)
	denied := accessOf{}
	for _, namespace := range near {
		e.from(namespace)
		for _, i := range m.lookup.peersIn[namespace] {
			pods := m.strangers(c, m.peers[i])
			if len(pods) == 0 {
				continue
			}
			ask := func() (v1alpha1.Verdict, []v1alpha1.PolicyReference) { return m.decide(m.peers[i].identity, t) }
			if q.uniform && !contains(q.single, i) && !contains(m.guardedPeers(), i) {
				if others == nil {
					others = sync.OnceValues(ask)
				}
				ask = others
			}
			if verdict, policies := ask(); verdict == v1alpha1.VerdictDenied {
				m.count(denied, pods, policies)
			}
		}
	}
	return denied.sorted()
}

// contains tells whether an ordered slice has the value.
func contains(ordered []int, value int) bool {
	_, found := slices.BinarySearch(ordered, value)
	return found
}

func namespacesOf(clients []v1alpha1.ClientAccess) []string {
	out := []string{}
	for _, c := range clients {
		out = append(out, c.Namespace)
	}
	return slices.Compact(out) // The clients are in order.
}

// strangers are the pods of an identity that are no members of the cluster.
func (m *Model) strangers(c *cluster, p peer) []int {
	return slices.DeleteFunc(slices.Clone(p.pods), func(i int) bool { return m.memberOf[i] == c })
}

// addEntities adds those that are no pods. Parts of the world are named only where the world as a
// whole can't connect.
func (m *Model) addEntities(e *v1alpha1.Exposure, t target) {
	everybody := m.worldReaches(t)
	for _, id := range m.outsideOf(t) {
		part := id.IsWorld() && !slices.Contains(m.identities.Worlds(), id)
		if part && everybody {
			continue
		}
		name := id.Name()
		if everybody && id.IsWorld() {
			name = "world" // Both address families.
		}
		switch verdict, policies := m.decide(id, t); {
		case verdict == v1alpha1.VerdictAllowed:
			if !slices.Contains(e.Entities, name) {
				e.Entities = append(e.Entities, name)
			}
			if len(policies) > 0 {
				if e.EntityPolicies == nil {
					e.EntityPolicies = map[string][]v1alpha1.PolicyReference{}
				}
				e.EntityPolicies[name] = uniquePolicies(slices.Concat(e.EntityPolicies[name], policies))
			}
		case verdict == v1alpha1.VerdictDenied && !part:
			e.DeniedEntities = append(e.DeniedEntities, name)
		}
	}
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
