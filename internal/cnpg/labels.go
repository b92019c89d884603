// Package cnpg is what CloudNativePG's operator does, in values: the labels and ports of its pods, and the
// pods that it would create. The names and numbers are CloudNativePG's own; what its packages do not
// export, or would make the program large, is compared with them in tests. What databases need of others
// is not here, nor what is there.
package cnpg

import "github.com/cloudnative-pg/cloudnative-pg/pkg/utils"

// Labels that CloudNativePG puts on its pods.
const (
	// ClusterLabel is on every pod of a cluster: instances, jobs and poolers.
	ClusterLabel      = utils.ClusterLabelName
	InstanceNameLabel = utils.InstanceNameLabelName
	InstanceRoleLabel = utils.ClusterInstanceRoleLabelName
	// OldInstanceRoleLabel is the predecessor of InstanceRoleLabel, which the operator still sets.
	OldInstanceRoleLabel = utils.ClusterRoleLabelName //nolint:staticcheck // Policies can still select by it.
	// PodRoleLabel is on instances and poolers, and not on jobs.
	PodRoleLabel = utils.PodRoleLabelName
	// JobRoleLabel is on the pods of jobs; its values are those of JobRole.
	JobRoleLabel    = utils.JobRoleLabelName
	PoolerNameLabel = utils.PgbouncerNameLabel
	// PluginNameLabel is on the Services of CNPG-I plugins.
	PluginNameLabel = utils.PluginNameLabelName
)

// Values of PodRoleLabel and InstanceRoleLabel.
const (
	InstancePodRole = string(utils.PodRoleInstance)
	PoolerPodRole   = string(utils.PodRolePooler)
	// PrimaryRole and ReplicaRole are specs.ClusterRoleLabelPrimary and ClusterRoleLabelReplica.
	PrimaryRole = "primary"
	ReplicaRole = "replica"
)
