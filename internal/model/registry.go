package model

import (
	"net/netip"
	"slices"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// registry is what databases need, and the identities of those ends of it that are no pods of the inventory:
// the engine knows only identities that were there before it. Where nothing restricts what a source opens,
// nobody asks about what it opens, and its peers are not here.
type registry struct {
	deriver    *egress.Deriver
	needs      map[types.NamespacedName][]egress.Need
	operators  [][]egress.Need
	dependants map[types.NamespacedName][]Dependant

	jobs       map[jobOf]*engine.Identity
	names      map[named][]*engine.Identity
	addresses  map[netip.Addr][]*engine.Identity
	apiServers map[placed][]*engine.Identity
	candidates map[string]*engine.Identity
	// nowhere are addresses of the world that no name has, for what runs in a namespace.
	nowhere map[string][]*engine.Identity
	// mentioned are those of the names that policies name.
	mentioned map[string][]*engine.Identity
}

// named is a DNS name as the policies for what runs in a namespace know it: those for others do not matter.
type named struct{ namespace, name string }

// Dependant is a need of a cluster that another one serves, with the ends that have it.
type Dependant struct {
	egress.Dependant
	Ends []End
}

type jobOf struct {
	cluster types.NamespacedName
	role    cnpg.JobRole
}

// placed is an API server as the policies for what runs in a namespace know it.
type placed struct {
	namespace string
	place     engine.Place
	address   netip.Addr
}

// register derives what is needed, and adds the identities that the engine will be asked about under the
// policies.
func (m *Model) register(policies []engine.Policy) error {
	r := registry{
		deriver: m.known.deriver, needs: m.known.needs, operators: m.known.operators,
		jobs: map[jobOf]*engine.Identity{}, names: map[named][]*engine.Identity{}, nowhere: map[string][]*engine.Identity{}, mentioned: map[string][]*engine.Identity{}, addresses: map[netip.Addr][]*engine.Identity{},
		apiServers: map[placed][]*engine.Identity{}, candidates: map[string]*engine.Identity{},
	}
	if r.deriver == nil {
		r.deriver = egress.New(m.inv)
		r.needs = map[types.NamespacedName][]egress.Need{}
		for _, c := range m.clusters {
			r.needs[c.Key()] = r.deriver.Cluster(c.Object)
		}
		for _, op := range m.operators {
			r.operators = append(r.operators, r.deriver.Operator(op.Operator))
		}
	}
	m.known = r
	worlds := m.worldsOf(policies)
	restricted := m.restrictedNamespaces(policies)
	for _, c := range m.clusters {
		guarded := restricted(c.Object.Namespace)
		for _, need := range r.needs[c.Key()] {
			if !guarded && len(m.options.Extra.Peers) == 0 && !slices.ContainsFunc(need.Peers, func(p egress.Peer) bool { return len(p.Pods) > 0 }) {
				continue
			}
			if err := m.addJob(c.Object, need.Who); err != nil {
				return err
			}
			if guarded {
				if err := m.addPeers(need.Peers, c.Object.Namespace, worlds); err != nil {
					return err
				}
			}
		}
	}
	for i, op := range m.operators {
		for _, need := range r.operators[i] {
			if restricted(op.Namespace) && !need.Inbound {
				if err := m.addPeers(need.Peers, op.Namespace, worlds); err != nil {
					return err
				}
			}
		}
	}
	resolvers, _ := r.deriver.Resolvers()
	for namespace := range m.ownNamespaces() {
		if !restricted(namespace) && len(m.options.Extra.Peers) == 0 {
			continue
		}
		if err := m.addPeers(slices.Concat(m.options.Extra.Peers, resolvers), namespace, worlds); err != nil {
			return err
		}
	}
	return m.addDependants()
}

// ownNamespaces are those of the clusters and operators that the model is about.
func (m *Model) ownNamespaces() map[string]bool {
	out := map[string]bool{}
	for _, c := range m.clusters {
		out[c.Object.Namespace] = true
	}
	for _, op := range m.operators {
		out[op.Namespace] = true
	}
	return out
}

// worldsOf tells what the policies for what runs in a namespace name of the world.
func (m *Model) worldsOf(policies []engine.Policy) func(namespace string) engine.World {
	of := map[string][]engine.Policy{}
	for i := range policies {
		of[policies[i].Namespace] = append(of[policies[i].Namespace], policies[i])
	}
	known := map[string]engine.World{}
	return func(namespace string) engine.World {
		// Where a namespace's own policies name nothing of the world, it is that of those without a namespace.
		if !slices.ContainsFunc(of[namespace], func(p engine.Policy) bool { return p.World.NamesSome() }) {
			namespace = ""
		}
		world, ok := known[namespace]
		if !ok && namespace == "" {
			world, ok = m.identities.ToldApart(of[""]), true
			known[""] = world
		}
		if !ok {
			world = m.identities.ToldApart(slices.Concat(of[""], of[namespace]))
			known[namespace] = world
		}
		return world
	}
}

// restrictedNamespaces tells of namespaces whether something may restrict what pods there open.
func (m *Model) restrictedNamespaces(policies []engine.Policy) func(string) bool {
	in := map[string]bool{}
	for i := range policies {
		if policies[i].RestrictsEgress() {
			in[policies[i].Namespace] = true
		}
	}
	all := in[""] || m.inv.Settings.EnablePolicy == "always"
	return func(namespace string) bool { return all || in[namespace] }
}

// addJob adds the identity of a job, where who is one.
func (m *Model) addJob(cluster *cnpgv1.Cluster, who egress.Who) error {
	key := jobOf{types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Name}, who.Job}
	if who.Kind != egress.Job || m.known.jobs[key] != nil {
		return nil
	}
	serial := max(cluster.Spec.Instances, cluster.Status.LatestGeneratedNode) + 1
	ids, err := m.identities.Pods([]inventory.Pod{inventory.ExpectedJob(cluster, serial, who.Job)}, m.namespaceLabels(cluster.Namespace))
	if err != nil {
		return err
	}
	m.known.jobs[key] = ids[0]
	return nil
}

// addPeers adds the identities that peers have for what runs in a namespace, of those that are no pods of the
// inventory.
func (m *Model) addPeers(peers []egress.Peer, namespace string, worlds func(string) engine.World) error {
	known, world := m.known, worlds(namespace)
	if known.nowhere[namespace] == nil {
		var err error
		if known.nowhere[namespace], err = m.identities.Name("", engine.World{Prefixes: world.Prefixes, CIDRGroups: world.CIDRGroups}); err != nil {
			return err
		}
	}
	for _, p := range peers {
		var err error
		switch {
		case p.APIServer != nil && p.APIServer.OnNode:
			for _, place := range []engine.Place{engine.OnSameNode, engine.OnOtherNode} {
				if err == nil {
					known.apiServers[placed{namespace, place, p.APIServer.Address}], err = m.identities.APIServer(place, p.APIServer.Address, world)
				}
			}
		case p.APIServer != nil:
			known.apiServers[placed{namespace, engine.Outside, p.APIServer.Address}], err = m.identities.APIServer(engine.Outside, p.APIServer.Address, world)
		case p.Candidate != nil:
			var ids []*engine.Identity
			ids, err = m.identities.Pods([]inventory.Pod{{Namespace: p.Candidate.Namespace, Labels: p.Candidate.Labels}}, m.namespaceLabels(p.Candidate.Namespace))
			if len(ids) > 0 {
				known.candidates[p.Candidate.Namespace] = ids[0]
			}
		case len(p.Like) > 0:
			err = m.addLike(p.Like, namespace, world)
		case p.Name != "":
			known.names[named{namespace, p.Name}], err = m.identities.Name(p.Name, world)
		case p.Address.IsValid():
			var id *engine.Identity
			id, err = m.identities.CIDR(netip.PrefixFrom(p.Address, p.Address.BitLen()))
			known.addresses[p.Address] = one(id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addDependants finds who needs the model's clusters.
func (m *Model) addDependants() error {
	m.known.dependants = map[types.NamespacedName][]Dependant{}
	all := m.known.deriver.Dependants()
	for _, c := range m.clusters {
		key := c.Key()
		for _, d := range all[key] {
			ends, err := m.endsOfDependant(d)
			if err != nil {
				return err
			}
			m.known.dependants[key] = append(m.known.dependants[key], Dependant{d, ends})
		}
	}
	return nil
}

// endsOfDependant are the pods, or what may come, of a cluster that the model need not be about.
func (m *Model) endsOfDependant(d egress.Dependant) ([]End, error) {
	called := d.Cluster.Namespace + "/" + d.Cluster.Name
	if err := m.addJob(d.Cluster, d.Need.Who); err != nil {
		return nil, err
	}
	key := types.NamespacedName{Namespace: d.Cluster.Namespace, Name: d.Cluster.Name}
	if d.Need.Who.Kind == egress.Job {
		return []End{{Identity: m.known.jobs[jobOf{key, d.Need.Who.Job}], Name: "the " + string(d.Need.Who.Job) + " job of " + called}}, nil
	}
	next := inventory.ExpectedInstance(d.Cluster, max(d.Cluster.Spec.Instances, d.Cluster.Status.LatestGeneratedNode)+1, cnpg.ReplicaRole)
	ids, err := m.identities.Pods([]inventory.Pod{next}, m.namespaceLabels(d.Cluster.Namespace))
	if err != nil {
		return nil, err
	}
	ends := []End{{Identity: ids[0], Name: "an instance of " + called}}
	for _, i := range m.lookup.instances[key] {
		ends = append(ends, m.EndOf(i, m.calledPod(i)))
	}
	return ends, nil
}
