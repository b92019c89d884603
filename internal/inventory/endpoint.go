package inventory

import (
	"cmp"
	"net/netip"
	"slices"
)

// Endpoint is a CiliumEndpoint: the identity that the agent gave to a pod.
type Endpoint struct {
	// IdentityID is Cilium's numeric identity, 0 when the agent has not assigned one yet.
	IdentityID int64
	// IdentityLabels are in Cilium's form source:key=value ("k8s:role=backend").
	IdentityLabels []string
	NamedPorts     []NamedPort
	// Addresses are those that the agent has given to the pod.
	Addresses []netip.Addr
	// State is the agent's word on its own work: "ready" once the data path does what the policies say, and
	// before that "waiting-for-identity", "regenerating" and others (models.EndpointState of Cilium); empty
	// when it has not said any.
	State string
}

// initLabel is the only one of an endpoint of which the agent does not know the labels yet (labels.IDNameInit
// of Cilium).
const initLabel = "reserved:init"

// Identified is true when the agent has given the pod an identity by its labels.
func (e Endpoint) Identified() bool {
	return e.IdentityID != 0 && !slices.Contains(e.IdentityLabels, initLabel)
}

// Unsettled says, in the agent's words where it has any, why the endpoint is not known to enforce what the
// policies say; empty when it is. One that is taken down lets nobody in any more.
func (e Endpoint) Unsettled() string {
	switch e.State {
	case "disconnecting", "disconnected":
		return ""
	case "ready", "":
		if !e.Identified() {
			return cmp.Or(e.State, "no state") + ", without an identity"
		}
		return ""
	}
	return e.State
}
