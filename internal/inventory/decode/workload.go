package decode

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// WorkloadKind says whether the kind is one whose pods can be derived from a template.
func WorkloadKind(apiVersion, kind string) bool {
	switch group(apiVersion) {
	case "apps":
		return kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet" || kind == "ReplicaSet"
	case "batch":
		return kind == "Job" || kind == "CronJob"
	case "v1":
		return kind == "ReplicationController"
	}
	return false
}

// PodTemplate is the template of a workload's pods.
type PodTemplate struct {
	Metadata Meta    `json:"metadata"`
	Spec     PodSpec `json:"spec"`
}

// Workload is an object that makes pods.
type Workload struct {
	Kind     string `json:"-"`
	Metadata Meta   `json:"metadata"`
	Spec     struct {
		Replicas    *int32 `json:"replicas"`
		Parallelism *int32 `json:"parallelism"`
		Ordinals    struct {
			Start int32 `json:"start"`
		} `json:"ordinals"`
		Template    PodTemplate `json:"template"`
		JobTemplate struct {
			Spec struct {
				Template PodTemplate `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate"`
	} `json:"spec"`
	Status struct {
		Conditions []struct {
			Type   string `json:"type"`
			Status string `json:"status"`
		} `json:"conditions"`
	} `json:"status"`
}

// DecodeWorkload decodes an object of which WorkloadKind is true.
func DecodeWorkload(kind string, raw []byte, defaultNamespace string) (*Workload, error) {
	w := &Workload{Kind: kind}
	err := kjson.UnmarshalCaseSensitivePreserveInts(raw, w)
	if w.Metadata.Name == "" {
		w.Metadata.Name = strings.TrimSuffix(w.Metadata.GenerateName, "-")
	}
	if w.Metadata.Namespace == "" {
		w.Metadata.Namespace = defaultNamespace
	}
	return w, named(w.Metadata.Name, err)
}

// Template is the template of the pods, also that of a CronJob's jobs.
func (w *Workload) Template() *PodTemplate {
	if w.Kind == "CronJob" {
		return &w.Spec.JobTemplate.Spec.Template
	}
	return &w.Spec.Template
}

// Key is what the pods of the workload have as Workload. A pooler's Deployment belongs to the pooler.
func (w *Workload) Key() inventory.Workload {
	if pooler := w.Template().Metadata.Labels[cnpg.PoolerNameLabel]; pooler != "" {
		return inventory.Workload{Kind: "pooler", Name: pooler}
	}
	return inventory.Workload{Kind: strings.ToLower(w.Kind), Name: w.Metadata.Name}
}

// Owner is the workload that made this one, such as the Deployment of a ReplicaSet; the zero value
// when there is none.
func (w *Workload) Owner() inventory.Workload {
	for _, o := range w.Metadata.OwnerReferences {
		if o.Controller != nil && *o.Controller {
			return inventory.Workload{Kind: strings.ToLower(o.Kind), Name: o.Name}
		}
	}
	return inventory.Workload{}
}

// mostLabels is how many labels the pods of a StatefulSet may have together, each of which has labels of its own: where they have
// more, there are fewer pods, like the others.
const mostLabels = 200_000

// Pods are the pods that the controllers would create: one for each replica, one for a DaemonSet
// or CronJob, none for a Job that is over.
func (w *Workload) Pods() []inventory.Pod {
	template := w.Template()
	ports, key, shared := template.Spec.NamedPorts(), w.Key(), w.labels()
	var pods []inventory.Pod
	for i := range w.replicas() {
		name, labels := fmt.Sprintf("%s-%d", w.Metadata.Name, i+1), shared
		if w.Kind == "StatefulSet" {
			ordinal := strconv.Itoa(i + int(w.Spec.Ordinals.Start))
			name = w.Metadata.Name + "-" + ordinal
			labels = with(shared, map[string]string{"statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": ordinal})
		}
		pods = append(pods, inventory.Pod{
			Namespace: w.Metadata.Namespace, Name: name,
			Labels:         labels,
			ServiceAccount: template.Spec.ServiceAccount(),
			HostNetwork:    template.Spec.HostNetwork,
			NamedPorts:     ports,
			Workload:       key,
			Expected:       true,
		})
	}
	return pods
}

func (w *Workload) replicas() int {
	wanted, most := w.Spec.Replicas, inventory.MaxExpected
	switch w.Kind {
	case "DaemonSet", "CronJob":
		return 1
	case "Job":
		for _, c := range w.Status.Conditions {
			if (c.Type == "Complete" || c.Type == "Failed") && c.Status == "True" {
				return 0
			}
		}
		wanted = w.Spec.Parallelism
	case "StatefulSet":
		most = min(most, max(1, mostLabels/(1+len(w.Template().Metadata.Labels))))
	}
	if wanted == nil {
		return 1
	}
	return min(max(int(*wanted), 0), most)
}

// labels are those that all pods have: those of the template, and those that the controllers add and policies may use. The pods share
// them: nobody changes a pod's labels.
func (w *Workload) labels() map[string]string {
	template := w.Template().Metadata.Labels
	if w.Kind == "Job" {
		return with(template, map[string]string{"job-name": w.Metadata.Name, "batch.kubernetes.io/job-name": w.Metadata.Name})
	}
	return template
}

// with are labels and more of them.
func with(labels, more map[string]string) map[string]string {
	out := make(map[string]string, len(labels)+len(more))
	maps.Copy(out, labels)
	maps.Copy(out, more)
	return out
}
