// Package bare is what status -A is measured by: a client that makes the lists that it needs, decodes
// them as programs usually do, and does nothing with the objects.
package bare

import (
	"context"
	"sync/atomic"

	ciliumclient "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned"
	"golang.org/x/sync/errgroup"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// pageSize is that of kubectl and of the plugin.
const pageSize = 500

// page reads one page and returns the number of its objects, with the token of the next page.
type page func(ctx context.Context, o metav1.ListOptions) (objects int, next string, err error)

// client makes the lists: built-in kinds with typed clients and protobuf, Cilium's with its clientset,
// CloudNativePG's with the dynamic client.
type client struct {
	kube     kubernetes.Interface
	metadata metadata.Interface
	cilium   ciliumclient.Interface
	dynamic  dynamic.Interface
}

// Pods say how pods are read.
type Pods string

const (
	// Whole pods are what most programs read.
	Whole Pods = "whole"
	// Outlined pods are read as the plugin does: the metadata of all, and the whole pods of databases.
	Outlined Pods = "outlined"
)

// List makes all lists in parallel, each page by page, and returns the number of objects.
func List(ctx context.Context, config *rest.Config, pods Pods) (int, error) {
	c, err := newClient(config)
	if err != nil {
		return 0, err
	}
	var total atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range c.lists(pods) {
		group.Go(func() error {
			n, err := walk(ctx, p)
			total.Add(int64(n))
			return err
		})
	}
	group.Go(func() error {
		_, err := c.kube.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, "cilium-config", metav1.GetOptions{})
		return err
	})
	err = group.Wait()
	return int(total.Load()), err
}

func newClient(config *rest.Config) (client, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return client{}, err
	}
	typed := rest.CopyConfig(config)
	typed.ContentType = runtime.ContentTypeProtobuf
	typed.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	var c client
	if c.kube, err = kubernetes.NewForConfigAndClient(typed, httpClient); err != nil {
		return client{}, err
	}
	if c.metadata, err = metadata.NewForConfigAndClient(config, httpClient); err != nil {
		return client{}, err
	}
	if c.cilium, err = ciliumclient.NewForConfigAndClient(config, httpClient); err != nil {
		return client{}, err
	}
	c.dynamic, err = dynamic.NewForConfigAndClient(config, httpClient)
	return c, err
}

func (c client) lists(pods Pods) []page {
	cnpg := schema.GroupVersion{Group: "postgresql.cnpg.io", Version: "v1"}
	all := []page{
		of(c.kube.CoreV1().Namespaces().List),
		of(c.kube.NetworkingV1().NetworkPolicies("").List),
		of(c.cilium.CiliumV2().CiliumNetworkPolicies("").List),
		of(c.cilium.CiliumV2().CiliumClusterwideNetworkPolicies().List),
		of(c.cilium.CiliumV2().CiliumEndpoints("").List),
		of(c.dynamic.Resource(cnpg.WithResource("clusters")).List),
		of(c.dynamic.Resource(cnpg.WithResource("poolers")).List),
		of(c.kube.CoreV1().Services("").List),
		with(of(c.kube.DiscoveryV1().EndpointSlices(metav1.NamespaceDefault).List), func(o *metav1.ListOptions) {
			o.LabelSelector = discoveryv1.LabelServiceName + "=kubernetes"
		}),
		c.operators(),
		c.optional("policy.networking.k8s.io", "v1alpha2", "clusternetworkpolicies"),
		c.optional("postgresql.cnpg.io", "v1", "subscriptions"),
		c.optional("monitoring.coreos.com", "v1", "podmonitors"),
		c.optional("monitoring.coreos.com", "v1", "servicemonitors"),
	}
	whole := of(c.kube.CoreV1().Pods("").List)
	if pods == Whole {
		return append(all, whole)
	}
	outlines := of(c.metadata.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).List)
	return append(all,
		with(outlines, func(o *metav1.ListOptions) { o.FieldSelector = "status.phase!=Succeeded,status.phase!=Failed" }),
		with(whole, func(o *metav1.ListOptions) { o.LabelSelector = "cnpg.io/cluster" }))
}

// with makes a page with other options.
func with(p page, change func(*metav1.ListOptions)) page {
	return func(ctx context.Context, o metav1.ListOptions) (int, string, error) {
		change(&o)
		return p(ctx, o)
	}
}

// operators are the Deployments with the label of CloudNativePG's operator.
func (c client) operators() page {
	return with(of(c.kube.AppsV1().Deployments("").List), func(o *metav1.ListOptions) {
		o.LabelSelector = "app.kubernetes.io/name=cloudnative-pg"
	})
}

// optional is a kind that is asked for although the server may not know it, as the plugin does.
func (c client) optional(group, version, plural string) page {
	all := of(c.dynamic.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: plural}).List)
	return func(ctx context.Context, o metav1.ListOptions) (int, string, error) {
		n, next, err := all(ctx, o)
		if apierrors.IsNotFound(err) {
			return 0, "", nil
		}
		return n, next, err
	}
}

// list is what clients return.
type list interface {
	runtime.Object
	metav1.ListInterface
}

// of makes a page of a client's method List.
func of[L list](read func(context.Context, metav1.ListOptions) (L, error)) page {
	return func(ctx context.Context, o metav1.ListOptions) (int, string, error) {
		found, err := read(ctx, o)
		if err != nil {
			return 0, "", err
		}
		return meta.LenList(found), found.GetContinue(), nil
	}
}

func walk(ctx context.Context, p page) (int, error) {
	total, o := 0, metav1.ListOptions{Limit: pageSize}
	for {
		n, next, err := p(ctx, o)
		if err != nil {
			return total, err
		}
		total += n
		if next == "" {
			return total, nil
		}
		o.Continue = next
	}
}
