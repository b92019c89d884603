package engine

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/identity"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Name adds the identities that the addresses of a DNS name outside the Kubernetes cluster may have, as
// far as what policies name of the world can tell them apart: the agents give them a label for each name
// in a policy that matches, and those of the addresses that policies name. Which address the name has is
// not known here, so that what holds for all of these identities holds for the name, see Either. The
// addresses are IPv4 where the cluster has IPv4: who has both tries that one, too.
func (s *Identities) Name(name string, world World) ([]*Identity, error) {
	lbls, key := labels.Labels{}, "name:"+name
	for _, at := range world.matching(name) {
		label := world.Names[at].IdentityLabel()
		lbls[label.Key] = label
		// Under other policies, the name has other labels, and is another identity.
		key += " as " + label.Key
	}
	return s.somewhere(key, lbls, world)
}

// somewhere adds identities with these labels for an address outside: one for an address that no policy
// names, and one in each of the prefixes that policies name.
func (s *Identities) somewhere(name string, lbls labels.Labels, world World) ([]*Identity, error) {
	var out []*Identity
	return out, withAgent(s.settings, func() {
		unspecified := netip.IPv4Unspecified()
		if !s.settings.IPv4 {
			unspecified = netip.IPv6Unspecified()
		}
		out = append(out, s.outside(name, lbls, netip.PrefixFrom(unspecified, 0)))
		for _, prefix := range world.Prefixes {
			if prefix.Bits() > 0 && prefix.Addr().Is4() == unspecified.Is4() {
				out = append(out, s.outside(name+" in "+prefix.String(), lbls, prefix))
			}
		}
		for _, group := range world.CIDRGroups {
			label := api.LabelForCIDRGroupRef(group)
			member := maps.Clone(lbls)
			member[label.Key] = label
			out = append(out, s.outside(name+" in group "+group, member, netip.PrefixFrom(unspecified, 0)))
		}
	})
}

// outside adds the identity of an address in the world: with these labels, those of its prefix, and those
// that the prefix has from the groups that it is in. Must be called withAgent.
func (s *Identities) outside(name string, lbls labels.Labels, prefix netip.Prefix) *Identity {
	all := s.addressLabels(prefix)
	maps.Copy(all, lbls)
	// The labels depend on the policies, of which there may be others for the same identities.
	key := name + " " + string(all.SortedList())
	if known := s.known(key); known != nil {
		return known
	}
	i := s.addAddress(name, all, prefix)
	s.byKey[key] = i
	return i
}

// addressLabels are the labels that an address of the world has: of its prefix, and of the groups that
// contain it. The labels of longer prefixes count where keys are the same (metadata.mergeLabels of
// pkg/ipcache). Must be called withAgent.
func (s *Identities) addressLabels(prefix netip.Prefix) labels.Labels {
	out := labels.GetCIDRLabels(prefix)
	var groups []labels.Labels
	for bits := prefix.Bits(); bits >= 0 && len(s.groups) > 0; bits-- {
		if around, err := prefix.Addr().Prefix(bits); err == nil {
			groups = append(groups, s.groups[around]...) // The longest first.
		}
	}
	for _, group := range groups {
		for key, label := range group {
			if _, ok := out[key]; !ok {
				out[key] = label
			}
		}
	}
	return out
}

// labelsOfGroups are the labels of the prefixes that are members of groups, in the order of the groups. Must be called withAgent.
func labelsOfGroups(groups []*ciliumv2.CiliumCIDRGroup) map[netip.Prefix][]labels.Labels {
	out := map[netip.Prefix][]labels.Labels{}
	for _, group := range groups {
		of := groupLabels(group)
		for _, prefix := range groupPrefixes(group) {
			out[prefix.Masked()] = append(out[prefix.Masked()], of)
		}
	}
	return out
}

// Place is where an API server is, seen from a pod.
type Place int

const (
	// Outside the Kubernetes cluster's nodes, as with a control plane that somebody else runs.
	Outside Place = iota
	// OnOtherNode is on another node than the pod's.
	OnOtherNode
	// OnSameNode is on the pod's own node.
	OnSameNode
)

// sameNode is the number of the local host where an API server runs on it. Agents give the host itself the
// label then; here, other pods may be on other nodes. It is one of those that are not aggregated, as the
// host's own (pkg/policy/aggregate.go), and that no identity of Cilium's has.
const sameNode identity.NumericIdentity = 64

// APIServer adds the identities that an API server there has for the pods that connect to it: agents give
// the entity's label to the addresses behind the Service default/kubernetes (resolveLabels and
// updateReservedHostLabels of pkg/ipcache). On a node it has no label of its address, unless
// policy-cidr-match-mode says so. An address that is not valid is one that is not known: what holds for all
// of the identities holds then, see Either.
func (s *Identities) APIServer(place Place, address netip.Addr, world World) ([]*Identity, error) {
	lbls := maps.Clone(labels.LabelKubeAPIServer)
	if place == Outside && !address.IsValid() {
		return s.somewhere("API server outside", lbls, world)
	}
	var one *Identity
	err := withAgent(s.settings, func() {
		known := address.IsValid() && slices.Contains(s.settings.CIDRMatchMode, "nodes")
		switch {
		case place == Outside:
			one = s.outside("API server at "+address.String(), lbls, netip.PrefixFrom(address, address.BitLen()))
		case place == OnSameNode:
			one = s.node("API server on the same node", withLabels(lbls, labels.LabelHost), address, known)
		case known:
			one = s.node("API server on another node", withLabels(lbls, labels.LabelRemoteNode), address, known)
		default:
			one = s.Reserved(labels.IDNameKubeAPIServer)
		}
	})
	return []*Identity{one}, err
}

func withLabels(lbls, more labels.Labels) labels.Labels {
	maps.Copy(lbls, more)
	return lbls
}

// node adds the identity of an API server's node, with the labels of its address where that counts. Must be
// called withAgent.
func (s *Identities) node(name string, lbls labels.Labels, address netip.Addr, withAddress bool) *Identity {
	if withAddress {
		name += " at " + address.String()
		for key, label := range s.addressLabels(netip.PrefixFrom(address, address.BitLen())) {
			if label.Source != labels.LabelSourceReserved {
				lbls[key] = label
			}
		}
	}
	if known := s.known(name); known != nil {
		return known
	}
	number := &s.nextNode
	if lbls.HasHostLabel() {
		number = &s.nextHost
	}
	i := s.addAs(*number, name, lbls)
	*number++
	return i
}

// Either is the decision about a connection of which the peer is one of several, and nobody knows which:
// what is the same for all of them, and otherwise unknown for this reason.
func Either(reason string, all ...Decision) Decision {
	if len(all) == 0 {
		unknown := Direction{Verdict: v1alpha1.VerdictUnknown, Reason: reason}
		return Decision{Ingress: unknown, Egress: unknown}.withVerdict()
	}
	d := all[0]
	d.Ingress = either(reason, all, func(d Decision) Direction { return d.Ingress })
	d.Egress = either(reason, all, func(d Decision) Direction { return d.Egress })
	return d.withVerdict()
}

func either(reason string, all []Decision, end func(Decision) Direction) Direction {
	first := end(all[0])
	for _, other := range all[1:] {
		if end(other).Verdict != first.Verdict {
			return Direction{Verdict: v1alpha1.VerdictUnknown, Reason: reason}
		}
	}
	return first
}

func compareNames(a, b api.FQDNSelector) int {
	return strings.Compare(a.SelectorKey(), b.SelectorKey())
}
