package model

import (
	"maps"
	"slices"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// NamespaceLabels are the labels of a namespace, as far as they are known.
func (m *Model) NamespaceLabels(name string) map[string]string { return m.lookup.namespaces[name] }

// ServicesIn are the Services of a namespace.
func (m *Model) ServicesIn(namespace string) []*corev1.Service { return m.lookup.services[namespace] }

// PoolersFor are the Poolers of a cluster.
func (m *Model) PoolersFor(c *Cluster) []*cnpgv1.Pooler { return m.lookup.poolers[c.Key()] }

func (m *Model) namespaceLabels(name string) map[string]map[string]string {
	if labels, ok := m.lookup.namespaces[name]; ok {
		return map[string]map[string]string{name: labels}
	}
	return map[string]map[string]string{name: {"kubernetes.io/metadata.name": name}}
}

func containsLabels(labels, wanted map[string]string) bool {
	for k, v := range wanted {
		if labels[k] != v {
			return false
		}
	}
	return len(wanted) > 0
}

// Distinct leaves out repetitions, and keeps the order.
func Distinct(ids []*engine.Identity) []*engine.Identity {
	seen := make(map[*engine.Identity]bool, len(ids))
	return slices.DeleteFunc(slices.Clone(ids), func(id *engine.Identity) bool {
		known := seen[id]
		seen[id] = true
		return known
	})
}

// Inventory is what the model was made of.
func (m *Model) Inventory() *inventory.Inventory { return m.inv }

// Options are what the model is about.
func (m *Model) Options() Options { return m.options }

// Engine has the verdicts.
func (m *Model) Engine() *engine.Engine { return m.engine }

// Identities are all that the engine knows.
func (m *Model) Identities() *engine.Identities { return m.identities }

// ExtraOf is the identity of one of Options.Extra.Pods; nil for a pod that is none of them.
func (m *Model) ExtraOf(pod inventory.Pod) *engine.Identity {
	for i, other := range m.options.Extra.Pods {
		if other.Namespace == pod.Namespace && other.ServiceAccount == pod.ServiceAccount && maps.Equal(other.Labels, pod.Labels) {
			return m.extra[i]
		}
	}
	return nil
}

// Remote is the identity of one of Options.Extra.Remote.
func (m *Model) Remote(index int) *engine.Identity { return m.remote[index] }

// Clusters are those that the model is about, by namespace and name.
func (m *Model) Clusters() []*Cluster { return m.clusters }

// Operators are where the operator was found, or is assumed.
func (m *Model) Operators() []Operator { return m.operators }

// Peers are who may want to connect.
func (m *Model) Peers() []Peer { return m.peers }

// Outside are the identities that are no pods: the world, hosts, the API server, and the parts of the
// world that policies name.
func (m *Model) Outside() []*engine.Identity { return m.outside }
