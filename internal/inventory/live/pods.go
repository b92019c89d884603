package live

import (
	"context"
	"slices"
	"strings"

	k8sConst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	"github.com/cilium/cilium/pkg/labels"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// Specification and status are most of a pod, and what policies see of a pod is in its CiliumEndpoint.
// So whole pods are read only where they matter: those of databases, whose state is reported, and those
// of namespaces in which a pod has no endpoint that says who it is.

// notTerminated leaves the pods out that are over, see inventory.Terminated.
const notTerminated = "status.phase!=" + string(corev1.PodSucceeded) + ",status.phase!=" + string(corev1.PodFailed)

const (
	// namespacesAtOnce is the number of namespaces whose pods are read at the same time.
	namespacesAtOnce = 8
	// namespacesAtMost is up to how many namespaces are read one by one. Beyond, as where the agents
	// write no endpoints, one list of all pods is less work.
	namespacesAtMost = 20
)

// pods reads whole pods.
func (c *collector) pods() resource { return c.podsWith("") }

// podsWith reads the whole pods that have the label; all for an empty one.
func (c *collector) podsWith(label string) resource {
	return resource{
		name:  "pods",
		reset: func() { c.inv.Pods = nil },
		page: func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
			o.LabelSelector = label
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
		Addresses:      decode.Addresses(p.Status.PodIP, p.Status.PodIPs),
		NamedPorts:     ports,
		Phase:          p.Status.Phase,
		Workload:       inventory.WorkloadOf(p.Name, p.Labels, p.OwnerReferences),
	}
}

// outlines reads the metadata of pods, for completePods.
func (c *collector) outlines() resource {
	return resource{
		name:  "pods",
		reset: func() { c.known = nil },
		page: func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
			o.FieldSelector = notTerminated
			list, err := c.clients.Metadata.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(namespace).List(ctx, o)
			if err != nil {
				return 0, "", err
			}
			for i := range list.Items {
				p := &list.Items[i]
				c.known = append(c.known, inventory.Pod{
					Namespace: p.Namespace, Name: p.Name, Labels: p.Labels,
					Workload: inventory.WorkloadOf(p.Name, p.Labels, p.OwnerReferences),
				})
			}
			return len(list.Items), list.Continue, nil
		},
	}
}

// readMembers reads the pods of the wanted databases. What it can't read is left to completePods.
func (c *collector) readMembers(ctx context.Context) error {
	r := c.podsWith(cnpg.ClusterLabel)
	if _, err := walk(ctx, r, c.options.Namespace); err != nil {
		r.reset()
		if c.kindOf(ctx, err) == fatal {
			return c.explain(err)
		}
	}
	return nil
}

// completePods fills the inventory with the pods of which the metadata is known: with what their
// endpoints tell, or else with what a list of the pods of the namespace brings.
func (c *collector) completePods(ctx context.Context) error {
	whole := make(map[types.NamespacedName]bool, len(c.inv.Pods))
	for i := range c.inv.Pods {
		whole[c.inv.Pods[i].Key()] = true
	}
	unclear := c.unclear(whole)
	if len(unclear) > namespacesAtMost {
		c.known = nil
		return c.read(ctx, c.pods())
	}
	affected := func(p inventory.Pod) bool { return slices.Contains(unclear, p.Namespace) }
	c.inv.Pods = slices.DeleteFunc(c.inv.Pods, affected)
	for _, p := range c.known {
		if !affected(p) && !whole[p.Key()] {
			c.inv.Pods = append(c.inv.Pods, withEndpoint(p, c.inv.Endpoints[p.Key()]))
		}
	}
	c.known = nil
	return c.readPodsOf(ctx, unclear)
}

// unclear are the namespaces with a pod that has neither been read as a whole nor has an endpoint with
// an identity. A database's pod is never clear without having been read as a whole.
func (c *collector) unclear(whole map[types.NamespacedName]bool) []string {
	var namespaces []string
	for _, p := range c.known {
		key := p.Key()
		wanted := c.options.Namespace == "" || c.options.Namespace == p.Namespace
		member := p.Labels[cnpg.ClusterLabel] != "" && wanted
		if !whole[key] && (member || len(c.inv.Endpoints[key].IdentityLabels) == 0) {
			namespaces = append(namespaces, p.Namespace)
		}
	}
	slices.Sort(namespaces)
	return slices.Compact(namespaces)
}

// withEndpoint completes a pod with what the agent says. A pod that has an identity runs.
func withEndpoint(p inventory.Pod, e inventory.Endpoint) inventory.Pod {
	const account = labels.LabelSourceK8s + ":" + k8sConst.PolicyLabelServiceAccount + "="
	p.Phase, p.NamedPorts, p.Addresses = corev1.PodRunning, e.NamedPorts, e.Addresses
	for _, label := range e.IdentityLabels {
		if name, ok := strings.CutPrefix(label, account); ok {
			p.ServiceAccount = name
		}
	}
	return p
}

// readPodsOf reads the whole pods of the namespaces, each by a collector of its own.
func (c *collector) readPodsOf(ctx context.Context, namespaces []string) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(namespacesAtOnce)
	parts := make([]*collector, len(namespaces))
	for i, namespace := range namespaces {
		part := newCollector(c.clients, c.options)
		parts[i] = part
		group.Go(func() error { return part.readIn(groupCtx, part.pods(), namespace) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, part := range parts {
		c.take(part)
	}
	return nil
}
