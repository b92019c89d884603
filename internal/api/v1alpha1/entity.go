package v1alpha1

import (
	"net/netip"
	"strings"
)

// Entity is somebody who is no pod: one of Cilium's entities, or a part of the world that a policy names.
// Its text is Cilium's name of the entity, cidr:PREFIX for addresses, and cidr-group:NAME for the members
// of a CiliumCIDRGroup.
type Entity string

// Entities that are spoken of here (Cilium's pkg/policy/api/entity.go; package engine compares them).
const (
	// EntityWorld is everybody outside the Kubernetes cluster.
	EntityWorld Entity = "world"
	// EntityHost is the node that a pod runs on, and EntityRemoteNode are the other nodes.
	EntityHost       Entity = "host"
	EntityRemoteNode Entity = "remote-node"
	// EntityKubeAPIServer is the API server.
	EntityKubeAPIServer Entity = "kube-apiserver"
)

const (
	prefixOfCIDR      = "cidr:"
	prefixOfCIDRGroup = "cidr-group:"
)

// PrefixEntity are addresses outside the Kubernetes cluster that a policy names.
func PrefixEntity(prefix netip.Prefix) Entity { return Entity(prefixOfCIDR + prefix.String()) }

// CIDRGroupEntity are the members of a CiliumCIDRGroup.
func CIDRGroupEntity(name string) Entity { return Entity(prefixOfCIDRGroup + name) }

// Addresses are the addresses of a part of the world, as they are written; false for other entities.
func (e Entity) Addresses() (string, bool) { return strings.CutPrefix(string(e), prefixOfCIDR) }

// Prefix are the addresses of a part of the world; false for other entities.
func (e Entity) Prefix() (netip.Prefix, bool) {
	text, ok := e.Addresses()
	if !ok {
		return netip.Prefix{}, false
	}
	prefix, err := netip.ParsePrefix(text)
	return prefix, err == nil
}

// CIDRGroup is the name of a CiliumCIDRGroup; false for other entities.
func (e Entity) CIDRGroup() (string, bool) { return strings.CutPrefix(string(e), prefixOfCIDRGroup) }

// Short is the entity as people write it: the addresses without the word in front of them.
func (e Entity) Short() string {
	if addresses, ok := e.Addresses(); ok {
		return addresses
	}
	return string(e)
}
