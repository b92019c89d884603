package observe

import (
	"cmp"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Client is who connects: pods of a workload that have the same labels, or somebody who is no pod.
type Client struct {
	// Namespace and Workload are empty for an Entity.
	Namespace string
	Workload  inventory.Workload
	// Identity are the labels by which the agents know it, in Cilium's form ("k8s:role=backend") and in order, a
	// line for each; empty where they were not seen.
	Identity string
	// Entity is who is no pod, and Address where it connects from. Without Entity and Workload, nobody is known who
	// has the address: somebody outside the Kubernetes cluster, or a pod that is gone.
	Entity  v1alpha1.Entity
	Address netip.Addr
}

// IdentityLabels are the lines of Identity.
func (c Client) IdentityLabels() []string {
	if c.Identity == "" {
		return nil
	}
	return strings.Split(c.Identity, "\n")
}

// Compare orders clients: pods by namespace and workload, then who is none.
func (c Client) Compare(other Client) int {
	return cmp.Or(
		cmp.Compare(c.Entity, other.Entity), c.Address.Compare(other.Address),
		cmp.Compare(c.Namespace, other.Namespace), cmp.Compare(c.Workload.String(), other.Workload.String()),
		cmp.Compare(c.Identity, other.Identity),
	)
}

// Target is what is connected to: a port of a cluster's instances or of one of its poolers.
type Target struct {
	Cluster types.NamespacedName
	Of      v1alpha1.Target
	Port    uint16
}

// Compare orders targets: instances before poolers.
func (t Target) Compare(other Target) int {
	return cmp.Or(
		cmp.Compare(t.Cluster.Namespace, other.Cluster.Namespace), cmp.Compare(t.Cluster.Name, other.Cluster.Name),
		cmp.Compare(t.Of.Pooler, other.Of.Pooler), cmp.Compare(t.Port, other.Port),
	)
}

// Connection is what was seen of one client and one target.
type Connection struct {
	Client Client
	Target Target
	// First and Last are the times of the first and the last event; zero where none has a time.
	First, Last time.Time
	// Opened is the number of connections that were seen to be opened, and Denied that of the attempts that
	// were dropped: a client that tries again counts again. Both are no more than what was seen.
	Opened, Denied uint64
	// DeniedAtSource are those of Denied that the client's own side dropped, by what it is allowed to open.
	DeniedAtSource uint64
	// Audited are connections that went through although the policies deny them: the agent does not enforce.
	Audited uint64
	// ByDefault are those of Opened that no policy let in, and that went through because there is no default deny.
	ByDefault uint64
	// Ongoing is true when traffic was seen on a connection: one that was opened before anybody looked, perhaps.
	Ongoing bool
}

// Used is true when something went through.
func (c Connection) Used() bool { return c.Opened > 0 || c.Ongoing || c.Audited > 0 }

// Session is a connection that is open now, as the database or its pooler tells.
type Session struct {
	Client Client
	Target Target
	// Number of sessions of this client.
	Number int
	// Oldest is when the oldest of them began; zero where it was not told.
	Oldest time.Time
	// Users and Databases are those of PostgreSQL, in order, each once.
	Users, Databases []string
}

// Reference is a workload whose spec names something by which clients find a database.
type Reference struct {
	Cluster   types.NamespacedName
	Namespace string
	Workload  inventory.Workload
	// To is what is named: "Secret shop-db-app", "host shop-db-rw".
	To string
	// Pooler is the pooler whose host is named; empty for the instances, and for Secrets.
	Pooler string
	// Port is what is connected to by it; zero for PostgreSQL's.
	Port uint16
}

// cronJobMinute is what the controller adds to the name of a CronJob for that of a Job; Hubble knows them by it
// (cronJobNameRegexp of pkg/k8s/utils/workload.go of Cilium).
var cronJobMinute = regexp.MustCompile(`^(.+)-\d{8,10}$`)

// Workload is the workload as Hubble calls it: the Jobs of a CronJob are the CronJob.
func Workload(w inventory.Workload) inventory.Workload {
	if w.Kind == "job" {
		if found := cronJobMinute.FindStringSubmatch(w.Name); found != nil {
			return inventory.Workload{Kind: "cronjob", Name: found[1]}
		}
	}
	return w
}
