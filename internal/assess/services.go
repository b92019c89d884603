package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// addServices adds the Services that let clients from outside the Kubernetes cluster come to a target, and as
// whom they arrive: where nodes pass connections on to each other, with the address of a node
// (https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/#client-source-ip-preservation).
func addServices(m *model.Model, c *model.Cluster, e *v1alpha1.Exposure) {
	for _, s := range servicesOf(m, c) {
		if !leadsTo(m, c, s, e.Target, e.Port) {
			continue
		}
		one := v1alpha1.ServiceAccess{
			Namespace: s.Namespace, Name: s.Name, Type: string(s.Spec.Type), SourceRanges: s.Spec.LoadBalancerSourceRanges,
			ExternalTrafficPolicy: string(cmp.Or(s.Spec.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyCluster)),
			ArriveAs:              []string{"their own address"},
		}
		if one.ExternalTrafficPolicy == string(corev1.ServiceExternalTrafficPolicyCluster) {
			one.ArriveAs = append(one.ArriveAs, string(v1alpha1.EntityRemoteNode))
		}
		e.Services = append(e.Services, one)
	}
}

// servicesOf are the Services of the cluster's namespace that are reached from outside. Manifests need not have
// those that the operator makes.
func servicesOf(m *model.Model, c *model.Cluster) []*corev1.Service {
	var out []*corev1.Service
	add := func(s *corev1.Service) {
		outside := s.Spec.Type == corev1.ServiceTypeLoadBalancer || s.Spec.Type == corev1.ServiceTypeNodePort
		if outside && !slices.ContainsFunc(out, func(o *corev1.Service) bool { return o.Name == s.Name }) {
			out = append(out, s)
		}
	}
	for _, s := range m.ServicesIn(c.Object.Namespace) {
		add(s)
	}
	if m.Inventory().Origin != inventory.Manifests {
		return out
	}
	if managed := c.Object.Spec.Managed; managed != nil && managed.Services != nil {
		for i := range managed.Services.Additional {
			add(expectedService(c.Object.Namespace, &managed.Services.Additional[i].ServiceTemplate, cnpg.PodRoleLabel, cnpg.InstancePodRole))
		}
	}
	for _, p := range m.PoolersFor(c) {
		if p.Spec.ServiceTemplate != nil {
			s := expectedService(p.Namespace, p.Spec.ServiceTemplate, cnpg.PoolerNameLabel, p.Name)
			s.Name = cmp.Or(s.Name, p.Name)
			add(s)
		}
	}
	return out
}

// expectedService is what the operator would make of a template, for pods with a label.
func expectedService(namespace string, t *cnpgv1.ServiceTemplateSpec, key, value string) *corev1.Service {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: t.ObjectMeta.Name}, Spec: *t.Spec.DeepCopy()}
	s.Spec.Selector = map[string]string{key: value}
	if len(s.Spec.Ports) == 0 {
		s.Spec.Ports = []corev1.ServicePort{{Port: int32(cnpg.PostgresPort)}}
	}
	return s
}

// leadsTo tells whether a Service has one of the target's pods behind it, at the port.
func leadsTo(m *model.Model, c *model.Cluster, s *corev1.Service, target v1alpha1.Target, port uint16) bool {
	for _, member := range c.Members {
		pod := m.Pod(member.Pod)
		switch {
		case target.Pooler == "" && !member.IsInstance(), target.Pooler != "" && target.Pooler != pod.Labels[cnpg.PoolerNameLabel]:
			continue
		case len(s.Spec.Selector) == 0 || slices.ContainsFunc(sortedKeys(s.Spec.Selector), func(key string) bool { return pod.Labels[key] != s.Spec.Selector[key] }):
			continue
		}
		for _, p := range s.Spec.Ports {
			to := p.TargetPort
			if to.IntVal == 0 && to.StrVal == "" {
				to = intstr.FromInt32(p.Port)
			}
			named := slices.ContainsFunc(pod.NamedPorts, func(n inventory.NamedPort) bool { return n.Name == to.StrVal && n.Port == port })
			if to.Type == intstr.Int && to.IntVal == int32(port) || to.Type == intstr.String && named {
				return true
			}
		}
	}
	return false
}

func sortedKeys(labels map[string]string) []string {
	out := make([]string, 0, len(labels))
	for key := range labels {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

// serviceFindings are about Services through which clients from outside may come in as a node that rules let in.
func serviceFindings(m *model.Model, _ *model.Cluster, r *v1alpha1.IsolationReport) []v1alpha1.Finding {
	if !m.Enforces() {
		return nil
	}
	var out []v1alpha1.Finding
	for _, e := range r.Exposure {
		policies := e.EntityPolicies[v1alpha1.EntityRemoteNode]
		if len(policies) == 0 || slices.Contains(e.Entities, v1alpha1.EntityWorld) {
			continue // Nodes are not let in by a rule, or the world is.
		}
		for _, s := range e.Services {
			if !slices.Contains(s.ArriveAs, string(v1alpha1.EntityRemoteNode)) {
				continue
			}
			ranges := ""
			if len(s.SourceRanges) > 0 {
				ranges = ", for clients in " + strings.Join(s.SourceRanges, ", ")
			}
			out = append(out, finding(v1alpha1.WorldCanConnect, v1alpha1.SeverityWarning,
				fmt.Sprintf("clients outside the Kubernetes cluster may come through Service %s/%s (%s, externalTrafficPolicy: Cluster%s) with the address of a node, and remote-node can connect to port %d of the %s (%s)",
					s.Namespace, s.Name, s.Type, ranges, e.Port, e.Target, names(policies)),
				command.Words("Set externalTrafficPolicy: Local on the Service, so that clients keep their addresses, and let in those; or leave remote-node out of the rule.")))
		}
	}
	return out
}
