package probe

import (
	"net/netip"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Plan is what is to be tried.
type Plan struct {
	// Cluster is the one that is connected to.
	Cluster types.NamespacedName
	Clients []Client
}

// Client is somebody whose identity connections have.
type Client struct {
	// Name is what it is called: "deployment/web", "pod/pg-1".
	Name string
	// Pod is the one that has the identity, and Endpoint the agent's word on it.
	Pod            types.NamespacedName
	Endpoint       inventory.Endpoint
	ServiceAccount string
	// Container is where a pod of the cluster runs the commands itself; empty for a client that gets a twin.
	Container string
	// Control is true for who is asked only so that the silence of others means something.
	Control     bool
	Connections []Connection
	// Unfit says why it can't be tried; empty when it can.
	Unfit string
}

// Connection is one that is to be tried, by TCP.
type Connection struct {
	// To is what it leads to: "pod/pg-1", "service/pg-rw".
	To string
	// Address is where that is; of a host outside the Kubernetes cluster that policies know by name, Host is the name instead.
	Address netip.Addr
	Host    string
	Port    uint16
	// PostgreSQL is whether PostgreSQL's protocol is spoken there.
	PostgreSQL bool
	// Service is true for the address of a Service, behind which somebody has to be.
	Service bool
	// Expected is the engine's verdict.
	Expected v1alpha1.Verdict
}

// same is true for connections to the same place.
func (c Connection) same(other Connection) bool {
	return c.Address == other.Address && c.Host == other.Host && c.Port == other.Port
}

// at is the address or the name.
func (c Connection) at() string {
	if c.Host != "" {
		return c.Host
	}
	return c.Address.String()
}

// Attempt is what came of one connection.
type Attempt struct {
	Result v1alpha1.ProbeResult
	// Detail is what was seen, in a few words.
	Detail string
}

// Results are the attempts, by client and by connection of the plan.
type Results [][]Attempt

// Nothing are results of a plan that was not carried out, for a reason.
func Nothing(p Plan, why string) Results {
	out := make(Results, len(p.Clients))
	for i, c := range p.Clients {
		out[i] = Failed(c, why)
	}
	return out
}

// Failed are the attempts of a client of which nothing could be tried.
func Failed(c Client, why string) []Attempt {
	out := make([]Attempt, len(c.Connections))
	for i := range out {
		out[i] = Attempt{Result: v1alpha1.ProbeInconclusive, Detail: why}
	}
	return out
}

// Namespaces are those in which twins are made, in the order of the clients.
func (p Plan) Namespaces() []string {
	var out []string
	seen := map[string]bool{}
	for _, c := range p.Clients {
		if c.NeedsTwin() && !seen[c.Pod.Namespace] {
			seen[c.Pod.Namespace] = true
			out = append(out, c.Pod.Namespace)
		}
	}
	return out
}

// NeedsTwin is true for a client whose connections a twin has to try.
func (c Client) NeedsTwin() bool { return c.Unfit == "" && c.Container == "" && len(c.Connections) > 0 }
