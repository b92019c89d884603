package isolation

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Model is an inventory that the engine can be asked about: every pod has its identity, every
// policy has been read by Cilium.
type Model struct {
	inv        *inventory.Inventory
	options    Options
	identities *engine.Identities
	engine     *engine.Engine
	// peers are who may want to connect: identities of pods with the pods behind them.
	peers  []peer
	lookup lookup
	// guarded caches guardedPeers; it depends on the policies.
	guarded []int
	// entityIDs are the identities that are no pods: the world, hosts, the API server. parts are the
	// parts of the world that each policy names, and outside is all of these.
	entityIDs []*engine.Identity
	parts     [][]*engine.Identity
	outside   []*engine.Identity
	// unmanaged are the running pods that Cilium does not manage.
	unmanaged map[types.NamespacedName]bool
	clusters  []*cluster
	operators []operator
	// source and origins are whom explain asks about; empty in other models.
	source      *Source
	origins     []origin
	sourceNotes []string
}

// peer is an identity and the pods (indexes into the inventory) that have it.
type peer struct {
	identity *engine.Identity
	pods     []int
}

// operator is an installation of CloudNativePG's operator and the identities of its pods.
type operator struct {
	inventory.Operator
	identities []*engine.Identity
	// assumed is true when no pod of it has been seen.
	assumed bool
}

// Options choose what a model is about.
type Options struct {
	// Namespace limits the clusters; empty means all.
	Namespace string
	// Names limits the clusters further; empty means all.
	Names []string
	// OperatorNamespace overrides the detection of the operator.
	OperatorNamespace string
	// Source is whom Explain will be asked about; nil for other models.
	Source *Source
}

// NewModel reads the policies and derives the identities of an inventory. Errors are about
// Cilium's settings and about an unknown Source; everything else becomes a finding.
func NewModel(inv *inventory.Inventory, o Options) (*Model, error) {
	ids, err := engine.NewIdentities(inv.Settings)
	if err != nil {
		return nil, err
	}
	m := &Model{inv: inv, options: o, identities: ids, unmanaged: map[types.NamespacedName]bool{}}
	of, err := m.identifyPods()
	if err != nil {
		return nil, err
	}
	m.buildLookup()
	m.clusters = selectClusters(inv, o)
	if err := m.addMembers(of); err != nil {
		return nil, err
	}
	if err := m.addOperators(of, o); err != nil {
		return nil, err
	}
	policies, err := m.read(inv.Policies)
	if err != nil {
		return nil, err
	}
	if err := m.addGhostOperators(policies); err != nil {
		return nil, err
	}
	if err := m.addSource(of, o.Source); err != nil {
		return nil, err
	}
	m.engine, err = engine.New(ids, policies)
	return m, err
}

// With is the same world under other policies: the same identities, so that both can be compared.
func (m *Model) With(policies []inventory.Policy) (*Model, error) {
	inv := *m.inv
	inv.Policies = policies
	other := *m
	other.inv, other.guarded = &inv, nil
	read, err := other.read(policies)
	if err != nil {
		return nil, err
	}
	other.engine, err = engine.New(m.identities, read)
	return &other, err
}

// identifyPods gives every pod its identity: the agent's own when there is an endpoint, a derived
// one otherwise, none to pods that share their node's. The result is parallel to the pods.
func (m *Model) identifyPods() ([]*engine.Identity, error) {
	m.lookup.namespaces = map[string]map[string]string{}
	for _, n := range m.inv.Namespaces {
		m.lookup.namespaces[n.Name] = n.Labels
	}
	derived, err := m.identities.Pods(m.inv.Pods, m.lookup.namespaces)
	if err != nil {
		return nil, err
	}
	at := map[*engine.Identity]int{}
	for i := range m.inv.Pods {
		pod := &m.inv.Pods[i]
		endpoint, managed := m.inv.Endpoints[pod.Key()]
		switch {
		case pod.HostNetwork:
			derived[i] = nil
			continue
		case managed && len(endpoint.IdentityLabels) > 0:
			derived[i] = m.identities.Endpoint(endpoint)
		case m.lacksEndpoint(pod):
			m.unmanaged[pod.Key()] = true
		}
		if _, known := at[derived[i]]; !known {
			at[derived[i]] = len(m.peers)
			m.peers = append(m.peers, peer{identity: derived[i]})
		}
		p := &m.peers[at[derived[i]]]
		p.pods = append(p.pods, i)
	}
	return derived, nil
}

// lacksEndpoint is true for a running pod without an endpoint where other pods have one: the agent
// does not know it, so it enforces nothing on it. Without any endpoint there is no such evidence.
func (m *Model) lacksEndpoint(pod *inventory.Pod) bool {
	_, managed := m.inv.Endpoints[pod.Key()]
	return !managed && !pod.Expected && pod.Phase == "Running" && len(m.inv.Endpoints) > 0
}

// read lets Cilium read the policies and adds an identity for each part of the world that they name.
func (m *Model) read(policies []inventory.Policy) ([]engine.Policy, error) {
	read, world, err := engine.Read(m.inv.Settings, policies)
	if err != nil {
		return nil, err
	}
	m.entityIDs = m.identities.Worlds()
	for _, name := range []string{"host", "remote-node", "kube-apiserver"} {
		m.entityIDs = append(m.entityIDs, m.identities.Reserved(name))
	}
	all, err := m.partsOf(world)
	if err != nil {
		return nil, err
	}
	m.outside = slices.Concat(m.entityIDs, all)
	m.parts = make([][]*engine.Identity, len(read))
	for i := range read {
		if m.parts[i], err = m.partsOf(read[i].World); err != nil {
			return nil, err
		}
	}
	return read, nil
}

// partsOf are the identities of the parts of the world that policies name.
func (m *Model) partsOf(world engine.World) ([]*engine.Identity, error) {
	var out []*engine.Identity
	for _, prefix := range world.Prefixes {
		if prefix.Bits() == 0 {
			continue // The world itself.
		}
		id, err := m.identities.CIDR(prefix)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	for _, group := range world.CIDRGroups {
		id, err := m.identities.CIDRGroup(group)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

func (m *Model) addMembers(of []*engine.Identity) error {
	byKey := map[types.NamespacedName]*cluster{}
	for _, c := range m.clusters {
		byKey[c.key()] = c
	}
	for i := range m.inv.Pods {
		pod := &m.inv.Pods[i]
		key := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Labels[inventory.ClusterLabel]}
		if c := byKey[key]; c != nil && of[i] != nil {
			c.members = append(c.members, member{pod: i, identity: of[i], role: roleOf(pod)})
		}
	}
	for _, c := range m.clusters {
		next, job := upcoming(c)
		ids, err := m.identities.Pods([]inventory.Pod{next, job}, m.namespaceLabels(c.key().Namespace))
		if err != nil {
			return err
		}
		c.nextInstance, c.joinJob = ids[0], ids[1]
	}
	return nil
}

func (m *Model) namespaceLabels(name string) map[string]map[string]string {
	if labels, ok := m.lookup.namespaces[name]; ok {
		return map[string]map[string]string{name: labels}
	}
	return map[string]map[string]string{name: {"kubernetes.io/metadata.name": name}}
}

func containsLabels(labels, wanted map[string]string) bool {
	for k, v := range wanted {
		if labels[k] != v {
			return false
		}
	}
	return len(wanted) > 0
}

func distinct(ids []*engine.Identity) []*engine.Identity {
	var out []*engine.Identity
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// Clusters are the clusters that the model is about.
func (m *Model) Clusters() []types.NamespacedName {
	var out []types.NamespacedName
	for _, c := range m.clusters {
		out = append(out, c.key())
	}
	return out
}
