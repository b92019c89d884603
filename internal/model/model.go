package model

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"sync"

	"github.com/cilium/cilium/pkg/labels"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Model is an inventory that the engine can be asked about: every pod has its identity, every
// policy has been read by Cilium.
type Model struct {
	inv     *inventory.Inventory
	options Options
	// around is what policies refer to, and identities and readings of policies depend on.
	around     engine.Around
	identities *engine.Identities
	// of are the identities of the pods, in the order of the inventory; nil for those on their
	// node's network.
	of []*engine.Identity
	// hasEndpoint tells of each pod whether the agent knows it.
	hasEndpoint []bool
	engine      *engine.Engine
	// peers are who may want to connect: identities of pods with the pods behind them.
	peers  []Peer
	lookup lookup
	// guarded are the peers that may be kept from connecting by their own egress; it depends on the policies.
	guarded func() []int
	// crowds are the peers that policies can't tell apart; they depend on the policies as well.
	crowds func() *crowds
	// entityIDs are the identities that are no pods: the world, hosts, the API server, SeldomNamed. parts are the
	// parts of the world that each policy names, and outside is all of these.
	entityIDs []*engine.Identity
	parts     [][]*engine.Identity
	outside   []*engine.Identity
	// possible are those whom each policy would let in and who are not in the inventory.
	possible []possible
	// unmanaged are the running pods that Cilium does not manage.
	unmanaged map[types.NamespacedName]bool
	clusters  []*Cluster
	// memberOf are the clusters that the pods belong to; nil for applications.
	memberOf  []*Cluster
	operators []Operator
	// seenOperators is how many there are where these are too many to be asked about; 0 otherwise.
	seenOperators int
	// unlabelled are the identities of pods without labels, by namespace.
	unlabelled map[string]*engine.Identity
	// known is what databases need, and who that is.
	known registry
	// extra are the identities of Options.Extra.Pods.
	extra []*engine.Identity
	// remote are the identities of Options.Extra.Remote.
	remote []*engine.Identity
	// contents are policies as they are written.
	contents *contents
}

// Peer is an identity and the pods (indexes into the inventory) that have it.
type Peer struct {
	Identity *engine.Identity
	Pods     []int
}

// Operator is an installation of CloudNativePG's operator and what its pods look like.
type Operator struct {
	inventory.Operator
	Ends []End
	// Assumed is true when no pod of it has been seen.
	Assumed bool
	// typical is what its pods are like where only the namespace is known.
	typical *engine.Identity
}

// Options choose what a model is about.
type Options struct {
	// Namespace limits the clusters; empty means all.
	Namespace string
	// Names limits the clusters further; empty means all.
	Names []string
	// OperatorNamespace overrides the detection of the operator.
	OperatorNamespace string
	// Extra are identities that somebody will ask about and that the inventory need not have.
	Extra Extra
}

// Extra are identities besides those of the inventory and of its policies.
type Extra struct {
	// Pods need not exist. Model.ExtraOf has their identities.
	Pods []inventory.Pod
	// Prefixes are addresses outside the Kubernetes cluster.
	Prefixes []netip.Prefix
	// Peers are whom pods may connect to.
	Peers []egress.Peer
	// Remote are pods of other Kubernetes clusters of the mesh. Model.Remote has their identities.
	Remote []Remote
}

// Remote is a pod of another Kubernetes cluster of the mesh.
type Remote struct {
	// Labels are those of its identity in Cilium's form, as the agents there say; nil where nobody has said them.
	Labels []string
	// Pod and Cluster, by its name in the mesh, describe it where Labels is nil.
	Pod     inventory.Pod
	Cluster string
}

// And are the identities of both.
func (e Extra) And(other Extra) Extra {
	return Extra{
		Pods: slices.Concat(e.Pods, other.Pods), Prefixes: slices.Concat(e.Prefixes, other.Prefixes), Peers: slices.Concat(e.Peers, other.Peers),
		Remote: slices.Concat(e.Remote, other.Remote),
	}
}

// New reads the policies and derives the identities of an inventory. Errors are about Cilium's
// settings; everything else becomes a finding.
func New(inv *inventory.Inventory, o Options) (*Model, error) { return Next(nil, inv, o) }

// Next is New for the next inventory of the same Kubernetes cluster. It takes over from the last
// model what has not changed since: the same objects, by pointer. The last model may be nil.
func Next(last *Model, inv *inventory.Inventory, o Options) (*Model, error) {
	m := &Model{inv: inv, options: o, around: engine.AroundOf(inv), unmanaged: map[types.NamespacedName]bool{}, unlabelled: map[string]*engine.Identity{}, contents: contentsOf(inv)}
	m.clusters = selectClusters(m.inv, o)
	m.around.Databases = engine.About(len(m.clusters))
	if last.serves(inv.Settings, m.around) {
		m.identities = last.identities
	} else {
		last = nil
		var err error
		if m.identities, err = engine.NewIdentitiesAmong(inv.Settings, m.around); err != nil {
			return nil, err
		}
	}
	var policies []engine.Policy
	var work errgroup.Group // What policies say does not depend on whom there is, and the other way round.
	work.Go(func() (err error) {
		policies, err = m.read(inv.Policies, last)
		return err
	})
	work.Go(func() error { return m.addPods(last, o) })
	if err := work.Wait(); err != nil {
		return nil, err
	}
	if err := m.divideWorld(policies); err != nil {
		return nil, err
	}
	if err := m.addGhostOperators(policies); err != nil {
		return nil, err
	}
	if err := m.addExtra(o.Extra); err != nil {
		return nil, err
	}
	if err := m.register(policies); err != nil {
		return nil, err
	}
	var err error
	m.engine, err = engine.New(m.identities, policies)
	m.guarded, m.crowds = sync.OnceValue(m.restrictedPeers), sync.OnceValue(m.divideCrowds)
	return m, err
}

// addPods finds out who is there: the identities of pods, the clusters' members, and the operators.
func (m *Model) addPods(last *Model, o Options) error {
	if err := m.identifyPods(last); err != nil {
		return err
	}
	m.buildLookup()
	if err := m.addMembers(); err != nil {
		return err
	}
	return m.addOperators(o)
}

// serves tells whether the model's identities are good for the next one. They are not under other
// settings, nor where policies refer to something that has changed; and since identities that nobody has any more stay among them, they are given up when
// these are the most.
func (m *Model) serves(s inventory.Settings, around engine.Around) bool {
	const few = 1000
	return m != nil && reflect.DeepEqual(m.inv.Settings, s) && reflect.DeepEqual(m.around, around) && m.identities.Len() < few+2*len(m.peers)
}

// With is the same world under other policies: the same identities, so that both can be compared.
func (m *Model) With(policies []inventory.Policy) (*Model, error) {
	inv := *m.inv
	inv.Policies = policies
	other := *m
	other.inv, other.contents = &inv, contentsOf(&inv)
	read, err := other.read(policies, m)
	if err != nil {
		return nil, err
	}
	if err := other.divideWorld(read); err != nil {
		return nil, err
	}
	if err := other.register(read); err != nil {
		return nil, err
	}
	other.engine, err = engine.New(m.identities, read)
	other.guarded, other.crowds = sync.OnceValue(other.restrictedPeers), sync.OnceValue(other.divideCrowds)
	return &other, err
}

func (m *Model) addMembers() error {
	m.lookup.clusters = make(map[types.NamespacedName]*Cluster, len(m.clusters))
	for _, c := range m.clusters {
		m.lookup.clusters[c.Key()] = c
	}
	m.memberOf, m.lookup.labelled = make([]*Cluster, len(m.inv.Pods)), map[types.NamespacedName][]int{}
	for i := range m.inv.Pods {
		pod := &m.inv.Pods[i]
		key := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Labels[cnpg.ClusterLabel]}
		switch c := m.lookup.clusters[key]; {
		case c == nil:
		case isStranger(pod):
			if m.of[i] != nil {
				m.lookup.labelled[key] = append(m.lookup.labelled[key], i)
			}
		case m.of[i] == nil:
			c.OnNodes = append(c.OnNodes, Member{Pod: i, Identity: m.identities.Reserved(labels.IDNameHost), Role: roleOf(pod)})
		default:
			m.memberOf[i] = c
			c.Members = append(c.Members, Member{Pod: i, Identity: m.of[i], Role: roleOf(pod)})
		}
	}
	for _, c := range m.clusters {
		next, job := upcoming(c)
		ids, err := m.identities.Pods([]inventory.Pod{next, job}, m.namespaceLabels(c.Key().Namespace))
		if err != nil {
			return err
		}
		c.NextInstance, c.JoinJob = ids[0], ids[1]
	}
	return nil
}

// addExtra makes the identities that somebody will ask about: before the engine is built, and after
// the policies have been read, since they split the world.
func (m *Model) addExtra(extra Extra) error {
	for _, prefix := range extra.Prefixes {
		if _, err := m.identities.CIDR(prefix); err != nil {
			return err
		}
	}
	for _, pod := range extra.Pods {
		ids, err := m.identities.Pods([]inventory.Pod{pod}, m.namespaceLabels(pod.Namespace))
		if err != nil {
			return err
		}
		m.extra = append(m.extra, ids...)
	}
	for i := range extra.Remote {
		r := &extra.Remote[i]
		if r.Labels != nil {
			m.remote = append(m.remote, m.identities.RemoteEndpoint(inventory.Endpoint{IdentityLabels: r.Labels, NamedPorts: r.Pod.NamedPorts}))
			continue
		}
		id, err := m.identities.PodOf(r.Cluster, &r.Pod)
		if err != nil {
			return err
		}
		m.remote = append(m.remote, id)
	}
	return nil
}

// Restarted is the same world in which Cilium manages these pods: in which they were restarted.
func (m *Model) Restarted(pods []int) *Model {
	other := *m
	other.unmanaged = maps.Clone(m.unmanaged)
	for _, i := range pods {
		delete(other.unmanaged, m.inv.Pods[i].Key())
	}
	return &other
}
