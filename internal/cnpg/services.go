package cnpg

import (
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/cloudnative-pg/cloudnative-pg/pkg/servicespec"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Services are those that the operator would create for the cluster, as far as connections depend on them:
// names, specifications, and no labels (pkg/specs/services.go).
func Services(cluster *cnpgv1.Cluster) []*corev1.Service {
	var out []*corev1.Service
	port := corev1.ServicePort{
		Name: "postgres", Protocol: corev1.ProtocolTCP,
		Port: int32(PostgresPort), TargetPort: intstr.FromInt32(int32(PostgresPort)),
	}
	add := func(name string, template *cnpgv1.ServiceTemplateSpec, selectorType cnpgv1.ServiceSelectorType) {
		out = append(out, service(cluster.Namespace, name, template, instancesBehind(cluster.Name, selectorType), port))
	}
	if cluster.IsReadWriteServiceEnabled() {
		add(cluster.GetServiceReadWriteName(), nil, cnpgv1.ServiceSelectorTypeRW)
	}
	if cluster.IsReadOnlyServiceEnabled() {
		add(cluster.GetServiceReadOnlyName(), nil, cnpgv1.ServiceSelectorTypeRO)
	}
	if cluster.IsReadServiceEnabled() {
		add(cluster.GetServiceReadName(), nil, cnpgv1.ServiceSelectorTypeR)
	}
	if cluster.Spec.Managed != nil && cluster.Spec.Managed.Services != nil {
		for i := range cluster.Spec.Managed.Services.Additional {
			more := &cluster.Spec.Managed.Services.Additional[i]
			add(more.ServiceTemplate.ObjectMeta.Name, &more.ServiceTemplate, more.SelectorType)
		}
	}
	return out
}

// instancesBehind is the selector of a Service of that type.
func instancesBehind(cluster string, selectorType cnpgv1.ServiceSelectorType) map[string]string {
	selector := map[string]string{ClusterLabel: cluster}
	switch selectorType {
	case cnpgv1.ServiceSelectorTypeRW:
		selector[InstanceRoleLabel] = PrimaryRole
	case cnpgv1.ServiceSelectorTypeRO:
		selector[InstanceRoleLabel] = ReplicaRole
	case cnpgv1.ServiceSelectorTypeR:
		selector[PodRoleLabel] = InstancePodRole
	}
	return selector
}

// PoolerService is the Service that the operator would create for the pooler
// (pkg/specs/pgbouncer/services.go), as Services has those of clusters.
func PoolerService(pooler *cnpgv1.Pooler) *corev1.Service {
	return service(pooler.Namespace, pooler.Name, pooler.Spec.ServiceTemplate, map[string]string{PoolerNameLabel: pooler.Name}, corev1.ServicePort{
		Name: poolerPortName, Protocol: corev1.ProtocolTCP,
		Port: int32(PostgresPort), TargetPort: intstr.FromString(poolerPortName),
	})
}

func service(namespace, name string, template *cnpgv1.ServiceTemplateSpec, selector map[string]string, port corev1.ServicePort) *corev1.Service {
	built := servicespec.NewFrom(template).WithServiceType(corev1.ServiceTypeClusterIP, false).
		WithServicePortNoOverwrite(&port).SetSelectors(selector).Build()
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: built.Spec}
}
