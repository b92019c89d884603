package assess

import (
	"slices"
	"sync"

	"github.com/cilium/cilium/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Exposure says for each target who can connect; most is how many clients are named, 0 for all.
func Exposure(m *model.Model, c *model.Cluster, most int) []v1alpha1.Exposure {
	return totals(m, c, audiences(m, c, most, &dependencies{}), most)
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
	// byPod are those of some of the target's pods, where they differ.
	byPod []podAudience
}

func audiences(m *model.Model, c *model.Cluster, most int, e *dependencies) []audience {
	var out []audience
	for _, t := range m.Targets(c) {
		asked := askAbout(m, t, e)
		a := audienceOf(m, c, t, asked, e)
		if !a.everybody {
			named, _ := firstOf(a.clients, most)
			a.exposure.Denied = deniedNear(m, c, t, namespacesOf(named), asked, e)
		}
		addEntities(m, &a.exposure, t)
		addPossible(m, c, &a.exposure, t)
		addServices(m, c, &a.exposure)
		a.byPod = audiencesByPod(m, c, t, e)
		out = append(out, a)
	}
	return out
}

// audienceOf asks who can connect. The cost is that of the peers that the target's policy names, not
// that of the whole fleet.
func audienceOf(m *model.Model, c *model.Cluster, t model.Target, q question, e *dependencies) audience {
	if !q.uniform && !t.Open && m.Engine().TellsNothing() {
		return unknownAudience(m, c, t)
	}
	decide := q.decider(m, t)
	a := ask(m, c, t, decide, q.single, e)
	if q.open && a.exposure.DeniedPods+a.unknown > 0 {
		// Open but for some: there is no short way to say for whom.
		e.fleet = true
		return ask(m, c, t, decide, everyPeer(m), e)
	}
	a.everybody = q.open
	return a
}

// totals adds the numbers of the fleet.
func totals(m *model.Model, c *model.Cluster, audiences []audience, most int) []v1alpha1.Exposure {
	own, fleet := ownOf(m, c), m.Fleet()
	out := []v1alpha1.Exposure{}
	for _, a := range audiences {
		e := a.exposure
		e.Total = fleet.Pods - own.pods
		if a.everybody {
			e.Everybody = true
			e.Pods, e.Identities, e.DeniedPods = e.Total, fleet.Identities-own.identities, 0
			e.Clients, e.MoreClients = clientsBut(fleet.Workloads, own, most)
		} else {
			e.Everybody = e.Total > 0 && e.Pods == e.Total
			e.DeniedPods = e.Total - e.Pods - a.unknown
			e.Clients, e.MoreClients = firstOf(a.clients, most)
		}
		e.Namespaces = namespacesOf(e.Clients)
		if len(a.byPod) > 0 {
			e.ByPod = byPod(m, c, a.byPod, most)
		}
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
	// single are the peers (positions in m.Peers()) that must be asked about one by one.
	single []int
	// open is true when all the others can connect.
	open bool
	// uniform is true when all the others are alike to the target.
	uniform bool
	// named are those of single that are not alike to the target.
	named []int
}

// askAbout says who has to be asked about. Whom Cilium does not manage is none of those that are alike
// to a target.
func askAbout(m *model.Model, t model.Target, e *dependencies) question {
	q := question{uniform: true, open: t.Open}
	if i, ok := m.PeerOf(m.Identities().Reserved(labels.IDNameUnmanaged)); ok {
		q.single = append(q.single, i)
	}
	for _, to := range t.Identities {
		r := m.Engine().Reach(to, t.Port)
		if !r.Uniform {
			e.fleet = true
			return question{single: everyPeer(m)}
		}
		q.open = q.open || r.Others == v1alpha1.VerdictAllowed
		for _, id := range r.Listed {
			if i, ok := m.PeerOf(id); ok {
				q.single = append(q.single, i)
			}
		}
	}
	slices.Sort(q.single)
	q.named = slices.Compact(q.single)
	q.single = q.named
	if q.open {
		e.egress = true
		q.single = slices.Concat(q.named, m.GuardedPeers())
		slices.Sort(q.single)
		q.single = slices.Compact(q.single)
	}
	return q
}

// decider says of a peer whether it can connect, and by which policies.
type decider func(peer int) (v1alpha1.Verdict, []v1alpha1.PolicyReference)

// decider decides about peers. Those that are alike to the target, and for whom the same rules say what they may open,
// have the same answer, and are asked about once.
func (q question) decider(m *model.Model, t model.Target) decider {
	type answer struct {
		verdict  v1alpha1.Verdict
		policies []v1alpha1.PolicyReference
	}
	known := map[string]answer{}
	return func(peer int) (v1alpha1.Verdict, []v1alpha1.PolicyReference) {
		id := m.Peers()[peer].Identity
		if !q.uniform || contains(q.named, peer) {
			return m.Decide(id, t)
		}
		key := m.Engine().Opens(id)
		a, ok := known[key]
		if !ok {
			a.verdict, a.policies = m.Decide(id, t)
			known[key] = a
		}
		return a.verdict, a.policies
	}
}

func everyPeer(m *model.Model) []int {
	all := make([]int, len(m.Peers()))
	for i := range all {
		all[i] = i
	}
	return all
}

// ask asks about peers, one by one.
func ask(m *model.Model, c *model.Cluster, t model.Target, decide decider, peers []int, e *dependencies) audience {
	clients := accessOf{}
	a := audience{exposure: nobodyYet(t)}
	for _, i := range peers {
		e.from(m.Peers()[i].Identity.Namespace())
		pods := m.Strangers(c, m.Peers()[i])
		if len(pods) == 0 {
			continue
		}
		verdict, policies := decide(i)
		if m.Peers()[i].Identity.Entity() == labels.IDNameUnmanaged && verdict != v1alpha1.VerdictDenied {
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
			count(m, clients, pods, policies)
		}
	}
	a.clients = clients.sorted()
	return a
}

func nobodyYet(t model.Target) v1alpha1.Exposure {
	return v1alpha1.Exposure{
		Target: t.Of, Port: t.Port, Entities: []v1alpha1.Entity{}, DeniedEntities: []v1alpha1.Entity{}, Denied: []v1alpha1.ClientAccess{},
	}
}

// unknownAudience is everybody, about whom nobody can tell: one by one, it would be the same for each.
func unknownAudience(m *model.Model, c *model.Cluster, t model.Target) audience {
	own, fleet := ownOf(m, c), m.Fleet()
	a := audience{exposure: nobodyYet(t), clients: accessOf{}.sorted(), unknown: fleet.Pods - own.pods}
	a.exposure.Unknown = fleet.Identities - own.identities
	return a
}

// deniedNear are the denied workloads of the cluster's namespace and of the clients' namespaces. Of
// those that are alike to the target and not held back by their own egress, one is asked about.
func deniedNear(m *model.Model, c *model.Cluster, t model.Target, namespaces []string, q question, e *dependencies) []v1alpha1.ClientAccess {
	near := slices.Clone(namespaces)
	if !slices.Contains(near, c.Object.Namespace) {
		near = append(near, c.Object.Namespace)
	}
	var others func() (v1alpha1.Verdict, []v1alpha1.PolicyReference)
	denied := accessOf{}
	for _, namespace := range near {
		e.from(namespace)
		for _, i := range m.PeersIn(namespace) {
			pods := m.Strangers(c, m.Peers()[i])
			if len(pods) == 0 {
				continue
			}
			ask := func() (v1alpha1.Verdict, []v1alpha1.PolicyReference) { return m.Decide(m.Peers()[i].Identity, t) }
			if q.uniform && !contains(q.single, i) && !contains(m.GuardedPeers(), i) {
				if others == nil {
					others = sync.OnceValues(ask)
				}
				ask = others
			}
			if verdict, policies := ask(); verdict == v1alpha1.VerdictDenied {
				count(m, denied, pods, policies)
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

// addEntities adds those that are no pods. Parts of the world are named only where the world as a
// whole can't connect.
func addEntities(m *model.Model, e *v1alpha1.Exposure, t model.Target) {
	everybody := m.WorldReaches(t)
	itself := everybody && !slices.ContainsFunc(m.Identities().Worlds(), func(id *engine.Identity) bool { return m.Reaches(id, t) != v1alpha1.VerdictAllowed })
	named, decide := map[v1alpha1.Entity]bool{}, m.Decider(t)
	for _, id := range m.OutsideOf(t) {
		part := id.IsWorld() && !slices.Contains(m.Identities().Worlds(), id)
		if part && itself {
			continue
		}
		verdict, policies := decide(id)
		name := id.Entity()
		if everybody && id.IsWorld() {
			if verdict != v1alpha1.VerdictAllowed {
				continue // An exception, or a world of which nothing is left but its parts.
			}
			name = v1alpha1.EntityWorld // Both address families, and parts that are all of it together.
		}
		if slices.Contains(model.SeldomNamed(), name) && (verdict != v1alpha1.VerdictAllowed || len(policies) == 0) {
			continue
		}
		switch {
		case verdict == v1alpha1.VerdictAllowed:
			if !named[name] {
				named[name] = true
				e.Entities = append(e.Entities, name)
			}
			if len(policies) > 0 {
				if e.EntityPolicies == nil {
					e.EntityPolicies = map[v1alpha1.Entity][]v1alpha1.PolicyReference{}
				}
				e.EntityPolicies[name] = engine.Unique(slices.Concat(e.EntityPolicies[name], policies))
			}
		case verdict == v1alpha1.VerdictDenied && !part:
			e.DeniedEntities = append(e.DeniedEntities, name)
		}
	}
}
