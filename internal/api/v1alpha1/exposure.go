package v1alpha1

import (
	"cmp"
)

// Exposure says who can connect to one port. Pods that the cluster itself consists of are not counted.
type Exposure struct {
	// Target is what is exposed: "instances" or "pooler NAME".
	Target Target `json:"target"`
	// Port is the TCP port.
	Port uint16 `json:"port"`
	// Identities is the number of different Cilium identities that can connect to at least one
	// pod of the target.
	Identities int `json:"identities"`
	// Pods is the number of pods behind those identities.
	Pods int `json:"pods"`
	// Total is the number of pods that were asked about, so that Pods has a measure.
	Total int `json:"totalPods"`
	// Everybody is true when every pod that was asked about can connect.
	Everybody bool `json:"everybody,omitempty"`
	// Namespaces are where the Clients are, in order.
	Namespaces []string `json:"namespaces"`
	// Clients are the workloads behind those pods, by namespace and name: all of them where few databases are asked about, see
	// MaxClientsOfAll.
	Clients []ClientAccess `json:"clients"`
	// MoreClients is the number of workloads that can connect and are not in Clients.
	MoreClients int `json:"moreClients,omitempty"`
	// Entities that are no pods and can connect: world, host, remote-node, kube-apiserver,
	// cidr:PREFIX for a part of the world that a policy names; and where a rule lets them in ingress,
	// unmanaged, init and health.
	Entities []Entity `json:"entities"`
	// EntityPolicies are the policies that let the Entities in, by entity.
	EntityPolicies map[Entity][]PolicyReference `json:"entityPolicies,omitempty"`
	// DeniedPods is the number of pods that can't connect.
	DeniedPods int `json:"deniedPods"`
	// Denied are the workloads of which pods can't connect, in the cluster's own namespace and in the
	// namespaces of Clients: whoever sees them next to the clients may have meant to let them in.
	Denied []ClientAccess `json:"denied"`
	// MoreDenied is the number of such workloads that are not in Denied, of which there are at most as many as Clients.
	MoreDenied int `json:"moreDenied,omitempty"`
	// DeniedEntities are world, host, remote-node and kube-apiserver where they can't connect.
	DeniedEntities []Entity `json:"deniedEntities"`
	// Possible are those whom rules would let in and who were not read: pods that manifests need not have, and
	// those of other clusters of a mesh.
	Possible []PossibleClient `json:"possible,omitempty"`
	// MorePossible is the number of selectors of rules about which was not asked whom they would let in besides
	// those who were read: policies have very many.
	MorePossible int `json:"morePossible,omitempty"`
	// Services are those through which clients outside the Kubernetes cluster come to the target.
	Services []ServiceAccess `json:"services,omitempty"`
	// Unknown counts identities about which the engine can't tell.
	Unknown int `json:"unknown,omitempty"`
	// ByPod says who can connect to which of the target's pods; empty where all of them have the same clients.
	ByPod []PodExposure `json:"byPod,omitempty"`
}

// PodExposure says who can connect to some of a target's pods, as Exposure does for at least one of all.
type PodExposure struct {
	// Targets are the names of the target's pods that are meant.
	Targets []string `json:"targets"`
	// Everybody is true when every pod that was asked about can connect.
	Everybody   bool           `json:"everybody,omitempty"`
	Pods        int            `json:"pods"`
	Total       int            `json:"totalPods"`
	Namespaces  []string       `json:"namespaces"`
	Clients     []ClientAccess `json:"clients"`
	MoreClients int            `json:"moreClients,omitempty"`
	Entities    []Entity       `json:"entities"`
	Unknown     int            `json:"unknown,omitempty"`
}

const (
	// MaxClientsOfAll is how many workloads all reports on a fleet name together, with the number of databases taken as the next power of
	// two: everybody for each of a thousand databases would be a list that grows with the square of the fleet.
	MaxClientsOfAll = 100_000
	// MaxClients is how many an Exposure names in any case.
	MaxClients = 100
)

// Client is a workload: pods of one workload are one client.
type Client struct {
	Namespace string `json:"namespace"`
	// Workload is kind/name of the owner, "deployment/web", or "pod/NAME" without one.
	Workload string `json:"workload"`
	// Pods is the number of its pods that are meant.
	Pods int `json:"pods"`
}

// Compare orders clients by namespace and workload, whatever the number of their pods.
func (c Client) Compare(other Client) int {
	return cmp.Or(cmp.Compare(c.Namespace, other.Namespace), cmp.Compare(c.Workload, other.Workload))
}

// ClientAccess is a workload and what decided about it.
type ClientAccess struct {
	Client `json:",inline"`
	// Policies decided; none when no policy restricts the connection.
	Policies []PolicyReference `json:"policies"`
}

// PossibleClient is what a rule's selector asks for and nobody who was read is.
type PossibleClient struct {
	// Cluster is that of a mesh; empty for this one.
	Cluster string `json:"cluster,omitempty"`
	// Namespace is empty where the selector names none.
	Namespace string `json:"namespace,omitempty"`
	// Labels are what is asked of labels besides: "app=web,tier"; empty for all pods.
	Labels   string            `json:"labels,omitempty"`
	Policies []PolicyReference `json:"policies"`
}

// ServiceAccess is a Service of type LoadBalancer or NodePort, and how clients arrive through it.
type ServiceAccess struct {
	Namespace             string   `json:"namespace"`
	Name                  string   `json:"name"`
	Type                  string   `json:"type"`
	ExternalTrafficPolicy string   `json:"externalTrafficPolicy"`
	SourceRanges          []string `json:"sourceRanges,omitempty"`
	// ArriveAs is what policies may see: "their own address", and the entity remote-node where nodes pass
	// connections on to each other.
	ArriveAs []string `json:"arriveAs"`
}
