package change

import (
	"cmp"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Access compares who can connect, client by client. Somebody of whose pods fewer can connect has lost it for
// those pods, and is listed with their number. The clients of an exposure are in order, as assess has them. It takes as long as
// they are many, which are as many as the fleet has workloads.
func Access(before, after []v1alpha1.Exposure) v1alpha1.AccessChanges {
	all := accessParts{}
	all.addEntities(before, after)
	was, is := clientsByTarget(before), clientsByTarget(after)
	seen := map[accessTarget]bool{}
	for _, e := range slices.Concat(before, after) {
		if to := (accessTarget{e.Target, e.Port}); !seen[to] {
			seen[to] = true
			all.addClients(to, was[to], is[to])
		}
	}
	return v1alpha1.AccessChanges{Loses: inOrder(all.loses), Gains: inOrder(all.gains), Keeps: inOrder(all.keeps)}
}

// accessOf is what a change means for who can connect to a cluster.
func accessOf(before, after *model.Model, c *model.Cluster) v1alpha1.AccessChanges {
	return Access(assess.Named(before, c, assess.Admitted(before, c)), assess.Named(after, c, assess.Admitted(after, c)))
}

// Losers are those who lose access to a cluster, as in AccessChanges. Where it is open to everybody in both states, nobody does, and nobody has to be named.
func Losers(before, after *model.Model, c *model.Cluster) []v1alpha1.ClientChange {
	was, is := assess.Admitted(before, c), assess.Admitted(after, c)
	if slices.EqualFunc(was, is, openAlike) {
		return nil
	}
	return Access(assess.Named(before, c, was), assess.Named(after, c, is)).Loses
}

// openAlike tells whether everybody can connect in both states, entities included.
func openAlike(was, is v1alpha1.Exposure) bool {
	return was.Everybody && is.Everybody && was.Target == is.Target && was.Port == is.Port && slices.Equal(was.Entities, is.Entities)
}

// accessTarget is what somebody connects to.
type accessTarget struct {
	v1alpha1.Target
	port uint16
}

func clientsByTarget(exposure []v1alpha1.Exposure) map[accessTarget][]v1alpha1.ClientAccess {
	out := make(map[accessTarget][]v1alpha1.ClientAccess, len(exposure))
	for _, e := range exposure {
		out[accessTarget{e.Target, e.Port}] = e.Clients
	}
	return out
}

// accessParts are lists of changes, each of which is in order.
type accessParts struct{ loses, gains, keeps [][]v1alpha1.ClientChange }

// addClients adds the workloads that can connect to a target before or after.
func (all *accessParts) addClients(to accessTarget, was, is []v1alpha1.ClientAccess) {
	// At least as many lose it as are less afterwards, and the other way round.
	loses := make([]v1alpha1.ClientChange, 0, max(0, len(was)-len(is)))
	gains := make([]v1alpha1.ClientChange, 0, max(0, len(is)-len(was)))
	var keeps []v1alpha1.ClientChange
	add := func(list *[]v1alpha1.ClientChange, c v1alpha1.Client, pods int) {
		if pods > 0 {
			*list = append(*list, v1alpha1.ClientChange{Target: to.Target, Port: to.port, Namespace: c.Namespace, Workload: c.Workload, Pods: pods})
		}
	}
	for len(was) > 0 && len(is) > 0 {
		before, after := was[0].Client, is[0].Client
		switch order := before.Compare(after); {
		case order < 0:
			add(&loses, before, before.Pods)
			was = was[1:]
		case order > 0:
			add(&gains, after, after.Pods)
			is = is[1:]
		default:
			add(&loses, before, before.Pods-after.Pods)
			add(&gains, before, after.Pods-before.Pods)
			add(&keeps, before, min(before.Pods, after.Pods))
			was, is = was[1:], is[1:]
		}
	}
	for _, c := range was {
		add(&loses, c.Client, c.Pods)
	}
	for _, c := range is {
		add(&gains, c.Client, c.Pods)
	}
	all.loses, all.gains, all.keeps = append(all.loses, loses), append(all.gains, gains), append(all.keeps, keeps)
}

// addEntities adds those that are no pods, of all targets.
func (all *accessParts) addEntities(before, after []v1alpha1.Exposure) {
	was, is := entitiesOf(before), entitiesOf(after)
	addSeldomNamed(was, before, is)
	addSeldomNamed(is, after, was)
	var loses, gains, keeps []v1alpha1.ClientChange
	for client := range was {
		if is[client] {
			keeps = append(keeps, client)
		} else {
			loses = append(loses, client)
		}
	}
	for client := range is {
		if !was[client] {
			gains = append(gains, client)
		}
	}
	for _, list := range [][]v1alpha1.ClientChange{loses, gains, keeps} {
		slices.SortFunc(list, compareAccess)
	}
	all.loses, all.gains, all.keeps = append(all.loses, loses), append(all.gains, gains), append(all.keeps, keeps)
}

func entitiesOf(exposure []v1alpha1.Exposure) map[v1alpha1.ClientChange]bool {
	out := map[v1alpha1.ClientChange]bool{}
	for _, e := range exposure {
		for _, entity := range e.Entities {
			out[v1alpha1.ClientChange{Target: e.Target, Port: e.Port, Entity: entity}] = true
		}
	}
	return out
}

// addSeldomNamed adds entities that reports leave out where nothing restricts them, as far as the other side
// has them.
func addSeldomNamed(side map[v1alpha1.ClientChange]bool, exposure []v1alpha1.Exposure, other map[v1alpha1.ClientChange]bool) {
	for _, e := range exposure {
		if !slices.Contains(e.Entities, v1alpha1.EntityWorld) || len(e.EntityPolicies[v1alpha1.EntityWorld]) > 0 {
			continue
		}
		for _, entity := range model.SeldomNamed() {
			if client := (v1alpha1.ClientChange{Target: e.Target, Port: e.Port, Entity: entity}); other[client] {
				side[client] = true
			}
		}
	}
}

// compareAccess orders changes by who it is, and then by what they connect to.
func compareAccess(a, b v1alpha1.ClientChange) int {
	if order := cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Workload, b.Workload)); order != 0 {
		return order
	}
	return cmp.Or(cmp.Compare(a.Entity, b.Entity), cmp.Compare(a.Target.Pooler, b.Target.Pooler), cmp.Compare(a.Port, b.Port),
		cmp.Compare(a.Target.Needed, b.Target.Needed))
}

// inOrder is one list of lists that are in order.
func inOrder(lists [][]v1alpha1.ClientChange) []v1alpha1.ClientChange {
	lists = slices.DeleteFunc(lists, func(l []v1alpha1.ClientChange) bool { return len(l) == 0 })
	if len(lists) == 0 {
		return []v1alpha1.ClientChange{}
	}
	for len(lists) > 1 {
		var next [][]v1alpha1.ClientChange
		for pair := range slices.Chunk(lists, 2) {
			if len(pair) == 2 {
				pair[0] = merged(pair[0], pair[1])
			}
			next = append(next, pair[0])
		}
		lists = next
	}
	return lists[0]
}

// merged are two lists, each of which is in order, as one.
func merged(a, b []v1alpha1.ClientChange) []v1alpha1.ClientChange {
	out := make([]v1alpha1.ClientChange, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compareAccess(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}
