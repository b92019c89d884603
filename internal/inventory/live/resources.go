package live

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// clusterNetworkPolicies is the name of the resource that is normally not there.
const clusterNetworkPolicies = "clusternetworkpolicies.policy.networking.k8s.io"

const (
	installCilium = "install Cilium 1.20 or later, or choose another --context"
	installCNPG   = "install the CloudNativePG operator, or choose another --context"
)

// inNamespaces are the kinds that matter in every namespace with one end of a connection.
func (c *collector) inNamespaces() []resource {
	return []resource{
		c.namespaces(), c.pods(), c.endpoints(), c.networkPolicies(),
		c.ciliumPolicies(1, v1alpha1.CiliumNetworkPolicy, "ciliumnetworkpolicies", allNamespaces),
	}
}

// once are the kinds that are read once, in the namespace of the wanted clusters or without one.
func (c *collector) once() []resource {
	return []resource{
		c.clusters(), c.poolers(), c.clusterNetworkPolicies(),
		c.ciliumPolicies(2, v1alpha1.CiliumClusterwideNetworkPolicy, "ciliumclusterwidenetworkpolicies", clusterScoped),
	}
}

// namespaces reads the namespaces; where the list is forbidden, the one of the wanted clusters.
func (c *collector) namespaces() resource {
	add := func(n *corev1.Namespace) {
		c.inv.Namespaces = append(c.inv.Namespaces, inventory.Namespace{Name: n.Name, Labels: maps.Clone(n.Labels)})
	}
	return resource{
		name: "namespaces", scope: allNamespaces,
		reset: func() { c.inv.Namespaces = nil },
		page: func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
			if namespace != "" {
				n, err := c.clients.Kubernetes.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
				if apierrors.IsNotFound(err) {
					// A wrong --namespace is not an unknown kind; there is nothing in it.
					return 0, "", nil
				}
				if err != nil {
					return 0, "", err
				}
				add(n)
				return 1, "", nil
			}
			list, err := c.clients.Kubernetes.CoreV1().Namespaces().List(ctx, o)
			if err != nil {
				return 0, "", err
			}
			for i := range list.Items {
				add(&list.Items[i])
			}
			return len(list.Items), list.Continue, nil
		},
	}
}

func (c *collector) pods() resource {
	return resource{
		name:  "pods",
		reset: func() { c.inv.Pods = nil },
		page: func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
			list, err := c.clients.Kubernetes.CoreV1().Pods(namespace).List(ctx, o)
			if err != nil {
				return 0, "", err
			}
			for i := range list.Items {
				if p := &list.Items[i]; !inventory.Terminated(p.Status.Phase) {
					c.inv.Pods = append(c.inv.Pods, fromPod(p))
				}
			}
			return len(list.Items), list.Continue, nil
		},
	}
}

// fromPod takes what matters of a pod, so that the rest of the page can be forgotten.
func fromPod(p *corev1.Pod) inventory.Pod {
	var ports []inventory.NamedPort
	for i := range p.Spec.Containers {
		ports = append(ports, inventory.NamedPortsOf(p.Spec.Containers[i].Ports)...)
	}
	return inventory.Pod{
		Namespace: p.Namespace, Name: p.Name,
		Labels:         p.Labels,
		ServiceAccount: p.Spec.ServiceAccountName,
		HostNetwork:    p.Spec.HostNetwork,
		HostIP:         p.Status.HostIP,
		NamedPorts:     ports,
		Phase:          p.Status.Phase,
		Workload:       inventory.WorkloadOf(p.Name, p.Labels, p.OwnerReferences),
	}
}

func (c *collector) networkPolicies() resource {
	const slot = 0
	return resource{
		name:  "networkpolicies.networking.k8s.io",
		reset: func() { c.policies[slot] = nil },
		page: func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
			list, err := c.clients.Kubernetes.NetworkingV1().NetworkPolicies(namespace).List(ctx, o)
			if err != nil {
				return 0, "", err
			}
			for i := range list.Items {
				raw, err := json.Marshal(&list.Items[i])
				if err != nil {
					return 0, "", err
				}
				c.policies[slot] = append(c.policies[slot],
					c.decoder.Policy(v1alpha1.NetworkPolicy, raw, decode.PolicyOptions{Stored: true}))
			}
			return len(list.Items), list.Continue, nil
		},
	}
}

func (c *collector) clusterNetworkPolicies() resource {
	const slot = 3
	gvr := schema.GroupVersionResource{Group: "policy.networking.k8s.io", Version: "v1alpha2", Resource: "clusternetworkpolicies"}
	r := c.dynamic(gvr, clusterScoped, func(raw []byte) error {
		c.policies[slot] = append(c.policies[slot],
			c.decoder.Policy(v1alpha1.ClusterNetworkPolicy, raw, decode.PolicyOptions{Stored: true}))
		return nil
	})
	r.optional = true
	r.reset = func() { c.policies[slot] = nil }
	return r
}

func (c *collector) clusters() resource {
	gvr := schema.GroupVersionResource{Group: "postgresql.cnpg.io", Version: "v1", Resource: "clusters"}
	r := c.dynamic(gvr, ownNamespace, func(raw []byte) error {
		cluster, err := decode.Cluster(raw, "")
		if err != nil {
			return fmt.Errorf("%s/%s: %w", cluster.Namespace, cluster.Name, err)
		}
		c.inv.Clusters = append(c.inv.Clusters, cluster)
		return nil
	})
	r.absent, r.reset = installCNPG, func() { c.inv.Clusters = nil }
	return r
}

func (c *collector) poolers() resource {
	gvr := schema.GroupVersionResource{Group: "postgresql.cnpg.io", Version: "v1", Resource: "poolers"}
	r := c.dynamic(gvr, ownNamespace, func(raw []byte) error {
		pooler, err := decode.Pooler(raw, "")
		if err != nil {
			return fmt.Errorf("%s/%s: %w", pooler.Namespace, pooler.Name, err)
		}
		c.inv.Poolers = append(c.inv.Poolers, pooler)
		return nil
	})
	r.absent, r.reset = installCNPG, func() { c.inv.Poolers = nil }
	return r
}

// endpoints reads the CiliumEndpoints.
func (c *collector) endpoints() resource {
	r := c.cilium("ciliumendpoints", allNamespaces, func(raw []byte) error {
		name, e, err := decode.Endpoint(raw, "")
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		c.inv.Endpoints[name] = e
		return nil
	})
	r.reset = func() { c.inv.Endpoints = map[types.NamespacedName]inventory.Endpoint{} }
	return r
}

func (c *collector) ciliumPolicies(slot int, kind v1alpha1.PolicyKind, plural string, s scope) resource {
	r := c.cilium(plural, s, func(raw []byte) error {
		c.policies[slot] = append(c.policies[slot], c.decoder.Policy(kind, raw, decode.PolicyOptions{Stored: true}))
		return nil
	})
	r.reset = func() { c.policies[slot] = nil }
	return r
}
