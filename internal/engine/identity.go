package engine

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/identity"
	k8sConst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
	ciliumtypes "github.com/cilium/cilium/pkg/types"
	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Identity is a security identity: what Cilium's policies can tell apart.
type Identity struct {
	id *identity.Identity
	// name is set for identities that are no pods: "world", "cidr:203.0.113.0/24".
	name string
	// namespace is that of pods, and remote tells those of other clusters.
	namespace string
	remote    bool
	// ports are its named ports, and portsKey what tells them apart from others.
	ports    ciliumtypes.NamedPortMap
	portsKey string
	// prefix is where the address of an identity of the world is, and besides are its labels but for that
	// of the prefix; see alike.
	prefix  netip.Prefix
	besides string
}

// Name is the entity's name ("world", "host"), and empty for identities of pods.
func (i *Identity) Name() string { return i.name }

// Entity is who the identity is in what is printed; empty for identities of pods.
func (i *Identity) Entity() v1alpha1.Entity { return v1alpha1.Entity(i.name) }

// Labels are the identity's labels in Cilium's form source:key=value, in order.
func (i *Identity) Labels() []string { return i.id.LabelArray.GetModel() }

// IsWorld is true for the world and for named parts of it.
func (i *Identity) IsWorld() bool { return i.id.Labels.HasWorldLabel() }

// Namespace is the namespace of an identity of pods, and empty for others.
func (i *Identity) Namespace() string { return i.namespace }

// ServiceAccount is the name of that of an identity of pods, and empty for others.
func (i *Identity) ServiceAccount() string {
	return i.id.LabelArray.Get(labels.LabelSourceK8sKeyPrefix + k8sConst.PolicyLabelServiceAccount)
}

// Identities collects the identities that an engine shall know, each once.
type Identities struct {
	settings *inventory.Settings
	// groups are the labels of the prefixes that are known to be in groups.
	groups map[netip.Prefix][]labels.Labels
	byKey  map[string]*Identity
	// others is the collection that lends its identities to this one; nil for one of its own, see Engine.Near.
	others   *Identities
	byNumber map[identity.NumericIdentity]*Identity
	all      identity.IdentityMap
	// inAddresses are those of addresses in the world, in the order of their numbers.
	inAddresses []*Identity
	// relevant tells of the keys of labels whether the agent's label filter lets them pass.
	relevant map[string]bool
	// given are what the labels of namespaces add to the identities of their pods.
	given map[string]given
	// byEndpoint are those of endpoints, by what the agent says of them: most pods are one of several.
	byEndpoint map[string]*Identity
	next       identity.NumericIdentity
	nextRemote identity.NumericIdentity
	nextCIDR   identity.NumericIdentity
	nextNode   identity.NumericIdentity
	nextHost   identity.NumericIdentity
}

// Cilium tells from the number of an identity which cluster of a mesh it is of (aggregateFor of pkg/policy), and the entity cluster is
// one's own alone.
const (
	// clusterNumbers is how many numbers a cluster has.
	clusterNumbers = identity.NumericIdentity(1 << 16)
	// clusterIDs is how many clusters numbers can tell apart, where a mesh has no more than by default.
	clusterIDs = 256
)

// firstNumbers are where the numbers of a cluster begin, and those of all other clusters together, as far away as can be: very large
// collections have more identities than a cluster may have.
func firstNumbers(cluster uint32) (own, remote identity.NumericIdentity) {
	return identity.NumericIdentity(cluster%clusterIDs) * clusterNumbers, identity.NumericIdentity((cluster+clusterIDs/2)%clusterIDs) * clusterNumbers
}

// NewIdentities returns a collection that holds Cilium's reserved identities (world, host, …).
func NewIdentities(s inventory.Settings) (*Identities, error) { return NewIdentitiesAmong(s, Around{}) }

// NewIdentitiesAmong is NewIdentities where addresses are known to be in groups.
func NewIdentitiesAmong(s inventory.Settings, around Around) (*Identities, error) {
	own, remote := firstNumbers(s.ClusterID)
	ids := &Identities{
		settings:   &s,
		byKey:      map[string]*Identity{},
		byNumber:   map[identity.NumericIdentity]*Identity{},
		relevant:   map[string]bool{},
		given:      map[string]given{},
		byEndpoint: map[string]*Identity{},
		next:       own + identity.MinimalNumericIdentity,
		nextRemote: remote + identity.MinimalNumericIdentity,
		nextCIDR:   identity.MinLocalIdentity,
		nextNode:   identity.IdentityScopeRemoteNode + identity.MinLocalIdentity - identity.IdentityScopeLocal,
		nextHost:   sameNode,
	}
	return ids, withAgent(ids.settings, func() {
		ids.groups = labelsOfGroups(around.CIDRGroups)
		ids.all = identity.ListReservedIdentities()
		for nid, lbls := range ids.all {
			i := &Identity{id: identity.NewIdentityFromLabelArray(nid, lbls), name: nid.String()}
			ids.byKey["reserved:"+i.name] = i
			ids.byNumber[nid] = i
		}
	})
}

// Len is the number of identities in the collection.
func (s *Identities) Len() int { return len(s.byNumber) }

// Reserved returns one of Cilium's reserved identities: world, host, remote-node,
// kube-apiserver, …; nil when there is none of that name.
func (s *Identities) Reserved(name string) *Identity { return s.known("reserved:" + name) }

// Worlds are the identities of everybody outside: one for each address family when both are on
// (pkg/labels/cidr.go, getWorldLabel).
func (s *Identities) Worlds() []*Identity {
	if s.settings.IPv4 && s.settings.IPv6 {
		return []*Identity{s.Reserved(labels.IDNameWorldIPv4), s.Reserved(labels.IDNameWorldIPv6)}
	}
	return []*Identity{s.Reserved(labels.IDNameWorld)}
}

// Pods adds the identity that the agent would give to each of the pods, from the labels of the
// namespace and the pod, its service account and the cluster's name, after the agent's label filter.
func (s *Identities) Pods(pods []inventory.Pod, namespaces map[string]map[string]string) ([]*Identity, error) {
	out := make([]*Identity, len(pods))
	return out, withAgent(s.settings, func() {
		// Most pods are like others, and what their namespace gives them is the same for all that are in it.
		known, keys := map[string]*Identity{}, podKeys{long: map[uintptr]string{}}
		for i := range pods {
			pod := &pods[i]
			key := keys.of(pod)
			if known[key] == nil {
				of := s.labelsOfNamespace(pod.Namespace, namespaces[pod.Namespace])
				own := s.labelsOf(pod, nil, s.settings.ClusterName).LabelArray()
				known[key] = s.add(mergeLabels(own, of), pod.NamedPorts, false)
			}
			out[i] = known[key]
		}
	})
}

// PodOf adds the identity of a pod of another Kubernetes cluster of the mesh, by that one's name, as far as it is known from
// here: without the labels of its namespace.
func (s *Identities) PodOf(cluster string, pod *inventory.Pod) (out *Identity, err error) {
	return out, withAgent(s.settings, func() {
		out = s.add(s.labelsOf(pod, nil, cluster).LabelArray(), pod.NamedPorts, cluster != s.settings.ClusterName)
	})
}

// Endpoint adds the identity that the agent has given to a pod.
func (s *Identities) Endpoint(ep inventory.Endpoint) *Identity {
	key := strings.Join(ep.IdentityLabels, "\x00") + portsKey(ep.NamedPorts)
	known := s.byEndpoint[key]
	if known == nil {
		known = s.add(labels.NewLabelsFromModel(ep.IdentityLabels).LabelArray(), ep.NamedPorts, false)
		s.byEndpoint[key] = known
	}
	return known
}

// RemoteEndpoint adds the identity that an agent of another Kubernetes cluster of the mesh has given to a pod.
func (s *Identities) RemoteEndpoint(ep inventory.Endpoint) *Identity {
	return s.add(labels.NewLabelsFromModel(ep.IdentityLabels).LabelArray(), ep.NamedPorts, true)
}

// CIDR adds the identity of a part of the world, as the agent does for every prefix in a policy.
func (s *Identities) CIDR(prefix netip.Prefix) (*Identity, error) {
	name := string(v1alpha1.PrefixEntity(prefix))
	if known := s.known(name); known != nil {
		return known, nil
	}
	var i *Identity
	return i, withAgent(s.settings, func() { i = s.addAddress(name, s.addressLabels(prefix), prefix) })
}

// CIDRGroup adds the identity of a member of a CiliumCIDRGroup that is not known, whichever addresses it
// has. The members of known ones are CIDRs like others.
func (s *Identities) CIDRGroup(group string) (*Identity, error) {
	name := string(v1alpha1.CIDRGroupEntity(group))
	if known := s.known(name); known != nil {
		return known, nil
	}
	var i *Identity
	return i, withAgent(s.settings, func() {
		label := api.LabelForCIDRGroupRef(group)
		lbls := labels.Labels{label.Key: label}
		lbls.AddWorldLabel(netip.IPv4Unspecified())
		i = s.addLocal(name, lbls)
	})
}

// addAddress adds the identity of an address in the prefix.
func (s *Identities) addAddress(name string, lbls labels.Labels, prefix netip.Prefix) *Identity {
	i := s.addLocal(name, lbls)
	i.prefix = prefix.Masked()
	besides := maps.Clone(lbls)
	besides.RemoveFromSource(labels.LabelSourceCIDR)
	i.besides = string(besides.SortedList())
	s.inAddresses = append(s.inAddresses, i)
	return i
}

func (s *Identities) addLocal(name string, lbls labels.Labels) *Identity {
	i := s.addAs(s.nextCIDR, name, lbls)
	s.nextCIDR++
	return i
}

func (s *Identities) addAs(number identity.NumericIdentity, name string, lbls labels.Labels) *Identity {
	i := &Identity{id: identity.NewIdentity(number, lbls), name: name}
	s.byKey[name] = i
	s.byNumber[i.id.ID] = i
	s.all[i.id.ID] = i.id.LabelArray
	return i
}

// add returns the identity with these labels, which are in the order of their keys, and named ports, a new one when it is not known yet.
// Named ports are part of the key, for two pods with equal labels and different ports get
// different verdicts from a policy that names a port.
func (s *Identities) add(array labels.LabelArray, ports []inventory.NamedPort, remote bool) *Identity {
	portsKey := portsKey(ports)
	key := labelsKey(array) + portsKey
	if remote {
		key = "remote " + key
	}
	if known := s.known(key); known != nil {
		return known
	}
	named := ciliumtypes.NamedPortMap{}
	for _, p := range ports {
		// An invalid name can't be referred to by a policy either: Cilium ignores it as well.
		_ = named.AddPort(p.Name, int(p.Port), string(protocolOrTCP(p.Protocol)))
	}
	number := &s.next
	if remote {
		number = &s.nextRemote
	}
	i := &Identity{
		id: &identity.Identity{ID: *number, LabelArray: array}, ports: named, portsKey: portsKey,
		namespace: array.Get(labels.LabelSourceK8sKeyPrefix + k8sConst.PodNamespaceLabel), remote: remote,
	}
	if slices.ContainsFunc(array, func(l labels.Label) bool { return l.Source == labels.LabelSourceReserved }) {
		i.id.Labels = array.Labels() // Nobody looks for others in this map, and it takes more room than the array, which has them too.
	}
	*number++
	s.byKey[key] = i
	s.byNumber[i.id.ID] = i
	s.all[i.id.ID] = i.id.LabelArray
	return i
}

func protocolOrTCP(p corev1.Protocol) corev1.Protocol {
	if p == "" {
		return corev1.ProtocolTCP
	}
	return p
}
