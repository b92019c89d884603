package specs_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/specs"
)

// world is an inventory with a database, and an API server with a workload of each kind that refers to it.
func world() (*inventory.Inventory, observe.Names, *fake.Clientset) {
	c := &cnpgv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db"}}
	inv := &inventory.Inventory{Clusters: []*cnpgv1.Cluster{c}, Pods: []inventory.Pod{
		{Namespace: "shop", Name: "bare", Workload: inventory.Workload{Kind: "pod", Name: "bare"}},
		{Namespace: "shop", Name: "gone", Workload: inventory.Workload{Kind: "pod", Name: "gone"}},
	}}
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Args: []string{"db-rw.shop"}}}}}
	meta := func(namespace, name string, owners ...string) metav1.ObjectMeta {
		m := metav1.ObjectMeta{Namespace: namespace, Name: name}
		for _, kind := range owners {
			m.OwnerReferences = append(m.OwnerReferences, metav1.OwnerReference{Kind: kind, Name: "o"})
		}
		return m
	}
	job := batchv1.JobSpec{Template: template}
	client := fake.NewClientset(
		&appsv1.Deployment{ObjectMeta: meta("backend", "d"), Spec: appsv1.DeploymentSpec{Template: template}},
		&appsv1.StatefulSet{ObjectMeta: meta("shop", "s", "Keycloak"), Spec: appsv1.StatefulSetSpec{Template: template}},
		&appsv1.DaemonSet{ObjectMeta: meta("shop", "d"), Spec: appsv1.DaemonSetSpec{Template: template}},
		&batchv1.CronJob{ObjectMeta: meta("shop", "c"), Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: job}}},
		&batchv1.Job{ObjectMeta: meta("shop", "j"), Spec: job},
		&batchv1.Job{ObjectMeta: meta("shop", "c-29384750", "CronJob"), Spec: job},
		&batchv1.Job{ObjectMeta: meta("shop", "over"), Spec: job, Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue}}}},
		&corev1.Pod{ObjectMeta: meta("shop", "bare"), Spec: template.Spec},
		&corev1.Pod{ObjectMeta: meta("shop", "unknown"), Spec: template.Spec},
		&corev1.ConfigMap{ObjectMeta: meta("backend", "settings"), Data: map[string]string{"PGHOST": "db-rw.shop"}},
		&appsv1.Deployment{ObjectMeta: meta("backend", "by-configmap"), Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}}},
		}}}},
	)
	return inv, observe.NamesOf(inv, types.NamespacedName{Namespace: "shop", Name: "db"}), client
}

func read(t *testing.T, client *fake.Clientset) ([]string, []observe.Coverage) {
	t.Helper()
	inv, names, _ := world()
	e, err := specs.Read(t.Context(), client, names, inv, "shop")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range e.References {
		got = append(got, r.Namespace+"/"+r.Workload.String())
	}
	return slices.Sorted(slices.Values(got)), e.Coverage
}

// Every kind is read, and of what others have made, and what is over, nothing.
func TestRead(t *testing.T) {
	_, _, client := world()
	got, coverage := read(t, client)
	if diff := cmp.Diff([]string{"backend/deployment/by-configmap", "backend/deployment/d", "shop/cronjob/c", "shop/daemonset/d", "shop/job/j", "shop/pod/bare", "shop/statefulset/s"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(coverage) != 1 || len(coverage[0].Gaps()) > 0 {
		t.Errorf("%v", coverage)
	}
	for _, action := range client.Actions() {
		if r := action.GetResource().Resource; r == "secrets" || action.GetVerb() != "list" && action.GetVerb() != "get" {
			t.Errorf("it does %s %s", action.GetVerb(), r)
		}
	}
}

// What is forbidden everywhere is read in the database's namespace, and what is not seen is said.
func TestForbidden(t *testing.T) {
	_, _, client := world()
	refuse := func(resource string, where func(string) bool) {
		client.PrependReactor("*", resource, func(a clienttesting.Action) (bool, runtime.Object, error) {
			if !where(a.GetNamespace()) {
				return false, nil, nil
			}
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
		})
	}
	refuse("deployments", func(namespace string) bool { return namespace == "" })
	refuse("statefulsets", func(string) bool { return true })
	refuse("pods", func(string) bool { return true })
	refuse("configmaps", func(namespace string) bool { return namespace == "" })
	client.PrependReactor("list", "jobs", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("boom") })
	got, coverage := read(t, client)
	if diff := cmp.Diff([]string{"shop/cronjob/c", "shop/daemonset/d"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	const want = `Deployments of namespace "shop" alone may be read; Jobs can't be read: boom; StatefulSets can't be read: that is forbidden; pods that no workload owns can't be read: that is forbidden`
	if gaps := strings.Join(coverage[0].Gaps(), ""); gaps != want || coverage[0].Remedy.String() != "The role that lets one read them: kubectl cnpg-netpol rbac view" {
		t.Errorf("%s\n%s", gaps, coverage[0].Remedy)
	}
	const configMaps = `ConfigMaps of namespace "shop" alone may be read`
	if gaps := strings.Join(coverage[1].Gaps(), ""); gaps != configMaps || coverage[1].Remedy.String() != "The role that lets one read them: kubectl cnpg-netpol rbac observe" {
		t.Errorf("%s\n%s", gaps, coverage[1].Remedy)
	}
}

func TestInterrupted(t *testing.T) {
	inv, names, client := world()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := specs.Read(ctx, client, names, inv, "shop"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
