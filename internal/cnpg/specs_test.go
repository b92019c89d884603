package cnpg_test

import (
	"maps"
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	pgbouncerconfig "github.com/cloudnative-pg/cloudnative-pg/pkg/management/pgbouncer/config"
	"github.com/cloudnative-pg/cloudnative-pg/pkg/specs"
	"github.com/cloudnative-pg/cloudnative-pg/pkg/specs/pgbouncer"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

func cluster(change ...func(*cnpgv1.Cluster)) *cnpgv1.Cluster {
	c := &cnpgv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "pg"}}
	c.Spec.Instances = 3
	c.Spec.ImageName = "ghcr.io/cloudnative-pg/postgresql:17.2"
	c.Spec.Bootstrap = &cnpgv1.BootstrapConfiguration{InitDB: &cnpgv1.BootstrapInitDB{Database: "app", Owner: "app"}}
	for _, f := range change {
		f(c)
	}
	return c
}

// The ways in which a cluster's specification can change its pods.
var variants = map[string]func(*cnpgv1.Cluster){
	"plain":           func(*cnpgv1.Cluster) {},
	"no readable tag": func(c *cnpgv1.Cluster) { c.Spec.ImageName = "registry.example/pg@sha256:" + zeros },
	"service account": func(c *cnpgv1.Cluster) { c.Spec.ServiceAccountName = "databases" },
	"pprof": func(c *cnpgv1.Cluster) {
		c.Annotations = map[string]string{"alpha.cnpg.io/enableInstancePprof": "true"}
	},
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func TestInstancesAreThoseOfTheOperator(t *testing.T) {
	for name, change := range variants {
		t.Run(name, func(t *testing.T) {
			c := cluster(change)
			want, err := specs.NewInstance(t.Context(), *c, 2, true)
			if err != nil {
				t.Fatal(err)
			}
			// The operator's reconcilers add the role once it is known (pkg/reconciler/instance).
			want.Labels[cnpg.InstanceRoleLabel], want.Labels[cnpg.OldInstanceRoleLabel] = specs.ClusterRoleLabelReplica, specs.ClusterRoleLabelReplica
			same(t, want.ObjectMeta, want.Spec, cnpg.Instance(c, 2, cnpg.ReplicaRole))
		})
	}
	if cnpg.PrimaryRole != specs.ClusterRoleLabelPrimary || cnpg.ReplicaRole != specs.ClusterRoleLabelReplica {
		t.Error("the instance roles are not the operator's")
	}
}

func TestJobsAreThoseOfTheOperator(t *testing.T) {
	recovery := func(c *cnpgv1.Cluster) {
		c.Spec.Bootstrap = &cnpgv1.BootstrapConfiguration{Recovery: &cnpgv1.BootstrapRecovery{Source: "origin"}}
	}
	importing := func(c *cnpgv1.Cluster) { c.Spec.Bootstrap.InitDB.Import = &cnpgv1.Import{} }
	for _, role := range cnpg.JobRoles() {
		for name, change := range variants {
			t.Run(string(role)+" "+name, func(t *testing.T) {
				c := cluster(change)
				job := specs.CreatePrimaryJob(*c, 2, "major-upgrade", nil, nil)
				switch role {
				case cnpg.InitDB:
					job = specs.CreatePrimaryJobViaInitdb(*c, 2)
				case cnpg.Import:
					importing(c)
					job = specs.CreatePrimaryJobViaInitdb(*c, 2)
				case cnpg.PGBaseBackup:
					job = specs.CreatePrimaryJobViaPgBaseBackup(*c, 2)
				case cnpg.FullRecovery:
					recovery(c)
					job = specs.CreatePrimaryJobViaRecovery(*c, 2, nil)
				case cnpg.SnapshotRecovery:
					job = specs.RestoreReplicaInstance(*c, 2)
				case cnpg.Join:
					job = specs.JoinReplicaInstance(*c, 2)
				case cnpg.MajorUpgrade:
				}
				want := job.Spec.Template
				want.Namespace, want.Name = job.Namespace, job.Name
				maps.Copy(want.Labels, map[string]string{"job-name": job.Name, "batch.kubernetes.io/job-name": job.Name})
				same(t, want.ObjectMeta, want.Spec, cnpg.Job(c, 2, role))
			})
		}
	}
}

func TestPoolerPodsAreThoseOfTheOperator(t *testing.T) {
	for name, template := range map[string]*cnpgv1.PodTemplateSpec{
		"plain":  nil,
		"labels": {ObjectMeta: cnpgv1.Metadata{Labels: map[string]string{"app": "pool", cnpg.PoolerNameLabel: "mine"}}},
		"host network and ports": {Spec: corev1.PodSpec{HostNetwork: true, Containers: []corev1.Container{
			{Name: "pgbouncer", Ports: []corev1.ContainerPort{{Name: "pgbouncer", ContainerPort: 6432}}},
			{Name: "exporter", Ports: []corev1.ContainerPort{{Name: "extra", ContainerPort: 9999, Protocol: "TCP"}}},
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			pooler := &cnpgv1.Pooler{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "rw"}}
			pooler.Spec.Cluster.Name, pooler.Spec.Template = "pg", template
			pooler.Spec.PgBouncer = &cnpgv1.PgBouncerSpec{}
			deployment, err := pgbouncer.Deployment(pooler, cluster())
			if err != nil {
				t.Fatal(err)
			}
			want := deployment.Spec.Template
			want.Namespace, want.Name = "shop", "rw-1"
			same(t, want.ObjectMeta, want.Spec, cnpg.PoolerPod(pooler, 1))
		})
	}
	if cnpg.PostgresPort != pgbouncerconfig.PgBouncerPort {
		t.Error("poolers have another port than instances")
	}
}

func TestServicesAreThoseOfTheOperator(t *testing.T) {
	c := cluster(func(c *cnpgv1.Cluster) {
		balanced := cnpgv1.ServiceTemplateSpec{ObjectMeta: cnpgv1.Metadata{Name: "pg-lb"}}
		balanced.Spec.Type, balanced.Spec.LoadBalancerSourceRanges = corev1.ServiceTypeLoadBalancer, []string{"192.0.2.0/24"}
		other := cnpgv1.ServiceTemplateSpec{ObjectMeta: cnpgv1.Metadata{Name: "pg-other"}}
		other.Spec.Ports = []corev1.ServicePort{{Name: "postgres", Port: 6432}}
		c.Spec.Managed = &cnpgv1.ManagedConfiguration{Services: &cnpgv1.ManagedServices{Additional: []cnpgv1.ManagedService{
			{SelectorType: cnpgv1.ServiceSelectorTypeRW, ServiceTemplate: balanced}, {SelectorType: cnpgv1.ServiceSelectorTypeR, ServiceTemplate: other},
		}}}
	})
	managed, err := specs.BuildManagedServices(*c)
	if err != nil {
		t.Fatal(err)
	}
	want := []*corev1.Service{specs.CreateClusterReadWriteService(*c), specs.CreateClusterReadOnlyService(*c), specs.CreateClusterReadService(*c)}
	for i := range managed {
		want = append(want, &managed[i])
	}
	sameServices(t, want, cnpg.Services(c))
	c.Spec.Managed.Services.DisabledDefaultServices = []cnpgv1.ServiceSelectorType{cnpgv1.ServiceSelectorTypeR, cnpgv1.ServiceSelectorTypeRO}
	if got := cnpg.Services(c); len(got) != 3 || got[0].Name != "pg-rw" {
		t.Errorf("services that are disabled are there: %v", got)
	}
}

func TestPoolerServiceIsThatOfTheOperator(t *testing.T) {
	pooler := &cnpgv1.Pooler{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "rw"}}
	balanced := &cnpgv1.ServiceTemplateSpec{}
	balanced.Spec.Type = corev1.ServiceTypeLoadBalancer
	for _, pooler.Spec.ServiceTemplate = range []*cnpgv1.ServiceTemplateSpec{nil, balanced} {
		want, err := pgbouncer.Service(pooler, cluster())
		if err != nil {
			t.Fatal(err)
		}
		sameServices(t, []*corev1.Service{want}, []*corev1.Service{cnpg.PoolerService(pooler)})
	}
}

func sameServices(t *testing.T, want, got []*corev1.Service) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d services, the operator has %d", len(got), len(want))
	}
	for i := range want {
		bare := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: want[i].Namespace, Name: want[i].Name}, Spec: *want[i].Spec.DeepCopy()}
		bare.Spec.PublishNotReadyAddresses = got[i].Spec.PublishNotReadyAddresses
		if d := cmp.Diff(bare, got[i]); d != "" {
			t.Errorf("difference (-operator +here):\n%s", d)
		}
	}
}

// same compares what policies can tell apart.
func same(t *testing.T, meta metav1.ObjectMeta, spec corev1.PodSpec, got corev1.Pod) {
	t.Helper()
	named := func(s corev1.PodSpec) map[string]int32 {
		ports := map[string]int32{}
		for i := range s.Containers {
			for _, p := range s.Containers[i].Ports {
				ports[p.Name] = p.ContainerPort
			}
		}
		return ports
	}
	for _, d := range []string{
		cmp.Diff(meta.Labels, got.Labels), cmp.Diff(meta.Name, got.Name), cmp.Diff(meta.Namespace, got.Namespace),
		cmp.Diff(spec.ServiceAccountName, got.Spec.ServiceAccountName), cmp.Diff(spec.HostNetwork, got.Spec.HostNetwork),
		cmp.Diff(named(spec), named(got.Spec)),
	} {
		if d != "" {
			t.Errorf("difference (-operator +here):\n%s", d)
		}
	}
}

func TestBootstrapJob(t *testing.T) {
	snapshot := &cnpgv1.Backup{}
	snapshot.Spec.Method, snapshot.Status.Method = cnpgv1.BackupMethodVolumeSnapshot, cnpgv1.BackupMethodVolumeSnapshot
	snapshot.Status.Phase = cnpgv1.BackupPhaseCompleted
	for _, tc := range []struct {
		name      string
		bootstrap *cnpgv1.BootstrapConfiguration
		backup    *cnpgv1.Backup
		want      cnpg.JobRole
	}{
		{"nothing", nil, nil, cnpg.InitDB},
		{"initdb", &cnpgv1.BootstrapConfiguration{InitDB: &cnpgv1.BootstrapInitDB{}}, nil, cnpg.InitDB},
		{"import", &cnpgv1.BootstrapConfiguration{InitDB: &cnpgv1.BootstrapInitDB{Import: &cnpgv1.Import{}}}, nil, cnpg.Import},
		{"basebackup", &cnpgv1.BootstrapConfiguration{PgBaseBackup: &cnpgv1.BootstrapPgBaseBackup{}}, nil, cnpg.PGBaseBackup},
		{"recovery", &cnpgv1.BootstrapConfiguration{Recovery: &cnpgv1.BootstrapRecovery{Source: "x"}}, nil, cnpg.FullRecovery},
		{"from a backup", &cnpgv1.BootstrapConfiguration{Recovery: &cnpgv1.BootstrapRecovery{Backup: &cnpgv1.BackupSource{}}}, &cnpgv1.Backup{}, cnpg.FullRecovery},
		{"from a backup that is a snapshot", &cnpgv1.BootstrapConfiguration{Recovery: &cnpgv1.BootstrapRecovery{Backup: &cnpgv1.BackupSource{}}}, snapshot, cnpg.SnapshotRecovery},
		{"from snapshots", &cnpgv1.BootstrapConfiguration{Recovery: &cnpgv1.BootstrapRecovery{VolumeSnapshots: &cnpgv1.DataSource{}}}, nil, cnpg.SnapshotRecovery},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := cluster(func(c *cnpgv1.Cluster) { c.Spec.Bootstrap = tc.bootstrap })
			if got := cnpg.BootstrapJob(c, tc.backup); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestBootstrapped(t *testing.T) {
	if cnpg.Bootstrapped(cluster()) {
		t.Error("a cluster without a status has not begun")
	}
	if !cnpg.Bootstrapped(cluster(func(c *cnpgv1.Cluster) { c.Status.CurrentPrimary = "pg-1" })) {
		t.Error("a cluster with a primary has begun")
	}
	if cnpg.PostgresPort != 5432 || *ptr.To(cnpg.StatusPort) != 8000 || cnpg.MetricsPort != 9187 || cnpg.PoolerMetricsPort != 9127 {
		t.Error("ports that no document knows")
	}
}
