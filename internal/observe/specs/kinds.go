package specs

import (
	"context"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

// kinds are those that people make. What another workload has made is like its owner.
func (r *reader) kinds() map[string]page {
	apps, batch := r.client.AppsV1(), r.client.BatchV1()
	return map[string]page{
		"Deployments": func(ctx context.Context, namespace string, o metav1.ListOptions) ([]observe.Spec, string, error) {
			list, err := apps.Deployments(namespace).List(ctx, o)
			if err != nil {
				return nil, "", err
			}
			var out []observe.Spec
			for i := range list.Items {
				out = append(out, specs("deployment", &list.Items[i].ObjectMeta, &list.Items[i].Spec.Template)...)
			}
			return out, list.Continue, nil
		},
		"StatefulSets": func(ctx context.Context, namespace string, o metav1.ListOptions) ([]observe.Spec, string, error) {
			list, err := apps.StatefulSets(namespace).List(ctx, o)
			if err != nil {
				return nil, "", err
			}
			var out []observe.Spec
			for i := range list.Items {
				out = append(out, specs("statefulset", &list.Items[i].ObjectMeta, &list.Items[i].Spec.Template)...)
			}
			return out, list.Continue, nil
		},
		"DaemonSets": func(ctx context.Context, namespace string, o metav1.ListOptions) ([]observe.Spec, string, error) {
			list, err := apps.DaemonSets(namespace).List(ctx, o)
			if err != nil {
				return nil, "", err
			}
			var out []observe.Spec
			for i := range list.Items {
				out = append(out, specs("daemonset", &list.Items[i].ObjectMeta, &list.Items[i].Spec.Template)...)
			}
			return out, list.Continue, nil
		},
		"CronJobs": func(ctx context.Context, namespace string, o metav1.ListOptions) ([]observe.Spec, string, error) {
			list, err := batch.CronJobs(namespace).List(ctx, o)
			if err != nil {
				return nil, "", err
			}
			var out []observe.Spec
			for i := range list.Items {
				out = append(out, specs("cronjob", &list.Items[i].ObjectMeta, &list.Items[i].Spec.JobTemplate.Spec.Template)...)
			}
			return out, list.Continue, nil
		},
		"Jobs": func(ctx context.Context, namespace string, o metav1.ListOptions) ([]observe.Spec, string, error) {
			list, err := batch.Jobs(namespace).List(ctx, o)
			if err != nil {
				return nil, "", err
			}
			var out []observe.Spec
			for i := range list.Items {
				if !over(&list.Items[i]) {
					out = append(out, specs("job", &list.Items[i].ObjectMeta, &list.Items[i].Spec.Template)...)
				}
			}
			return out, list.Continue, nil
		},
	}
}

// over is true for a Job that has ended: it will not connect again.
func over(job *batchv1.Job) bool { return observe.Finished(job.Status.Conditions) }

// specs are the one of an object, unless another workload has made it.
func specs(kind string, meta *metav1.ObjectMeta, template *corev1.PodTemplateSpec) []observe.Spec {
	if observe.MadeByWorkload(meta.OwnerReferences) {
		return nil
	}
	return []observe.Spec{{Namespace: meta.Namespace, Workload: inventory.Workload{Kind: kind, Name: meta.Name}, Template: template}}
}
