package live

import (
	"context"
	"fmt"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// needs are the kinds by which is known what databases need besides what they are connected with anyway.
// What can't be read of them makes unknown only what depends on it.
func (c *collector) needs() []resource {
	kinds := []resource{
		c.endpointSlices(kubernetesService), c.custom(subscriptions()), c.custom(podMonitors()), c.custom(serviceMonitors()),
	}
	if c.options.Namespace != "" {
		kinds = append(kinds, c.custom(clustersElsewhere(c.options.Namespace)))
	}
	return kinds
}

// clustersElsewhere may need those of the namespace.
func clustersElsewhere(namespace string) custom {
	k := clusters()
	k.scope, k.optional, k.advisory = clusterScoped, true, true
	k.put = func(c *collector, value any) {
		if cluster, ok := value.(*cnpgv1.Cluster); ok && cluster.Namespace != namespace {
			c.inv.Others = append(c.inv.Others, cluster)
		}
	}
	k.reset = func(c *collector) { c.inv.Others = nil }
	return k
}

func (c *collector) services() resource {
	return resource{
		name: "services", advisory: true,
		reset: func() { c.inv.Services = nil },
		page: func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
			list, err := c.clients.Kubernetes.CoreV1().Services(namespace).List(ctx, o)
			if err != nil {
				return 0, "", err
			}
			for i := range list.Items {
				c.inv.Services = append(c.inv.Services, fromService(&list.Items[i]))
			}
			return len(list.Items), list.Continue, nil
		},
	}
}

// fromService copies a Service, so that the rest of the page can be forgotten.
func fromService(s *corev1.Service) *corev1.Service {
	one := *s
	decode.Forget(&one)
	return &one
}

// serviceName names a Service.
type serviceName struct{ namespace, name string }

// kubernetesService is the Service whose endpoints are the API servers.
var kubernetesService = serviceName{corev1.NamespaceDefault, "kubernetes"} //nolint:gochecknoglobals // A constant of a type that can't be one.

// endpointSlices reads those of one Service.
func (c *collector) endpointSlices(of serviceName) resource {
	return resource{
		name: "endpointslices.discovery.k8s.io", scope: clusterScoped, advisory: true,
		reset: func() { c.setSlices(of, nil) },
		page: func(ctx context.Context, _ string, o metav1.ListOptions) (int, string, error) {
			o.LabelSelector = discoveryv1.LabelServiceName + "=" + of.name
			list, err := c.clients.Kubernetes.DiscoveryV1().EndpointSlices(of.namespace).List(ctx, o)
			if err != nil {
				return 0, "", err
			}
			for i := range list.Items {
				decode.Forget(&list.Items[i])
				c.setSlices(of, append(c.slices[of], &list.Items[i]))
			}
			return len(list.Items), list.Continue, nil
		},
	}
}

// setSlices keeps the slices of each Service apart: several are read at the same time.
func (c *collector) setSlices(of serviceName, found []*discoveryv1.EndpointSlice) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slices == nil {
		c.slices = map[serviceName][]*discoveryv1.EndpointSlice{}
	}
	c.slices[of] = found
}

// of is a kind of another group, that need not be there.
func of(group, version, plural string, s scope) custom {
	return custom{
		GroupVersionResource: schema.GroupVersionResource{Group: group, Version: version, Resource: plural},
		scope:                s, optional: true, advisory: true,
	}
}

func subscriptions() custom {
	k := of("postgresql.cnpg.io", "v1", "subscriptions", ownNamespace)
	k.decode = decoded[cnpgv1.Subscription]
	k.put = func(c *collector, value any) { c.inv.Subscriptions = appendAs(c.inv.Subscriptions, value) }
	k.reset = func(c *collector) { c.inv.Subscriptions = nil }
	return k
}

func objectStores() custom {
	k := of("barmancloud.cnpg.io", "v1", "objectstores", ownNamespace)
	k.decode = decoded[inventory.ObjectStore]
	k.put = func(c *collector, value any) {
		if s, ok := value.(*inventory.ObjectStore); ok {
			c.inv.ObjectStores = append(c.inv.ObjectStores, *s)
		}
	}
	k.reset = func(c *collector) { c.inv.ObjectStores = nil }
	return k
}

func cidrGroups() custom {
	k := of(ciliumGroup, "v2", "ciliumcidrgroups", clusterScoped)
	k.decode = decoded[ciliumv2.CiliumCIDRGroup]
	k.put = func(c *collector, value any) { c.inv.CIDRGroups = appendAs(c.inv.CIDRGroups, value) }
	k.reset = func(c *collector) { c.inv.CIDRGroups = nil }
	return k
}

func podMonitors() custom     { return monitors("podmonitors", "PodMonitor") }
func serviceMonitors() custom { return monitors("servicemonitors", "ServiceMonitor") }

func monitors(plural, kind string) custom {
	k := of("monitoring.coreos.com", "v1", plural, ownNamespace)
	k.decode = decoded[inventory.Monitor]
	k.put = func(c *collector, value any) {
		if m, ok := value.(*inventory.Monitor); ok {
			m.Kind = kind
			c.mu.Lock()
			defer c.mu.Unlock()
			c.inv.Monitors = append(c.inv.Monitors, *m)
		}
	}
	k.reset = func(c *collector) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.inv.Monitors = slices.DeleteFunc(c.inv.Monitors, func(m inventory.Monitor) bool { return m.Kind == kind })
	}
	return k
}

// object is what decode.Object can decode.
type object[T any] interface {
	*T
	metav1.Object
}

func decoded[T any, P object[T]](_ *decode.Decoder, raw []byte) (any, error) {
	one, err := decode.Object[T, P](raw, "")
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", one.GetNamespace(), one.GetName(), err)
	}
	return one, nil
}
