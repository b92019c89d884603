package assess

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Exposure says for each target who can connect; most is how many workloads are named, 0 for all.
func Exposure(m *model.Model, c *model.Cluster, most int) []v1alpha1.Exposure {
	return totals(m, c, audiences(m, c, most, &dependencies{}), most)
}

// mostNamed is how many workloads each list of a report names: all of them where one database of an ordinary fleet is asked about,
// and v1alpha1.MaxClients where very many are.
func mostNamed(m *model.Model) int {
	return max(v1alpha1.MaxClients, v1alpha1.MaxClientsOfAll/int(engine.About(len(m.Clusters()))))
}

// audience is what the policies say about a target, without the numbers of the fleet, which totals adds.
// What it depends on is noted in the dependencies that it was made with.
type audience struct {
	// exposure has the numbers of those who are not the cluster's own.
	exposure v1alpha1.Exposure
	// unknown is the number of pods about which nobody can tell.
	unknown int
	// everybody can connect; free is true when no policy has a say in it, and the workloads are those of the fleet.
	everybody, free bool
	// byPod are those of some of the target's pods, where they differ.
	byPod []podAudience
}

func audiences(m *model.Model, c *model.Cluster, most int, e *dependencies) []audience {
	var out []audience
	for _, t := range m.Targets(c) {
		who := answersOf(m, c, t, e)
		a := who.audience(most)
		if !a.everybody {
			a.exposure.Denied, a.exposure.MoreDenied = who.deniedNear(namespacesOf(a.exposure.Clients), most, e)
		}
		addEntities(m, &a.exposure, t)
		addPossible(m, c, &a.exposure, t)
		addServices(m, c, &a.exposure)
		a.byPod = audiencesByPod(m, c, t, most, e)
		out = append(out, a)
	}
	return out
}

// totals adds the numbers of the fleet.
func totals(m *model.Model, c *model.Cluster, audiences []audience, most int) []v1alpha1.Exposure {
	own, fleet := ownOf(m, c), m.Fleet()
	out := []v1alpha1.Exposure{}
	for _, a := range audiences {
		e := a.exposure
		e.Total = fleet.Pods - own.pods
		if a.free {
			e.Everybody = true
			e.Pods, e.Identities, e.DeniedPods = e.Total, fleet.Identities-own.identities, 0
			e.Clients, e.MoreClients = clientsBut(fleet.Workloads, own, most)
		} else {
			e.Everybody = e.Total > 0 && e.Pods == e.Total
			e.DeniedPods = e.Total - e.Pods - a.unknown
		}
		e.Namespaces = namespacesOf(e.Clients)
		if len(a.byPod) > 0 {
			e.ByPod = byPod(m, c, a.byPod, most)
		}
		out = append(out, e)
	}
	return out
}

func namespacesOf(clients []v1alpha1.ClientAccess) []string {
	out := []string{}
	for _, c := range clients {
		out = append(out, c.Namespace)
	}
	return slices.Compact(out) // The clients are in order.
}

// addEntities adds those that are no pods. Parts of the world are named only where the world as a
// whole can't connect.
func addEntities(m *model.Model, e *v1alpha1.Exposure, t model.Target) {
	everybody := m.WorldReaches(t)
	itself := everybody && !slices.ContainsFunc(m.Identities().Worlds(), func(id *engine.Identity) bool { return m.Reaches(id, t) != v1alpha1.VerdictAllowed })
	named, decide := map[v1alpha1.Entity]bool{}, m.Decider(t)
	for _, id := range m.OutsideOf(t) {
		part := id.IsWorld() && !slices.Contains(m.Identities().Worlds(), id)
		if part && itself {
			continue
		}
		verdict, policies := decide(id)
		name := id.Entity()
		if everybody && id.IsWorld() {
			if verdict != v1alpha1.VerdictAllowed {
				continue // An exception, or a world of which nothing is left but its parts.
			}
			name = v1alpha1.EntityWorld // Both address families, and parts that are all of it together.
		}
		if slices.Contains(model.SeldomNamed(), name) && (verdict != v1alpha1.VerdictAllowed || len(policies) == 0) {
			continue
		}
		switch {
		case verdict == v1alpha1.VerdictAllowed:
			if !named[name] {
				named[name] = true
				e.Entities = append(e.Entities, name)
			}
			if len(policies) > 0 {
				if e.EntityPolicies == nil {
					e.EntityPolicies = map[v1alpha1.Entity][]v1alpha1.PolicyReference{}
				}
				e.EntityPolicies[name] = engine.Unique(slices.Concat(e.EntityPolicies[name], policies))
			}
		case verdict == v1alpha1.VerdictDenied && !part:
			e.DeniedEntities = append(e.DeniedEntities, name)
		}
	}
}
