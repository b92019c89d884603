package timer

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Purpose is what a timer ends; it is the value of LabelPurpose.
type Purpose string

const (
	// Lockdown timers end a default deny that nobody has confirmed, or the whole set of a rehearsal.
	Lockdown Purpose = "lockdown"
	// Grant timers end somebody's access.
	Grant Purpose = "grant"
	// Probe timers end pods that try connections, if nobody has removed them before.
	Probe Purpose = "probe"
)

// LabelPurpose marks the Jobs that are timers.
const LabelPurpose = "cnpg-netpol/timer"

// maxName is the length of a Job's name that still fits the label that its pods would have.
const maxName = 63

// LockdownName is the name of the timer of a cluster's lockdown.
func LockdownName(cluster string) string { return Name(cluster + "-lockdown-timer") }

// Name is the text as the name of a Job; one that is too long ends in a hash.
func Name(text string) string {
	if len(text) <= maxName {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return text[:maxName-9] + "-" + hex.EncodeToString(sum[:])[:8]
}

// Spec is what a timer is made from.
type Spec struct {
	Name    string
	Cluster types.NamespacedName
	Purpose Purpose
	// For is how long the timer lives, from its completion on; it is rounded up to seconds.
	For time.Duration
	// Image is one that is admitted in the namespace, such as the database's own. It is never run.
	Image string
	// Annotations say more about it.
	Annotations map[string]string
}

// Job is the timer as an object.
func (s Spec) Job() *batchv1.Job {
	image := s.Image
	if image == "" {
		image = "never-run"
	}
	labels := map[string]string{
		policyset.LabelManagedBy: policyset.FieldManager,
		policyset.LabelCluster:   s.Cluster.Name,
		LabelPurpose:             string(s.Purpose),
	}
	little := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1m"), corev1.ResourceMemory: resource.MustParse("1Mi")}
	return &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Cluster.Namespace, Name: s.Name, Labels: labels, Annotations: s.Annotations},
		Spec: batchv1.JobSpec{
			Completions: ptr.To[int32](0), Parallelism: ptr.To[int32](0), BackoffLimit: ptr.To[int32](0),
			TTLSecondsAfterFinished: ptr.To(Seconds(s.For)),
			// Whatever looks at pod templates on admission finds the strictest one.
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{policyset.LabelManagedBy: policyset.FieldManager}},
				Spec: corev1.PodSpec{
					RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: ptr.To(false), EnableServiceLinks: ptr.To(false),
					SecurityContext: &corev1.PodSecurityContext{
						RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](65532), RunAsGroup: ptr.To[int64](65532),
						SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					},
					Containers: []corev1.Container{{
						Name: "never-run", Image: image, Command: []string{"never-run"},
						Resources: corev1.ResourceRequirements{Requests: little, Limits: little},
						SecurityContext: &corev1.SecurityContext{
							AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true), RunAsNonRoot: ptr.To(true),
							Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
						},
					}},
				},
			},
		},
	}
}

// Seconds is a duration as a TTL has it, rounded up: nothing ends before it was said to.
func Seconds(d time.Duration) int32 {
	return int32((d + time.Second - 1) / time.Second)
}

// IsTimer tells from a Job's labels whether it is a timer for the cluster.
func IsTimer(labels map[string]string, cluster string) bool {
	return labels[policyset.LabelManagedBy] == policyset.FieldManager && labels[policyset.LabelCluster] == cluster && labels[LabelPurpose] != ""
}

// Read is a Job as an inventory has it.
func Read(job *batchv1.Job) inventory.Timer {
	t := inventory.Timer{
		Namespace: job.Namespace, Name: job.Name, UID: job.UID, Labels: job.Labels, Annotations: job.Annotations,
		Ending: job.DeletionTimestamp != nil, Limited: job.Spec.TTLSecondsAfterFinished != nil,
	}
	if t.Limited {
		t.TTL = time.Duration(*job.Spec.TTLSecondsAfterFinished) * time.Second
	}
	// The TTL controller counts from the condition, and not from completionTime.
	for _, c := range job.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			t.Completed = c.LastTransitionTime.Time
		}
	}
	return t
}
