package engine

import (
	"github.com/cilium/cilium/pkg/policy"
	ciliumtypes "github.com/cilium/cilium/pkg/types"
)

// peerPorts resolves the port names in egress rules by the peers' container ports, as the agent's
// ipcache does.
type peerPorts struct{ ciliumtypes.NamedPortMultiMap }

var _ policy.NamedPortsGetter = peerPorts{}

func newPeerPorts(ids *Identities) peerPorts {
	all := ciliumtypes.NewNamedPortMultiMap()
	for _, i := range ids.byKey {
		if len(i.ports) > 0 {
			all.Update(i.id.ID, nil, i.ports)
		}
	}
	return peerPorts{all}
}

// GetNamedPorts implements policy.NamedPortsGetter.
func (p peerPorts) GetNamedPorts() ciliumtypes.NamedPortMultiMap { return p.NamedPortMultiMap }
