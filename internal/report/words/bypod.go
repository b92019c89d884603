package words

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// OnlyOn are those who reach some of a target's pods and not all of them: "shop/deployment/web", "world". Where
// every pod can connect, pods are not named.
func OnlyOn(e v1alpha1.Exposure, some v1alpha1.PodExposure) []string {
	var names []string
	for _, entity := range some.Entities {
		if slices.ContainsFunc(e.ByPod, func(o v1alpha1.PodExposure) bool { return !slices.Contains(o.Entities, entity) }) {
			names = append(names, Entity(entity))
		}
	}
	if some.Everybody {
		return names
	}
	for _, c := range some.Clients {
		if len(Reached(e, c.Client)) > 0 {
			names = append(names, c.Namespace+"/"+c.Workload)
		}
	}
	return names
}

// Reached are the pods of a target that a client reaches; none when it reaches all of them.
func Reached(e v1alpha1.Exposure, client v1alpha1.Client) []string {
	var reached []string
	all := true
	for _, some := range e.ByPod {
		has := some.Everybody || slices.ContainsFunc(some.Clients, func(c v1alpha1.ClientAccess) bool { return c.Client.Compare(client) == 0 })
		if has || some.MoreClients > 0 {
			reached = append(reached, some.Targets...)
		} else {
			all = false
		}
	}
	if all {
		return nil
	}
	return reached
}
