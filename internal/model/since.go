package model

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Difference is what has changed from one model to the next, as far as reports depend on it.
type Difference struct {
	Model *Model
	// Everything is true when the change concerns every cluster.
	Everything bool
	// Namespaces are those in which anything has changed, and pods those in which a pod or a label has.
	Namespaces, Pods map[string]bool
	// Egress are the namespaces in which a policy has changed that has a say in what pods open.
	Egress map[string]bool
	// Identities are those that a changed pod had or has; guarded is true when one of them is
	// restricted in what it opens.
	Identities map[*engine.Identity]bool
	Guarded    bool
	// Clusters are those whose object has changed.
	Clusters map[types.NamespacedName]bool
}

// Since compares the model with the last one. Both have the same collection of identities, or else
// everything has changed.
func (m *Model) Since(last *Model) *Difference {
	d := &Difference{
		Model: m, Namespaces: map[string]bool{}, Pods: map[string]bool{}, Egress: map[string]bool{},
		Identities: map[*engine.Identity]bool{}, Clusters: map[types.NamespacedName]bool{},
	}
	if d.Everything = last == nil || m.differs(last); d.Everything {
		return d
	}
	d.addNamespaces(last)
	d.addClusters(last)
	d.addPoolers(last)
	d.addPods(last)
	d.addPolicies(last)
	return d
}

// differs tells whether something has changed that concerns every cluster. Policies without a
// namespace are in addPolicies.
func (m *Model) differs(last *Model) bool {
	return m.identities != last.identities ||
		!slices.EqualFunc(m.inv.Missing, last.inv.Missing, inventory.Missing.Equal) ||
		!reflect.DeepEqual(m.inv.Operators, last.inv.Operators) ||
		!reflect.DeepEqual(m.lookup.operatorPods, last.lookup.operatorPods) ||
		!reflect.DeepEqual(m.inv.Around, last.inv.Around) ||
		!reflect.DeepEqual(m.known.deriver.APIServers(), last.known.deriver.APIServers()) ||
		!slices.Equal(m.lookup.apiServerNodes, last.lookup.apiServerNodes) ||
		(len(m.unmanaged) > 0) != (len(last.unmanaged) > 0) ||
		(len(m.inv.Endpoints) > 0) != (len(last.inv.Endpoints) > 0)
}

func (d *Difference) addNamespaces(last *Model) {
	for name, labels := range d.Model.lookup.namespaces {
		if before, ok := last.lookup.namespaces[name]; !ok || !maps.Equal(before, labels) {
			d.Namespaces[name], d.Pods[name] = true, true
		}
	}
	for name := range last.lookup.namespaces {
		if _, ok := d.Model.lookup.namespaces[name]; !ok {
			d.Namespaces[name], d.Pods[name] = true, true
		}
	}
}

// addClusters notes new and removed clusters for all of their namespace: whether a pod there is an
// innocent application depends on what the clusters are.
func (d *Difference) addClusters(last *Model) {
	before := map[types.NamespacedName]*Cluster{}
	for _, c := range last.clusters {
		before[c.Key()] = c
	}
	for _, c := range d.Model.clusters {
		switch was := before[c.Key()]; {
		case was == nil:
			d.Namespaces[c.Object.Namespace] = true
		case was.Object != c.Object && len(was.Object.Spec.ExternalClusters)+len(c.Object.Spec.ExternalClusters) > 0:
			d.Everything = true // Others may be needed by it.
		case was.Object != c.Object:
			d.Clusters[c.Key()] = true
		}
		delete(before, c.Key())
	}
	for key := range before {
		d.Namespaces[key.Namespace] = true
	}
}

// addPoolers notes poolers that are not the same objects.
func (d *Difference) addPoolers(last *Model) {
	before := map[*cnpgv1.Pooler]bool{}
	for _, p := range last.inv.Poolers {
		before[p] = true
	}
	for _, p := range d.Model.inv.Poolers {
		if !before[p] {
			d.Namespaces[p.Namespace] = true
		}
		delete(before, p)
	}
	for p := range before {
		d.Namespaces[p.Namespace] = true
	}
}

func (d *Difference) addPods(last *Model) {
	m := d.Model
	note := func(of *Model, i int) {
		pod, identity := &of.inv.Pods[i], of.of[i]
		d.Namespaces[pod.Namespace], d.Pods[pod.Namespace] = true, true
		if identity != nil && !d.Identities[identity] {
			d.Identities[identity] = true
			d.Guarded = d.Guarded || of.engine.RestrictsEgress(identity)
		}
	}
	merge(last.inv.Pods, m.inv.Pods, comparePods, func(was, is int) {
		if was >= 0 && is >= 0 && last.of[was] == m.of[is] && samePod(&last.inv.Pods[was], &m.inv.Pods[is]) &&
			last.hasEndpoint[was] == m.hasEndpoint[is] && last.Unsettled(was) == m.Unsettled(is) {
			return
		}
		if was >= 0 {
			note(last, was)
		}
		if is >= 0 {
			note(m, is)
		}
	})
}

func (d *Difference) addPolicies(last *Model) {
	note := func(p *engine.Policy) {
		if p.Namespace == "" {
			d.Everything = true
		}
		d.Namespaces[p.Namespace] = true
		if p.RestrictsEgress() {
			d.Egress[p.Namespace] = true
		}
	}
	m := d.Model
	gone := maps.Clone(last.Positions())
	for i := range m.inv.Policies {
		ref := m.inv.Policies[i].PolicyReference
		at, known := gone[ref]
		delete(gone, ref)
		if known && samePolicy(&last.inv.Policies[at], &m.inv.Policies[i]) {
			continue
		}
		note(&m.engine.Policies()[i])
		if known {
			note(&last.engine.Policies()[at])
		}
	}
	for _, at := range gone {
		note(&last.engine.Policies()[at])
	}
}

func comparePods(a, b *inventory.Pod) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// samePod leaves the addresses out, as sameEndpoint does: no report tells them.
func samePod(a, b *inventory.Pod) bool {
	return a.Namespace == b.Namespace && a.Name == b.Name && a.ServiceAccount == b.ServiceAccount &&
		a.HostNetwork == b.HostNetwork && a.HostIP == b.HostIP && a.Phase == b.Phase &&
		a.Workload == b.Workload && a.Expected == b.Expected &&
		maps.Equal(a.Labels, b.Labels) && slices.Equal(a.NamedPorts, b.NamedPorts)
}

func sameEndpoint(a, b inventory.Endpoint) bool {
	return a.IdentityID == b.IdentityID && slices.Equal(a.IdentityLabels, b.IdentityLabels) && slices.Equal(a.NamedPorts, b.NamedPorts)
}

// samePolicy is true for one that has not been read anew. What can't be decoded has no object, and
// is the same when it is of the same version.
func samePolicy(a, b *inventory.Policy) bool {
	if a.Object == nil && (a.ResourceVersion == "" || a.UID == "") {
		return false
	}
	return a.Object == b.Object && a.UID == b.UID && a.ResourceVersion == b.ResourceVersion && a.Unreadable == b.Unreadable
}

// merge calls f with the positions of each element in both ordered slices, -1 where it is not.
func merge[T any](a, b []T, compare func(x, y *T) int, f func(inA, inB int)) {
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		var order int
		switch {
		case i == len(a):
			order = 1
		case j == len(b):
			order = -1
		default:
			order = compare(&a[i], &b[j])
		}
		switch {
		case order < 0:
			f(i, -1)
			i++
		case order > 0:
			f(-1, j)
			j++
		default:
			f(i, j)
			i, j = i+1, j+1
		}
	}
}
