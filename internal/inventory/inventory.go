// Package inventory holds what is there: CloudNativePG clusters, pods, namespaces, policies and
// Cilium's settings, as one type that the rest of the program computes with. The packages live
// and manifests below it fill that type; nothing here talks to a server or reads a file.
package inventory

import (
	"net/netip"
	"slices"
	"time"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Origin says where an Inventory came from.
type Origin string

const (
	// Live inventories were read from an API server.
	Live Origin = "cluster"
	// Manifests inventories were read from files: pods are derived from workloads, and the absence
	// of a kind means nothing.
	Manifests Origin = "manifests"
)

// Inventory is everything a verdict needs. Slices are ordered by namespace and name.
type Inventory struct {
	Origin     Origin
	Clusters   []*cnpgv1.Cluster
	Poolers    []*cnpgv1.Pooler
	Namespaces []Namespace
	// Pods that run or may run: those that have succeeded or failed are left out.
	Pods []Pod
	// Endpoints are the CiliumEndpoints by pod. They are the agent's own word on identities.
	Endpoints map[types.NamespacedName]Endpoint
	Policies  []Policy
	Operators []Operator
	Settings  Settings
	Around
	// Sources are where the Clusters of manifests came from; nil for live ones.
	Sources map[types.NamespacedName]Source
	// Timers are the Jobs with which policies of lockdown end; AllTimers tells that there are no others. Now is the time by
	// the server's clock, zero where nobody had to know.
	Timers    []Timer
	AllTimers bool
	Now       time.Time
	// Missing is the evidence that could not be had. An empty slice of something is "there is
	// none" only when Missing does not name it.
	Missing []Missing
}

// Namespace is a namespace and the labels that selectors can match.
type Namespace struct {
	Name   string
	Labels map[string]string
}

// Pod is what matters of a pod for policy.
type Pod struct {
	Namespace, Name string
	Labels          map[string]string
	ServiceAccount  string
	// HostNetwork pods share their node's identity: policies do not select them.
	HostNetwork bool
	// HostIP is the address of the pod's node, empty until it is scheduled.
	HostIP string
	// Addresses are the pod's own, of each family; those of its node for one on its node's network.
	Addresses  []netip.Addr
	NamedPorts []NamedPort
	Phase      corev1.PodPhase
	// Workload is the top-most known owner, the pod itself when it has none.
	Workload Workload
	// Expected pods were derived from a manifest and have not been seen.
	Expected bool
}

// Key is the pod's namespace and name.
func (p Pod) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: p.Namespace, Name: p.Name}
}

// Workload is kind (lower case, as kubectl takes it: "deployment") and name.
type Workload struct{ Kind, Name string }

// String is kind/name.
func (w Workload) String() string { return w.Kind + "/" + w.Name }

// NamedPort is a container port with a name; policies may refer to it.
type NamedPort struct {
	Name     string
	Port     uint16
	Protocol corev1.Protocol
}

// AddressesOf reads addresses, each once. What is empty or none is left out: nobody connects from there.
func AddressesOf(texts ...string) []netip.Addr {
	const few = 16
	var out []netip.Addr
	var many map[netip.Addr]bool // Pods have one or two, but an object may hold tens of thousands.
	for _, text := range texts {
		if text == "" {
			continue
		}
		address, err := netip.ParseAddr(text)
		if address = address.Unmap(); err != nil || many[address] || many == nil && slices.Contains(out, address) {
			continue
		}
		if out = append(out, address); many == nil && len(out) > few {
			many = make(map[netip.Addr]bool, len(texts))
			for _, known := range out {
				many[known] = true
			}
		}
		if many != nil {
			many[address] = true
		}
	}
	return out
}

// Policy is one policy of any of the four kinds, as it was read.
type Policy struct {
	v1alpha1.PolicyReference
	UID             types.UID
	ResourceVersion string
	Labels          map[string]string
	Annotations     map[string]string
	// Object is *ciliumv2.CiliumNetworkPolicy, *ciliumv2.CiliumClusterwideNetworkPolicy,
	// *slim_networkingv1.NetworkPolicy or *policyv1alpha2.ClusterNetworkPolicy; nil when Unreadable.
	Object any
	// Unreadable says why the object could not be decoded; empty when it could.
	Unreadable string
	// Refused says why no API server would store the object, so that nothing of it is enforced; empty when one
	// would. Object is what could be read of it all the same, at least its subject, or nil.
	Refused string
	// RefusedAt are the fields because of which Refused is set, as far as they are known.
	RefusedAt []string
	// IgnoredFields are the paths that are not in the kind's schema, which the API server drops or
	// has dropped ("spec.ingress[0].fromEndpoints[0].labelSelector").
	IgnoredFields []string
	// Unmodelled are those of IgnoredFields that the server keeps: another version's, of which Object has nothing, so
	// that writing it would lose them. They are paths below spec or specs.
	Unmodelled []string
	// TooMany says what the policy has so many of that it is not evaluated and Object has only its subject ("it has 250000
	// rules, …"); empty otherwise.
	TooMany string
	// Condition is Cilium's own Valid condition; nil when Cilium has not said anything.
	Condition *Condition
	// Source is where the policy came from; zero for live ones.
	Source Source
}

// Condition is the Valid condition that Cilium writes into a policy's status.
type Condition struct {
	Valid   bool
	Message string
}

// Operator is one installation of the CloudNativePG operator.
type Operator struct {
	Namespace string
	// Deployment is empty when only the namespace is known (from the webhook's Service).
	Deployment string
	// PodLabels and ServiceAccount are those of the Deployment's pod template.
	PodLabels      map[string]string
	ServiceAccount string
	// Image is that of the operator's container; empty where it is not known.
	Image string
	// FoundBy says how, in words: "label app.kubernetes.io/name=cloudnative-pg".
	FoundBy string
}
