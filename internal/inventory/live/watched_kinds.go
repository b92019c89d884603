package live

import (
	"context"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// watchedKinds are the kinds that Collect reads.
func (w *Watcher) watchedKinds() []*watched {
	decoder := decode.NewDecoder()
	kinds := []*watched{w.watchNamespaces(), w.watchPods(), w.watchNetworkPolicies(decoder), w.watchDeployments(), w.watchSettings(), w.watchServices(), w.watchAPIServers()}
	customs := []custom{
		endpoints(), ciliumNetworkPolicies(), ciliumClusterwideNetworkPolicies(), clusterNetworkPolicies(), clusters(), poolers(),
		subscriptions(), objectStores(), cidrGroups(), podMonitors(), serviceMonitors(),
	}
	if w.options.Namespace != "" {
		customs = append(customs, clustersElsewhere(w.options.Namespace))
	}
	for _, k := range customs {
		kinds = append(kinds, w.watchCustom(k, decoder))
	}
	return kinds
}

func (w *Watcher) newWatched(r resource, put func(*collector, any)) *watched {
	return &watched{
		resource: r, put: put, own: w.options.Namespace, server: w.clients.Server,
		timeout: w.options.Timeout, patience: w.options.patience(),
	}
}

// listing and watching are what the typed clients have for a kind.
type (
	listing[L runtime.Object] func(context.Context, metav1.ListOptions) (L, error)
	watching                  func(context.Context, metav1.ListOptions) (watch.Interface, error)
)

// builtIn is a kind of Kubernetes' own, with objects of type T in lists of type L.
func builtIn[T, L runtime.Object](
	w *Watcher, r resource, example T, client func(namespace string) (listing[L], watching),
	decode func(T) (any, error), put func(*collector, any),
) *watched {
	k := w.newWatched(r, put)
	k.list = func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
		list, _ := client(namespace)
		return list(ctx, o)
	}
	k.open = func(ctx context.Context, namespace string, o metav1.ListOptions) (watch.Interface, error) {
		_, open := client(namespace)
		return open(ctx, o)
	}
	k.decode = func(object runtime.Object) (any, error) {
		one, ok := object.(T)
		if !ok {
			return nil, nil // The informer lets no other types pass.
		}
		return decode(one)
	}
	k.prepare(example, w.notify)
	return k
}

// watchNamespaces falls back to the namespace of the wanted clusters, which can be read and not
// watched: the informer reads it again every now and then.
func (w *Watcher) watchNamespaces() *watched {
	client := w.clients.Kubernetes.CoreV1().Namespaces()
	return builtIn(w, newCollector(w.clients, w.options).namespaces(), &corev1.Namespace{},
		func(namespace string) (listing[*corev1.NamespaceList], watching) {
			if namespace == "" {
				return client.List, client.Watch
			}
			return func(ctx context.Context, _ metav1.ListOptions) (*corev1.NamespaceList, error) {
					one, err := client.Get(ctx, namespace, metav1.GetOptions{})
					if apierrors.IsNotFound(err) {
						return &corev1.NamespaceList{}, nil
					}
					if err != nil {
						return nil, err
					}
					return &corev1.NamespaceList{Items: []corev1.Namespace{*one}}, nil
				}, func(context.Context, metav1.ListOptions) (watch.Interface, error) {
					return nil, apierrors.NewMethodNotSupported(corev1.Resource("namespaces"), "watch")
				}
		},
		func(n *corev1.Namespace) (any, error) { return fromNamespace(n), nil },
		func(c *collector, value any) {
			if n, ok := value.(inventory.Namespace); ok {
				c.inv.Namespaces = append(c.inv.Namespaces, inventory.Namespace{Name: n.Name, Labels: maps.Clone(n.Labels)})
			}
		})
}

func (w *Watcher) watchPods() *watched {
	return builtIn(w, newCollector(w.clients, w.options).pods(), &corev1.Pod{},
		func(namespace string) (listing[*corev1.PodList], watching) {
			client := w.clients.Kubernetes.CoreV1().Pods(namespace)
			return client.List, client.Watch
		},
		func(p *corev1.Pod) (any, error) { return fromPod(p), nil },
		func(c *collector, value any) {
			if p, ok := value.(inventory.Pod); ok && !inventory.Terminated(p.Phase) {
				c.inv.Pods = append(c.inv.Pods, p)
			}
		})
}

func (w *Watcher) watchNetworkPolicies(d *decode.Decoder) *watched {
	return builtIn(w, newCollector(w.clients, w.options).networkPolicies(), &networkingv1.NetworkPolicy{},
		func(namespace string) (listing[*networkingv1.NetworkPolicyList], watching) {
			client := w.clients.Kubernetes.NetworkingV1().NetworkPolicies(namespace)
			return client.List, client.Watch
		},
		func(p *networkingv1.NetworkPolicy) (any, error) { return fromNetworkPolicy(d, p) },
		func(c *collector, value any) {
			c.policies[networkPolicySlot] = appendAs(c.policies[networkPolicySlot], value)
		})
}

func (w *Watcher) watchDeployments() *watched {
	return builtIn(w, newCollector(w.clients, w.options).deployments(), &appsv1.Deployment{},
		func(namespace string) (listing[*appsv1.DeploymentList], watching) {
			client := w.clients.Kubernetes.AppsV1().Deployments(namespace)
			return func(ctx context.Context, o metav1.ListOptions) (*appsv1.DeploymentList, error) {
					o.LabelSelector = operatorSelector
					return client.List(ctx, o)
				}, func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
					o.LabelSelector = operatorSelector
					return client.Watch(ctx, o)
				}
		},
		func(d *appsv1.Deployment) (any, error) {
			operator, _ := fromDeployment(d) // The label is what it was selected by.
			return operator, nil
		},
		func(c *collector, value any) { c.inv.Operators = appendAs(c.inv.Operators, value) })
}

// watchSettings watches Cilium's options where they nearly always are.
func (w *Watcher) watchSettings() *watched {
	only := fields.OneTermEqualSelector(metav1.ObjectNameField, inventory.CiliumConfigName).String()
	client := w.clients.Kubernetes.CoreV1().ConfigMaps(agentNamespace)
	k := builtIn(w, resource{name: "configmaps", scope: clusterScoped}, &corev1.ConfigMap{},
		func(string) (listing[*corev1.ConfigMapList], watching) {
			return func(ctx context.Context, o metav1.ListOptions) (*corev1.ConfigMapList, error) {
					o.FieldSelector = only
					return client.List(ctx, o)
				}, func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
					o.FieldSelector = only
					return client.Watch(ctx, o)
				}
		},
		func(config *corev1.ConfigMap) (any, error) {
			return &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: config.Namespace, Name: config.Name}, Data: config.Data,
			}, nil
		},
		func(c *collector, value any) {
			if config, ok := value.(*corev1.ConfigMap); ok {
				c.useSettings(config)
			}
		})
	k.elsewhere = true
	return k
}

func (w *Watcher) watchCustom(kind custom, d *decode.Decoder) *watched {
	client := w.clients.Dynamic.Resource(kind.GroupVersionResource)
	k := w.newWatched(newCollector(w.clients, w.options).custom(kind), kind.put)
	k.list = func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
		return client.Namespace(namespace).List(ctx, o)
	}
	k.open = func(ctx context.Context, namespace string, o metav1.ListOptions) (watch.Interface, error) {
		return client.Namespace(namespace).Watch(ctx, o)
	}
	k.decode = func(object runtime.Object) (any, error) {
		one, ok := object.(*unstructured.Unstructured)
		if !ok {
			return nil, nil // The informer lets no other types pass.
		}
		raw, err := one.MarshalJSON()
		if err != nil {
			return nil, err
		}
		return kind.decode(d, raw)
	}
	k.prepare(&unstructured.Unstructured{}, w.notify)
	return k
}
