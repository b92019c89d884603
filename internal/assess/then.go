package assess

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// mostThen is how many worlds, each of which costs what the fleet does, are made to know what will be.
const mostThen = 64

// ending is something of a cluster that ends by itself.
type ending struct {
	cluster *model.Cluster
	timed   *v1alpha1.Timed
	// around are the namespaces on which the cluster's posture depends, as far as ingress goes.
	around map[string]bool
}

// addThen completes what ends by itself with what the posture is then, all else staying as it is. Endings that have nothing to do
// with each other share a world in which they are over; where that takes too many worlds, the rest is unknown.
func addThen(m *model.Model, clusters []*model.Cluster, reports []*v1alpha1.IsolationReport) {
	var waiting []ending
	for i, c := range clusters {
		if len(reports[i].Timed) == 0 {
			continue
		}
		around := aroundOf(m, c)
		for t := range reports[i].Timed {
			waiting = append(waiting, ending{c, &reports[i].Timed[t], around})
		}
	}
	for range mostThen {
		var now []ending
		now, waiting = unrelated(m, waiting)
		if len(now) == 0 {
			return
		}
		var ended []v1alpha1.PolicyReference
		var of []*model.Cluster
		for _, e := range now {
			ended, of = append(ended, e.timed.Policies...), append(of, e.cluster)
		}
		then, err := without(m, ended)
		if err != nil {
			continue // It is about the settings, and has been told.
		}
		each(of, func(i int, c *model.Cluster) { now[i].timed.Then = Posture(then, c) })
	}
	for _, e := range waiting {
		e.timed.Then = v1alpha1.PostureUnknown
	}
}

// unrelated are endings none of which has a say in what another one's posture comes to, and the rest. What ends in a namespace where nobody
// is whom a database needs, or who needs it, can only matter to it by what pods there may open: an ending that has to do with
// egress is always alone.
func unrelated(m *model.Model, all []ending) (now, rest []ending) {
	ends, around := map[string]bool{}, map[string]bool{}
	for _, e := range all {
		namespace := e.cluster.Object.Namespace
		if len(now) > 0 && (opensMore(m, e) || opensMore(m, now[0]) || around[namespace] || overlap(e.around, ends)) {
			rest = append(rest, e)
			continue
		}
		now = append(now, e)
		ends[namespace] = true
		for in := range e.around {
			around[in] = true
		}
	}
	return now, rest
}

// opensMore tells whether pods may open more once it is over.
func opensMore(m *model.Model, e ending) bool {
	return slices.ContainsFunc(e.timed.Policies, func(ref v1alpha1.PolicyReference) bool {
		at, ok := m.Positions()[ref]
		return ok && m.Engine().Policies()[at].RestrictsEgress()
	})
}

func overlap(a, b map[string]bool) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	for key := range a {
		if b[key] {
			return true
		}
	}
	return false
}
