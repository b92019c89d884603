package isolation

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

// cluster is a CloudNativePG cluster and its pods.
type cluster struct {
	object  *cnpgv1.Cluster
	members []member
	// onNodes are those of its pods that are on their nodes' networks, as a Pooler's template may say.
	// Their identity is their node's, and no policy for pods selects them.
	onNodes []member
	// nextInstance and joinJob are the identities of what a scale-up would start.
	nextInstance, joinJob *engine.Identity
	// ghosts are identities of operators that do not exist, by namespace.
	ghosts map[string]*engine.Identity
}

// member is one of the cluster's pods.
type member struct {
	pod      int
	identity *engine.Identity
	role     v1alpha1.PodRole
}

func (c *cluster) key() types.NamespacedName {
	return types.NamespacedName{Namespace: c.object.Namespace, Name: c.object.Name}
}

func selectClusters(inv *inventory.Inventory, o Options) []*cluster {
	var out []*cluster
	for _, object := range inv.Clusters {
		if o.Namespace != "" && object.Namespace != o.Namespace {
			continue
		}
		if len(o.Names) > 0 && !slices.Contains(o.Names, object.Name) {
			continue
		}
		out = append(out, &cluster{object: object, ghosts: map[string]*engine.Identity{}})
	}
	slices.SortFunc(out, func(a, b *cluster) int {
		return cmp.Or(cmp.Compare(a.object.Namespace, b.object.Namespace), cmp.Compare(a.object.Name, b.object.Name))
	})
	return out
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

func (m member) isInstance() bool {
	return m.role != v1alpha1.RolePooler && m.role != v1alpha1.RoleJob
}

// instances are the members that run PostgreSQL.
func (c *cluster) instances() []member {
	return slices.DeleteFunc(slices.Clone(c.members), func(m member) bool { return !m.isInstance() })
}

// alone is true for a cluster that has, and is to have, a single instance: it has no peers that it
// could need, only those that it would have after scaling up.
func (c *cluster) alone() bool {
	return c.object.Spec.Instances <= 1 && len(c.instances()) <= 1
}

// poolers are the pooler pods by the name of their Pooler.
func (m *Model) poolers(c *cluster) map[string][]member {
	out := map[string][]member{}
	for _, member := range slices.Concat(c.members, c.onNodes) {
		if member.role == v1alpha1.RolePooler {
			name := m.inv.Pods[member.pod].Labels[cnpg.PoolerNameLabel]
			out[name] = append(out[name], member)
		}
	}
	return out
}

// upcoming are the pods that scaling the cluster up would start: one more replica, and before it
// the job that joins it. They exist for seconds only, when it is too late to ask about them.
func upcoming(c *cluster) (instance, job inventory.Pod) {
	serial := max(c.object.Spec.Instances, c.object.Status.LatestGeneratedNode) + 1
	return inventory.ExpectedInstance(c.object, serial, cnpg.ReplicaRole), inventory.ExpectedJob(c.object, serial, cnpg.Join)
}
