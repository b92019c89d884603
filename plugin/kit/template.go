package kit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// AddTemplate adds a pod made from the source's pod template when the source is a workload of which
// no pod runs. note says so. In manifests, the pods of workloads are there already.
func (s *Source) AddTemplate(ctx context.Context, inv *inventory.Inventory, from explain.Source) (note string, err error) {
	workload, namespace, ok := from.Workload()
	if !ok || s.Offline() || slices.ContainsFunc(inv.Pods, func(p inventory.Pod) bool { return from.Matches(&p) }) {
		return "", nil
	}
	kind, resource, ok := templateKind(workload.Kind)
	if !ok {
		return "", nil
	}
	clients, err := s.Clients()
	if err != nil {
		return "", err
	}
	object, err := clients.Dynamic.Resource(resource).Namespace(namespace).Get(ctx, workload.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", fmt.Errorf("there is no %s in namespace %q, and no pod of it: 'kubectl get %s -n %s' lists what there is",
			workload, namespace, resource.Resource, namespace)
	}
	if err != nil {
		return "", fmt.Errorf("no pod of %s runs, and its pod template can't be read: %w", workload, err)
	}
	raw, err := object.MarshalJSON()
	if err != nil {
		return "", err
	}
	decoded, err := decode.DecodeWorkload(kind, raw, namespace)
	if err != nil {
		return "", fmt.Errorf("the pod template of %s in namespace %q: %w", workload, namespace, err)
	}
	template := decoded.Template()
	inv.Pods = append(inv.Pods, inventory.Pod{
		Namespace: namespace, Name: workload.Name,
		Labels:         template.Metadata.Labels,
		ServiceAccount: template.Spec.ServiceAccount(),
		HostNetwork:    template.Spec.HostNetwork,
		NamedPorts:     template.Spec.NamedPorts(),
		Workload:       workload,
		Expected:       true,
	})
	return fmt.Sprintf("no pod of %s runs: the answer is for a pod of its template", workload), nil
}

// templateKind is the Go kind and the resource of the kinds that have a pod template.
func templateKind(kind string) (string, schema.GroupVersionResource, bool) {
	versions := map[string]schema.GroupVersion{
		"Deployment": appsv1.SchemeGroupVersion, "StatefulSet": appsv1.SchemeGroupVersion,
		"DaemonSet": appsv1.SchemeGroupVersion, "ReplicaSet": appsv1.SchemeGroupVersion,
		"Job": batchv1.SchemeGroupVersion, "CronJob": batchv1.SchemeGroupVersion,
		"ReplicationController": corev1.SchemeGroupVersion,
	}
	for name, version := range versions {
		if lower := strings.ToLower(name); lower == kind {
			return name, version.WithResource(lower + "s"), true
		}
	}
	return "", schema.GroupVersionResource{}, false
}
