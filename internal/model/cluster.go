package model

import (
	"cmp"
	"slices"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Cluster is a CloudNativePG cluster and its pods.
type Cluster struct {
	Object  *cnpgv1.Cluster
	Members []Member
	// OnNodes are those of its pods that are on their nodes' networks, as a Pooler's template may say.
	// Their identity is their node's, and no policy for pods selects them.
	OnNodes []Member
	// NextInstance and joinJob are the identities of what a scale-up would start.
	NextInstance, JoinJob *engine.Identity
	// Ghosts are identities of operators that do not exist, by namespace.
	Ghosts map[string]*engine.Identity
}

// Member is one of the cluster's pods.
type Member struct {
	Pod      int
	Identity *engine.Identity
	Role     v1alpha1.PodRole
}

// Key is the cluster's namespace and name.
func (c *Cluster) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: c.Object.Namespace, Name: c.Object.Name}
}

func selectClusters(inv *inventory.Inventory, o Options) []*Cluster {
	var out []*Cluster
	for _, object := range inv.Clusters {
		if o.Namespace != "" && object.Namespace != o.Namespace {
			continue
		}
		if len(o.Names) > 0 && !slices.Contains(o.Names, object.Name) {
			continue
		}
		out = append(out, &Cluster{Object: object, Ghosts: map[string]*engine.Identity{}})
	}
	slices.SortFunc(out, func(a, b *Cluster) int {
		return cmp.Or(cmp.Compare(a.Object.Namespace, b.Object.Namespace), cmp.Compare(a.Object.Name, b.Object.Name))
	})
	return out
}

// isStranger is true for a pod that carries a cluster's label and is neither an instance nor a pooler nor a job:
// nothing that CloudNativePG makes (pkg/specs and pkg/specs/pgbouncer of it).
func isStranger(pod *inventory.Pod) bool {
	known := pod.Labels[cnpg.PodRoleLabel] != "" || pod.Labels[cnpg.JobRoleLabel] != ""
	switch pod.Workload.Kind {
	case "deployment", "statefulset", "daemonset", "replicaset", "cronjob":
		return true // Those of poolers are known by the poolers' name.
	}
	return !known
}

// LabelledAs are the pods that carry the label of the cluster and are no members of it, those aside that Cilium does not manage.
func (m *Model) LabelledAs(c *Cluster) []int {
	return slices.DeleteFunc(slices.Clone(m.lookup.labelled[c.Key()]), m.IsUnmanaged)
}

func roleOf(pod *inventory.Pod) v1alpha1.PodRole {
	switch {
	case pod.Labels[cnpg.PodRoleLabel] == cnpg.PoolerPodRole:
		return v1alpha1.RolePooler
	case pod.Labels[cnpg.PodRoleLabel] != cnpg.InstancePodRole:
		return v1alpha1.RoleJob
	case pod.Labels[cnpg.InstanceRoleLabel] == cnpg.PrimaryRole:
		return v1alpha1.RolePrimary
	case pod.Labels[cnpg.InstanceRoleLabel] == cnpg.ReplicaRole:
		return v1alpha1.RoleReplica
	default:
		return v1alpha1.RoleInstance
	}
}

// IsInstance is true for a pod that runs PostgreSQL.
func (m Member) IsInstance() bool {
	return m.Role != v1alpha1.RolePooler && m.Role != v1alpha1.RoleJob
}

// Instances are the members that run PostgreSQL.
func (c *Cluster) Instances() []Member {
	return slices.DeleteFunc(slices.Clone(c.Members), func(m Member) bool { return !m.IsInstance() })
}

// Alone is true for a cluster that has, and is to have, a single instance: it has no peers that it
// could need, only those that it would have after scaling up.
func (c *Cluster) Alone() bool {
	return c.Object.Spec.Instances <= 1 && len(c.Instances()) <= 1
}

// Poolers are the pooler pods by the name of their Pooler.
func (m *Model) Poolers(c *Cluster) map[string][]Member {
	out := map[string][]Member{}
	for _, member := range slices.Concat(c.Members, c.OnNodes) {
		if member.Role == v1alpha1.RolePooler {
			name := m.inv.Pods[member.Pod].Labels[cnpg.PoolerNameLabel]
			out[name] = append(out[name], member)
		}
	}
	return out
}

// upcoming are the pods that scaling the cluster up would start: one more replica, and before it
// the job that joins it. They exist for seconds only, when it is too late to ask about them.
func upcoming(c *Cluster) (instance, job inventory.Pod) {
	serial := max(c.Object.Spec.Instances, c.Object.Status.LatestGeneratedNode) + 1
	return inventory.ExpectedInstance(c.Object, serial, cnpg.ReplicaRole), inventory.ExpectedJob(c.Object, serial, cnpg.Join)
}

// Strangers are the pods of an identity that are no members of the cluster.
func (m *Model) Strangers(c *Cluster, p Peer) []int {
	return slices.DeleteFunc(slices.Clone(p.Pods), func(i int) bool { return m.memberOf[i] == c })
}
