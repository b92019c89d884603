package live

import (
	"context"
	"encoding/json"
	"maps"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// inNamespaces are the kinds, besides pods, that matter in every namespace with one end of a connection.
func (c *collector) inNamespaces() []resource {
	return []resource{
		c.namespaces(), c.networkPolicies(), c.custom(endpoints()), c.custom(ciliumNetworkPolicies()), c.services(),
	}
}

// once are the kinds that are read once, in the namespace of the wanted clusters or without one.
func (c *collector) once() []resource {
	return []resource{
		c.custom(clusters()), c.custom(poolers()),
		c.custom(ciliumClusterwideNetworkPolicies()), c.custom(clusterNetworkPolicies()),
	}
}

// namespaces reads the namespaces; where the list is forbidden, the one of the wanted clusters.
func (c *collector) namespaces() resource {
	add := func(n *corev1.Namespace) { c.inv.Namespaces = append(c.inv.Namespaces, fromNamespace(n)) }
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

// fromNamespace copies the labels: Finish adds to them.
func fromNamespace(n *corev1.Namespace) inventory.Namespace {
	return inventory.Namespace{Name: n.Name, Labels: maps.Clone(n.Labels)}
}

func (c *collector) networkPolicies() resource {
	return resource{
		name:  "networkpolicies.networking.k8s.io",
		reset: func() { c.policies[networkPolicySlot] = nil },
		page: func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
			list, err := c.clients.Kubernetes.NetworkingV1().NetworkPolicies(namespace).List(ctx, o)
			if err != nil {
				return 0, "", err
			}
			for i := range list.Items {
				policy, err := fromNetworkPolicy(c.decoder, &list.Items[i])
				if err != nil {
					return 0, "", err
				}
				c.policies[networkPolicySlot] = append(c.policies[networkPolicySlot], policy)
			}
			return len(list.Items), list.Continue, nil
		},
	}
}

func fromNetworkPolicy(d *decode.Decoder, policy *networkingv1.NetworkPolicy) (inventory.Policy, error) {
	raw, err := json.Marshal(policy)
	if err != nil {
		return inventory.Policy{}, err
	}
	return d.Policy(v1alpha1.NetworkPolicy, raw, decode.PolicyOptions{Stored: true}), nil
}
