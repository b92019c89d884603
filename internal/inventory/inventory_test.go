package inventory

import (
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

func TestWorkloadOf(t *testing.T) {
	yes := true
	owner := func(apiVersion, kind, name string) []metav1.OwnerReference {
		return []metav1.OwnerReference{{Kind: "Other", Name: "x"}, {APIVersion: apiVersion, Kind: kind, Name: name, Controller: &yes}}
	}
	hash := map[string]string{"pod-template-hash": "abc"}
	for _, tc := range []struct {
		name   string
		labels map[string]string
		owners []metav1.OwnerReference
		want   string
	}{
		{"no owner", nil, nil, "pod/p"},
		{"deployment", hash, owner("apps/v1", "ReplicaSet", "web-abc"), "deployment/web"},
		{"replica set without hash", nil, owner("apps/v1", "ReplicaSet", "web-abc"), "replicaset/web-abc"},
		{"replica set of its own name", hash, owner("apps/v1", "ReplicaSet", "web"), "replicaset/web"},
		{"stateful set", nil, owner("apps/v1", "StatefulSet", "db"), "statefulset/db"},
		{"daemon set", nil, owner("apps/v1", "DaemonSet", "log"), "daemonset/log"},
		{"job", nil, owner("batch/v1", "Job", "once"), "job/once"},
		{"instance", nil, owner("postgresql.cnpg.io/v1", "Cluster", "pg"), "cluster/pg"},
		{"pooler", map[string]string{"pod-template-hash": "abc", cnpg.PoolerNameLabel: "rw"}, owner("apps/v1", "ReplicaSet", "rw-abc"), "pooler/rw"},
		{"static pod", nil, owner("v1", "Node", "n1"), "pod/p"},
	} {
		if got := WorkloadOf("p", tc.labels, tc.owners).String(); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
}

func testCluster() *cnpgv1.Cluster {
	return &cnpgv1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "pg"},
		Spec:       cnpgv1.ClusterSpec{Instances: 2, ImageName: "example.org/postgresql:15.4"},
	}
}

func TestExpectedInstancesAreLikeTheOperators(t *testing.T) {
	cluster := testCluster()
	cluster.Spec.InheritedMetadata = &cnpgv1.EmbeddedObjectMetadata{Labels: map[string]string{"team": "db"}}
	labels := func(name, role string) map[string]string {
		return map[string]string{
			"app.kubernetes.io/component": "database", "app.kubernetes.io/instance": "pg",
			"app.kubernetes.io/managed-by": "cloudnative-pg", "app.kubernetes.io/name": "postgresql",
			"app.kubernetes.io/version": "15", "cnpg.io/cluster": "pg", "cnpg.io/instanceName": name,
			"cnpg.io/instanceRole": role, "cnpg.io/podRole": "instance", "role": role, "team": "db",
		}
	}
	pod := func(name, role string) Pod {
		return Pod{
			Namespace: "shop", Name: name, Labels: labels(name, role), ServiceAccount: "pg",
			NamedPorts: []NamedPort{{"postgresql", 5432, "TCP"}, {"metrics", 9187, "TCP"}, {"status", 8000, "TCP"}},
			Workload:   Workload{"cluster", "pg"}, Expected: true,
		}
	}
	if d := cmp.Diff([]Pod{pod("pg-1", "primary"), pod("pg-2", "replica")}, ExpectedInstances(cluster)); d != "" {
		t.Error(d)
	}
	cluster.Spec.Instances, cluster.Spec.ServiceAccountName = 1<<30, "iam"
	pods := ExpectedInstances(cluster)
	if len(pods) != MaxExpectedInstances || pods[0].ServiceAccount != "iam" {
		t.Errorf("%d pods with service account %q", len(pods), pods[0].ServiceAccount)
	}
}

func TestExpectedPoolerPodsAreLikeTheOperators(t *testing.T) {
	two := int32(2)
	pooler := &cnpgv1.Pooler{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "rw"}}
	pooler.Spec.Cluster.Name, pooler.Spec.Instances = "pg", &two
	pooler.Spec.Template = &cnpgv1.PodTemplateSpec{
		ObjectMeta: cnpgv1.Metadata{Labels: map[string]string{"app": "pooler", "cnpg.io/cluster": "mine"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Ports: []corev1.ContainerPort{
			{Name: "extra", ContainerPort: 1}, {Name: "pgbouncer", ContainerPort: 2}}}}},
	}
	pods := ExpectedPoolerPods(pooler)
	want := Pod{
		Namespace: "shop", Name: "rw-2", ServiceAccount: "rw", Expected: true, Workload: Workload{"pooler", "rw"},
		NamedPorts: []NamedPort{{"pgbouncer", 5432, "TCP"}, {"metrics", 9127, "TCP"}, {"extra", 1, "TCP"}},
		Labels: map[string]string{
			"app": "pooler", "app.kubernetes.io/component": "pooler", "app.kubernetes.io/instance": "pg",
			"app.kubernetes.io/managed-by": "cloudnative-pg", "app.kubernetes.io/name": "postgresql",
			"cnpg.io/cluster": "pg", "cnpg.io/podRole": "pooler", "cnpg.io/poolerName": "rw",
		},
	}
	if len(pods) != 2 {
		t.Fatalf("%d pods, want 2", len(pods))
	}
	if d := cmp.Diff(want, pods[1]); d != "" {
		t.Error(d)
	}
}

func TestAddExpectedOnlyWhereNothingRuns(t *testing.T) {
	inv := Inventory{Clusters: []*cnpgv1.Cluster{testCluster()}}
	inv.Pods = []Pod{{Namespace: "shop", Name: "pg-7", Labels: map[string]string{cnpg.ClusterLabel: "pg", cnpg.PodRoleLabel: "instance"}}}
	inv.AddExpected()
	if len(inv.Pods) != 1 {
		t.Errorf("instances were added to one that runs: %v", inv.Pods)
	}
	// A join job and an instance of another namespace are no instances of this cluster.
	inv.Pods = []Pod{
		{Namespace: "shop", Name: "pg-1-join", Labels: map[string]string{cnpg.ClusterLabel: "pg", cnpg.JobRoleLabel: "join"}},
		{Namespace: "other", Name: "pg-1", Labels: map[string]string{cnpg.ClusterLabel: "pg", cnpg.PodRoleLabel: "instance"}},
	}
	inv.AddExpected()
	if len(inv.Pods) != 4 {
		t.Errorf("%d pods, want the two and two expected ones", len(inv.Pods))
	}
}

func TestFinish(t *testing.T) {
	inv := Inventory{
		Namespaces: []Namespace{{Name: "shop", Labels: map[string]string{"team": "a"}}},
		Pods:       []Pod{{Namespace: "z", Name: "b"}, {Namespace: "z", Name: "a"}, {Namespace: "shop", Name: "c"}},
		Endpoints:  map[types.NamespacedName]Endpoint{{Namespace: "e", Name: "x"}: {}},
		Policies:   []Policy{{}},
		Operators:  []Operator{{Namespace: "cnpg-system"}},
	}
	inv.Finish()
	var names []string
	for _, n := range inv.Namespaces {
		names = append(names, n.Name)
		if n.Labels["kubernetes.io/metadata.name"] != n.Name {
			t.Errorf("namespace %q has labels %v", n.Name, n.Labels)
		}
	}
	if d := cmp.Diff([]string{"cnpg-system", "e", "shop", "z"}, names); d != "" {
		t.Error(d)
	}
	if inv.Namespaces[2].Labels["team"] != "a" || inv.Pods[0].Name != "c" || inv.Pods[1].Name != "a" || !inv.Settings.Agent {
		t.Errorf("inventory %+v", inv)
	}
}

func TestOperators(t *testing.T) {
	label := map[string]string{OperatorLabel: OperatorLabelValue}
	pod := Pod{Namespace: "cnpg-system", Name: "o-abc-1", ServiceAccount: "cnpg-manager", Workload: Workload{"deployment", "o"},
		Labels: map[string]string{OperatorLabel: OperatorLabelValue, "pod-template-hash": "abc"}}
	t.Run("deployment by label", func(t *testing.T) {
		o, ok := OperatorFromDeployment("cnpg-system", "o", label, label, "cnpg-manager")
		want := Operator{Namespace: "cnpg-system", Deployment: "o", PodLabels: label, ServiceAccount: "cnpg-manager", FoundBy: "label app.kubernetes.io/name=cloudnative-pg"}
		if d := cmp.Diff(want, o); !ok || d != "" {
			t.Error(ok, d)
		}
	})
	t.Run("deployment by OLM's label", func(t *testing.T) {
		o, ok := OperatorFromDeployment("operators", "o", map[string]string{"operators.coreos.com/cloudnative-pg.operators": ""}, nil, "")
		if !ok || o.FoundBy != "label operators.coreos.com/cloudnative-pg.operators" {
			t.Error(ok, o)
		}
	})
	for image, want := range map[string]bool{
		"ghcr.io/cloudnative-pg/cloudnative-pg:1.29.1": true, "cloudnative-pg": true, "mirror:5000/x/cloudnative-pg@sha256:00": true,
		"ghcr.io/cloudnative-pg/cloudnative-pg-testing:main": true, "ghcr.io/cloudnative-pg/postgresql:17": false,
		"ghcr.io/cloudnative-pg/plugin-barman-cloud:v1": false, "cloudnative-pg/other": false,
	} {
		t.Run("image "+image, func(t *testing.T) {
			o, ok := OperatorFromDeployment("infra", "o", nil, nil, "", "sidecar:1", image)
			if ok != want || ok && o.FoundBy != "image "+image {
				t.Error(ok, o)
			}
		})
	}
	t.Run("another deployment", func(t *testing.T) {
		if o, ok := OperatorFromDeployment("x", "web", map[string]string{OperatorLabel: "web"}, nil, ""); ok {
			t.Error(o)
		}
	})
	t.Run("pods, each deployment once", func(t *testing.T) {
		want := []Operator{{Namespace: "cnpg-system", Deployment: "o", PodLabels: label, ServiceAccount: "cnpg-manager", FoundBy: "pods with label app.kubernetes.io/name=cloudnative-pg"}}
		if d := cmp.Diff(want, OperatorsFromPods([]Pod{pod, pod, {Name: "web"}})); d != "" {
			t.Error(d)
		}
	})
	t.Run("service", func(t *testing.T) {
		if got := OperatorsFromService("cnpg-system", label, []Pod{pod}); len(got) != 1 || got[0].Deployment != "o" {
			t.Error(got)
		}
		if got := OperatorsFromService("cnpg-system", nil, []Pod{pod}); len(got) != 1 || got[0].Deployment != "" || got[0].Namespace != "cnpg-system" {
			t.Error(got)
		}
	})
	t.Run("webhooks", func(t *testing.T) {
		if !IsOperatorWebhook("my-cnpg-mutating-webhook-configuration", nil) || !IsOperatorWebhook("x-123", []string{"mcluster.cnpg.io"}) ||
			IsOperatorWebhook("other", []string{"a.example.org"}) {
			t.Error("a webhook configuration was taken for another one")
		}
	})
	t.Run("unique", func(t *testing.T) {
		got := UniqueOperators([]Operator{{Namespace: "a"}, {Namespace: "a", Deployment: "o"}, {Namespace: "a", Deployment: "o", FoundBy: "again"}, {Namespace: "b"}})
		if d := cmp.Diff([]Operator{{Namespace: "a", Deployment: "o"}, {Namespace: "b"}}, got); d != "" {
			t.Error(d)
		}
	})
	t.Run("chosen by namespace", func(t *testing.T) {
		all := []Operator{{Namespace: "a"}, {Namespace: "b"}}
		if got := SelectOperators(all, ""); len(got) != 2 {
			t.Error(got)
		}
		if got := SelectOperators(all, "b"); len(got) != 1 || got[0].Namespace != "b" {
			t.Error(got)
		}
		if got := SelectOperators(all, "c"); len(got) != 1 || got[0].FoundBy != "--operator-namespace" {
			t.Error(got)
		}
	})
}
