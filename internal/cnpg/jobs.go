package cnpg

import (
	"maps"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// JobRole is what a job of a cluster is for: the value of JobRoleLabel.
type JobRole string

// The jobs of pkg/specs/jobs.go and pkg/reconciler/majorupgrade/job.go. The first five begin a cluster,
// SnapshotRecovery and Join begin a replica.
const (
	InitDB           JobRole = "initdb"
	Import           JobRole = "import"
	PGBaseBackup     JobRole = "pgbasebackup"
	FullRecovery     JobRole = "full-recovery"
	SnapshotRecovery JobRole = "snapshot-recovery"
	Join             JobRole = "join"
	MajorUpgrade     JobRole = "major-upgrade"
)

// JobRoles are all of them, in the order in which a cluster may see them.
func JobRoles() []JobRole {
	return []JobRole{InitDB, Import, PGBaseBackup, FullRecovery, SnapshotRecovery, Join, MajorUpgrade}
}

// Job is the pod of a job that the operator would create for the instance with this serial number. It
// has no pod role and no instance role, so that selectors by them pass it over. What it inherits comes
// from the operator's controllers (internal/controller/cluster_create.go).
func Job(cluster *cnpgv1.Cluster, serial int, role JobRole) corev1.Pod {
	pod := databasePod(cluster, serial)
	pod.Name += "-" + string(role)
	pod.Labels[JobRoleLabel] = string(role)
	maps.Copy(pod.Labels, cluster.GetFixedInheritedLabels())
	// Kubernetes' job controller adds them; those with the job's UID count for no identity.
	pod.Labels[batchv1.JobNameLabel], pod.Labels["job-name"] = pod.Name, pod.Name
	return pod
}

// BootstrapJob is the role of the job that begins the cluster, as the operator's createPrimaryInstance
// chooses it. The backup is the one that bootstrap.recovery.backup names; nil when there is none, or it
// is not known.
func BootstrapJob(cluster *cnpgv1.Cluster, backup *cnpgv1.Backup) JobRole {
	b := cluster.Spec.Bootstrap
	switch {
	case b == nil:
		return InitDB
	case b.Recovery != nil && (b.Recovery.VolumeSnapshots != nil || backup.IsCompletedVolumeSnapshot()):
		return SnapshotRecovery
	case b.Recovery != nil:
		return FullRecovery
	case b.PgBaseBackup != nil:
		return PGBaseBackup
	case b.InitDB != nil && b.InitDB.Import != nil:
		return Import
	}
	return InitDB
}

// Bootstrapped tells from the cluster's status that the job that begins it has done its work: the operator
// never runs a second one. A cluster that is known from a manifest has no status.
func Bootstrapped(cluster *cnpgv1.Cluster) bool {
	return cluster.Status.CurrentPrimary != "" || cluster.Status.ReadyInstances > 0
}
