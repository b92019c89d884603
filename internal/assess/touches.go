package assess

import (
	"maps"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// touches tells whether the cluster's report may have changed in more than the numbers of the fleet.
func touches(d *model.Difference, c *model.Cluster, needs dependencies) bool {
	if d.Everything || d.Namespaces[c.Object.Namespace] || d.Clusters[c.Key()] {
		return true
	}
	if needs.fleet && len(d.Pods)+len(d.Egress) > 0 {
		return true
	}
	if needs.egress && (d.Guarded || len(d.Egress) > 0) {
		return true
	}
	for namespace := range needs.namespaces {
		if d.Pods[namespace] || d.Egress[namespace] {
			return true
		}
	}
	for _, namespaces := range needs.crowds {
		if touched(namespaces, d.Pods) || touched(namespaces, d.Egress) {
			return true
		}
	}
	for namespace := range needs.ends {
		if d.Namespaces[namespace] {
			return true
		}
	}
	return named(d, c) || !maps.Equal(needs.ends, endsOf(d.Model, c))
}

// touched tells whether one of the namespaces, which are in order, has changed.
func touched(namespaces []string, changed map[string]bool) bool {
	for namespace := range changed {
		if _, ok := slices.BinarySearch(namespaces, namespace); ok {
			return true
		}
	}
	return false
}

// named tells whether the policies at the cluster's pods name one of the changed pods.
func named(d *model.Difference, c *model.Cluster) bool {
	if len(d.Identities) == 0 {
		return false
	}
	for _, t := range d.Model.Targets(c) {
		for _, to := range t.Identities {
			for peer := range d.Identities {
				if d.Model.Engine().Names(to, peer) {
					return true
				}
			}
		}
	}
	return false
}
