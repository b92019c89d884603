package observe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Spec is what a workload makes its pods of, or a pod that nobody owns.
type Spec struct {
	Namespace string
	Workload  inventory.Workload
	Template  *corev1.PodTemplateSpec
}

// Evidence is what a spec refers to, and a pod as it would be started; none for one that names no database. The
// pods of databases and poolers are no clients.
func (n Names) Evidence(s Spec) Evidence {
	if s.Template.Labels[cnpg.ClusterLabel] != "" && (s.Template.Labels[cnpg.PodRoleLabel] != "" || s.Template.Labels[cnpg.JobRoleLabel] != "") {
		return Evidence{}
	}
	e := Evidence{References: n.References(s.Namespace, s.Workload, &s.Template.Spec)}
	if len(e.References) == 0 {
		return e
	}
	pod := inventory.Pod{
		Namespace: s.Namespace, Name: s.Workload.Name, Labels: s.Template.Labels, ServiceAccount: cmp.Or(s.Template.Spec.ServiceAccountName, "default"),
		HostNetwork: s.Template.Spec.HostNetwork, Workload: Workload(s.Workload), Expected: true,
	}
	for i := range s.Template.Spec.Containers {
		pod.NamedPorts = append(pod.NamedPorts, inventory.NamedPortsOf(s.Template.Spec.Containers[i].Ports)...)
	}
	e.Templates = []inventory.Pod{pod}
	return e
}

// object is what specs are in.
type object struct {
	Metadata struct {
		Name            string                  `json:"name"`
		GenerateName    string                  `json:"generateName"`
		Namespace       string                  `json:"namespace"`
		Labels          map[string]string       `json:"labels"`
		OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
	} `json:"metadata"`
	Spec struct {
		Template    *corev1.PodTemplateSpec `json:"template"`
		JobTemplate struct {
			Spec struct {
				Template *corev1.PodTemplateSpec `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate"`
	} `json:"spec"`
	Status struct {
		Phase      corev1.PodPhase        `json:"phase"`
		Conditions []batchv1.JobCondition `json:"conditions"`
	} `json:"status"`
}

// SpecOf reads the spec of an object of a kind that makes pods, or of a pod. It is false for what will never
// connect again, for what another workload has made, whose spec counts, and for other kinds.
func SpecOf(kind string, raw []byte, defaultNamespace string) (Spec, bool, error) {
	var o object
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &o); err != nil {
		return Spec{}, false, fmt.Errorf("the spec of a %s can't be read: %w", kind, err)
	}
	s := Spec{Namespace: namespaceOr(o.Metadata.Namespace, defaultNamespace), Template: o.Spec.Template}
	s.Workload = inventory.Workload{Kind: strings.ToLower(kind), Name: cmp.Or(o.Metadata.Name, strings.TrimSuffix(o.Metadata.GenerateName, "-"))}
	switch kind {
	case "CronJob":
		s.Template = o.Spec.JobTemplate.Spec.Template
	case "Job":
		if Finished(o.Status.Conditions) {
			return s, false, nil
		}
	case "Pod":
		var pod struct {
			Spec corev1.PodSpec `json:"spec"`
		}
		if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &pod); err != nil {
			return s, false, fmt.Errorf("the spec of pod %q can't be read: %w", s.Workload.Name, err)
		}
		s.Template = &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: o.Metadata.Labels}, Spec: pod.Spec}
		if inventory.Terminated(o.Status.Phase) {
			return s, false, nil
		}
	}
	return s, s.Template != nil && !MadeByWorkload(o.Metadata.OwnerReferences), nil
}

// namespaceOr is where an object of a manifest is.
func namespaceOr(own, defaultNamespace string) string {
	return cmp.Or(own, defaultNamespace, metav1.NamespaceDefault)
}

// Finished is true for a Job that is over.
func Finished(conditions []batchv1.JobCondition) bool {
	for _, c := range conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

// MadeByWorkload is true for what a workload has made that has a template itself, so that its own spec counts.
// Others, such as an operator, have made workloads that are the only ones to have one.
func MadeByWorkload(owners []metav1.OwnerReference) bool {
	return slices.ContainsFunc(owners, func(o metav1.OwnerReference) bool {
		return slices.Contains([]string{"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "CronJob", "Job", "ReplicationController"}, o.Kind)
	})
}
