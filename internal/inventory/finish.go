package inventory

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Finish makes a filled inventory complete and deterministic: every namespace that an object
// refers to is there, every namespace carries kubernetes.io/metadata.name as the API server would
// set it, an endpoint counts as evidence of an agent, what has too many labels is left out, and everything is in order.
func (inv *Inventory) Finish() {
	if inv.Endpoints == nil {
		inv.Endpoints = map[types.NamespacedName]Endpoint{}
	}
	if len(inv.Endpoints) > 0 {
		inv.Settings.Agent = true
	}
	inv.narrow()
	inv.addNamespaces()
	inv.sort()
}

func (inv *Inventory) addNamespaces() {
	known := make(map[string]bool, len(inv.Namespaces))
	for i := range inv.Namespaces {
		n := &inv.Namespaces[i]
		known[n.Name] = true
		if n.Labels == nil {
			n.Labels = map[string]string{}
		}
		n.Labels[corev1.LabelMetadataName] = n.Name
	}
	refer := func(name string) {
		if name != "" && !known[name] {
			known[name] = true
			inv.Namespaces = append(inv.Namespaces, Namespace{
				Name: name, Labels: map[string]string{corev1.LabelMetadataName: name},
			})
		}
	}
	for i := range inv.Pods {
		refer(inv.Pods[i].Namespace)
	}
	for _, c := range inv.Clusters {
		refer(c.Namespace)
	}
	for _, p := range inv.Poolers {
		refer(p.Namespace)
	}
	for i := range inv.Policies {
		refer(inv.Policies[i].Namespace)
	}
	for _, o := range inv.Operators {
		refer(o.Namespace)
	}
	for key := range inv.Endpoints {
		refer(key.Namespace)
	}
}

func (inv *Inventory) sort() {
	slices.SortStableFunc(inv.Namespaces, func(a, b Namespace) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(inv.Pods, func(a, b Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	inv.Clusters = byName(inv.Clusters)
	inv.Others = byName(inv.Others)
	inv.Services = byName(inv.Services)
	inv.EndpointSlices = byName(inv.EndpointSlices)
	inv.Backups = byName(inv.Backups)
	inv.Subscriptions = byName(inv.Subscriptions)
	inv.CIDRGroups = byName(inv.CIDRGroups)
	inv.Poolers = byName(inv.Poolers)
	slices.SortStableFunc(inv.Policies, func(a, b Policy) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	slices.SortStableFunc(inv.Operators, func(a, b Operator) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Deployment, b.Deployment))
	})
	slices.SortStableFunc(inv.Missing, Missing.compare)
}

type named interface {
	GetNamespace() string
	GetName() string
}

func byName[T named](objects []T) []T {
	slices.SortStableFunc(objects, func(a, b T) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return objects
}
