package live

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

func (w *Watcher) watchServices() *watched {
	return builtIn(w, newCollector(w.clients, w.options).services(), &corev1.Service{},
		func(namespace string) (listing[*corev1.ServiceList], watching) {
			client := w.clients.Kubernetes.CoreV1().Services(namespace)
			return client.List, client.Watch
		},
		func(s *corev1.Service) (any, error) { return fromService(s), nil },
		func(c *collector, value any) { c.inv.Services = appendAs(c.inv.Services, value) })
}

// watchAPIServers watches the endpoints of the API servers.
func (w *Watcher) watchAPIServers() *watched {
	of := kubernetesService
	client := w.clients.Kubernetes.DiscoveryV1().EndpointSlices(of.namespace)
	return builtIn(w, newCollector(w.clients, w.options).endpointSlices(of), &discoveryv1.EndpointSlice{},
		func(string) (listing[*discoveryv1.EndpointSliceList], watching) {
			return func(ctx context.Context, o metav1.ListOptions) (*discoveryv1.EndpointSliceList, error) {
					o.LabelSelector = discoveryv1.LabelServiceName + "=" + of.name
					return client.List(ctx, o)
				}, func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
					o.LabelSelector = discoveryv1.LabelServiceName + "=" + of.name
					return client.Watch(ctx, o)
				}
		},
		func(s *discoveryv1.EndpointSlice) (any, error) {
			one := *s
			decode.Forget(&one)
			return &one, nil
		},
		func(c *collector, value any) { c.setSlices(of, appendAs(c.slices[of], value)) })
}
