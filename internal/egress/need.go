// Package egress derives what databases need to reach, and who needs to reach them, from what is there: of
// each instance, job, pooler and operator, with the field that says so. It asks nobody whether the
// connections are allowed. What can't be derived is unknown, with the reason.
package egress

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// Flow is a kind of connection that databases need.
type Flow string

const (
	// APIServer is for the instance managers: they work with their Cluster, and a primary with its Lease.
	APIServer Flow = "api-server"
	// DNS is for whoever connects by a name.
	DNS Flow = "dns"
	// ObjectStore is for backups and for recovery from them, credentials of the cloud included.
	ObjectStore Flow = "object-store"
	// External is for other PostgreSQL servers, and for LDAP.
	External Flow = "external"
	// Dependants are the databases that have this one as External.
	Dependants Flow = "dependants"
	// Webhook is for the API server, which asks the operator about each change of a Cluster, and for what
	// the operator needs itself.
	Webhook Flow = "webhook"
	// Metrics are scraped by Prometheus, or by another program that knows its monitors.
	Metrics Flow = "metrics"
)

// Kind is what one end of a need is to CloudNativePG.
type Kind string

const (
	// Instances are all of a cluster, those to come included: roles change at every failover.
	Instances Kind = "instances"
	// Job is the pod of a job.
	Job Kind = "job"
	// Pooler are the pods of a pooler.
	Pooler Kind = "pooler"
	// Operator are the operator's pods.
	Operator Kind = "operator"
)

// Who is the end of a need that belongs to CloudNativePG.
type Who struct {
	Kind Kind
	// Job is the role of a Job, and Pooler the name of a Pooler.
	Job    cnpg.JobRole
	Pooler string
}

// Need is something that Who has to reach, or be reached by.
type Need struct {
	Flow Flow
	Who  Who
	// What is the other end in words: "the object store objects.example.com".
	What string
	// Peers are the other end. All of them are needed; with Which, one of them is, and Which says why it
	// is not known which.
	Peers []Peer
	Which string
	// Inbound is true for connections that the peers open. The ports of the peers are those of Who then.
	Inbound bool
	// Advisory needs are worth telling, and nothing breaks at once without them.
	Advisory bool
	Source   Source
}

// Source is the field from which a need was derived.
type Source struct {
	Kind, Namespace, Name string
	// Path is the field's, as in "spec.backup.barmanObjectStore.endpointURL"; empty for what is always needed.
	Path string
}

// Peer is the other end of a need, by one of its fields.
type Peer struct {
	// Pods are positions in the inventory's Pods.
	Pods []int
	// By selects Pods, those to come included: by a Service's selector, or by the labels that are usual. It is there too when
	// a Service selects pods of which none was seen, and nil where nothing is known that goes on selecting them.
	By *Candidate
	// Name is a DNS name outside the Kubernetes cluster.
	Name string
	// Address is outside the Kubernetes cluster, or a node's.
	Address netip.Addr
	// Host is the node of whoever connects.
	Host bool
	// Candidate is a pod that was not seen and may be there.
	Candidate *Candidate
	// APIServer is one that answers for Kubernetes.
	APIServer *APIServerAt
	// Unknown is why the peer can't be told.
	Unknown string
	// Within is the namespace in which an unknown peer's pods are: it is behind a Service.
	Within string
	// Like are names of that kind, which nobody has, for an unknown one outside the Kubernetes cluster of which a part is
	// known: what holds for all of them because of that part holds for it.
	Like []string
	// Ports are those that are needed, of the peer's own and not of a Service in front of it.
	Ports []Port
}

// Patterns are Like as rules would name them, the part that is not known being anything.
func (p Peer) Patterns() []string {
	var out []string
	for _, name := range p.Like {
		out = append(out, strings.Replace(name, anyRegion, "*", 1))
	}
	return out
}

// Candidate is a pod as it usually is, or as something selects it.
type Candidate struct {
	Namespace string
	Labels    map[string]string
}

// Port is a port with its protocol.
type Port struct {
	Number   uint16
	Protocol corev1.Protocol
}

func tcp(number uint16) []Port { return []Port{{number, corev1.ProtocolTCP}} }
func udp(number uint16) []Port { return []Port{{number, corev1.ProtocolUDP}} }
