package assess

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// podAudience is what the policies say about some of a target's pods.
type podAudience struct {
	pods []string
	audience
}

// audiencesByPod asks about a target's pods one by one where policies tell them apart, as one does that selects
// the primary only. There are none where all of them have the same clients.
func audiencesByPod(m *model.Model, c *model.Cluster, t model.Target, most int, e *dependencies) []podAudience {
	groups := apart(m, membersOf(m, c, t))
	if len(groups) < 2 {
		return nil
	}
	var out []podAudience
	var whose []*answers
	for _, group := range groups {
		some := m.Target(t.Port, group)
		some.Of = t.Of
		who := answersOf(m, c, some, e)
		a := who.audience(most)
		addEntities(m, &a.exposure, some)
		i := 0
		for i < len(out) && (!sameAudience(out[i].audience, a) || !whose[i].same(who)) {
			i++
		}
		if i == len(out) {
			out, whose = append(out, podAudience{audience: a}), append(whose, who)
		}
		for _, member := range group {
			out[i].pods = append(out[i].pods, m.Pod(member.Pod).Name)
		}
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

// membersOf are the pods of a target.
func membersOf(m *model.Model, c *model.Cluster, t model.Target) []model.Member {
	if t.Of.Pooler == "" {
		return c.Instances()
	}
	return slices.DeleteFunc(slices.Clone(c.Members), func(member model.Member) bool {
		return member.Role != v1alpha1.RolePooler || m.Pod(member.Pod).Labels[cnpg.PoolerNameLabel] != t.Of.Pooler
	})
}

// apart are the members in groups for which the same rules say who reaches them.
func apart(m *model.Model, members []model.Member) [][]model.Member {
	var groups [][]model.Member
	for _, member := range members {
		i := slices.IndexFunc(groups, func(g []model.Member) bool {
			unmanaged := m.IsUnmanaged(member.Pod)
			return unmanaged == m.IsUnmanaged(g[0].Pod) && (unmanaged || m.Engine().AdmitAlike(member.Identity, g[0].Identity))
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], member)
	}
	return groups
}

// sameAudience compares what can be compared without all clients.
func sameAudience(a, b audience) bool {
	return a.everybody == b.everybody && a.unknown == b.unknown && a.exposure.Pods == b.exposure.Pods &&
		slices.Equal(a.exposure.Entities, b.exposure.Entities)
}

// byPod adds the numbers of the fleet.
func byPod(m *model.Model, c *model.Cluster, audiences []podAudience, most int) []v1alpha1.PodExposure {
	out := make([]v1alpha1.PodExposure, 0, len(audiences))
	for _, some := range audiences {
		e := totals(m, c, []audience{some.audience}, most)[0]
		out = append(out, v1alpha1.PodExposure{
			Targets: some.pods, Everybody: e.Everybody, Pods: e.Pods, Total: e.Total, Namespaces: e.Namespaces,
			Clients: e.Clients, MoreClients: e.MoreClients, Entities: e.Entities, Unknown: e.Unknown,
		})
	}
	return out
}
