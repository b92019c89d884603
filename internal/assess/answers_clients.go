package assess

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// clients are the first workloads that can connect, by namespace and name; most is 0 for all.
func (a *answers) clients(most int) []v1alpha1.ClientAccess {
	out := []v1alpha1.ClientAccess{}
	for _, w := range a.candidates(most) {
		if client := a.access(w, v1alpha1.VerdictAllowed); client.Pods > 0 {
			if out = append(out, client); len(out) == most {
				break
			}
		}
	}
	return out
}

// named are all workloads that can connect, without the policies that let them.
func (a *answers) named() []v1alpha1.ClientAccess {
	out := []v1alpha1.ClientAccess{}
	for _, w := range a.candidates(0) {
		client := v1alpha1.ClientAccess{Client: a.m.Fleet().Workloads[w]}
		if client.Pods = a.pods(w); client.Pods > 0 {
			out = append(out, client)
		}
	}
	return out
}

// access is a workload with the number of its pods that have the verdict, and the policies that decided about these.
func (a *answers) access(workload int, verdict v1alpha1.Verdict) v1alpha1.ClientAccess {
	client := v1alpha1.ClientAccess{Client: a.m.Fleet().Workloads[workload], Policies: []v1alpha1.PolicyReference{}}
	client.Pods = 0
	for _, part := range a.m.Parts(workload) {
		pods := part.Pods - a.own[ownPart{workload, part.Peer}]
		if pods == 0 || a.of(part.Peer) != verdict {
			continue
		}
		client.Pods += pods
		if _, policies := a.decide(part.Peer); !containsAll(client.Policies, policies) {
			client.Policies = engine.Unique(slices.Concat(client.Policies, policies))
		}
	}
	return client
}

// connects tells whether pods of the workload can connect.
func (a *answers) connects(workload int) bool {
	return slices.ContainsFunc(a.m.Parts(workload), func(part model.Part) bool {
		return part.Pods > a.own[ownPart{workload, part.Peer}] && a.of(part.Peer) == v1alpha1.VerdictAllowed
	})
}

// unusual are the workloads of those who were asked about one by one and are not as others of their crowd.
func (a *answers) unusual() map[int]bool {
	out := map[int]bool{}
	for part := range a.own {
		out[part.workload] = true
	}
	for peer, verdict := range a.apart {
		if verdict == a.usual(peer) {
			continue
		}
		for _, pod := range a.m.Peers()[peer].Pods {
			out[a.m.WorkloadAt(pod)] = true
		}
	}
	return out
}

// admitted are the crowds that the target's policies name and let in.
func (a *answers) admitted() []*model.Opening {
	var out []*model.Opening
	for crowd, at := range a.listed {
		if at == v1alpha1.VerdictAllowed {
			out = append(out, a.m.Opening(crowd, a.t.Port))
		}
	}
	return out
}

// candidates are workloads in order, among which are the first ones that can connect.
func (a *answers) candidates(most int) []int {
	unusual := a.unusual()
	if a.others == v1alpha1.VerdictAllowed {
		return with(a.m.Opening(nil, a.t.Port).Workloads, unusual)
	}
	var out []int
	for _, o := range a.admitted() {
		some := o.Workloads
		if most > 0 {
			// Those that others of their crowd do not stand for may fall out.
			some = some[:min(len(some), most+len(unusual))]
		}
		out = append(out, some...)
	}
	slices.Sort(out)
	return with(slices.Compact(out), unusual)
}

// with adds positions to ordered ones.
func with(ordered []int, more map[int]bool) []int {
	var missing []int
	for w := range more {
		if _, ok := slices.BinarySearch(ordered, w); !ok {
			missing = append(missing, w)
		}
	}
	if len(missing) == 0 {
		return ordered
	}
	out := slices.Concat(ordered, missing)
	slices.Sort(out)
	return out
}

// workloads is the number of workloads that can connect.
func (a *answers) workloads() int {
	usually := func(part model.Part) bool { return a.usual(part.Peer) == v1alpha1.VerdictAllowed }
	unusual, n := a.unusual(), 0
	if a.others == v1alpha1.VerdictAllowed {
		all := a.m.Opening(nil, a.t.Port)
		usually = func(part model.Part) bool { return a.m.Opens(part.Peer, a.t.Port) == v1alpha1.VerdictAllowed }
		n = len(all.Workloads)
		for crowd, at := range a.listed {
			if at == v1alpha1.VerdictAllowed {
				continue
			}
			for _, w := range a.m.Opening(crowd, a.t.Port).Workloads {
				unusual[w] = true
			}
		}
	} else {
		shared := map[int]bool{}
		for _, o := range a.admitted() {
			n += len(o.Workloads) - len(o.Shared)
			for _, w := range o.Shared {
				shared[w] = true
			}
		}
		n += len(shared)
	}
	for w := range unusual {
		if slices.ContainsFunc(a.m.Parts(w), usually) {
			n--
		}
		if a.connects(w) {
			n++
		}
	}
	return n
}

// deniedNear are the first denied workloads of the cluster's namespace and of the clients' namespaces, and the number of the others;
// most is 0 for all.
func (a *answers) deniedNear(namespaces []string, most int, e *dependencies) (denied []v1alpha1.ClientAccess, more int) {
	near := slices.Clone(namespaces)
	if !slices.Contains(near, a.c.Object.Namespace) {
		near = append(near, a.c.Object.Namespace)
	}
	denied = []v1alpha1.ClientAccess{}
	slices.Sort(near)
	for _, namespace := range near {
		e.from(namespace)
		from, to := a.m.WorkloadsIn(namespace)
		for w := from; w < to; w++ {
			if !a.isDenied(w) {
				continue
			}
			if most > 0 && len(denied) == most {
				more++
				continue
			}
			denied = append(denied, a.access(w, v1alpha1.VerdictDenied))
		}
	}
	return denied, more
}

// isDenied tells whether pods of the workload can't connect.
func (a *answers) isDenied(workload int) bool {
	return slices.ContainsFunc(a.m.Parts(workload), func(part model.Part) bool {
		return part.Pods > a.own[ownPart{workload, part.Peer}] && a.of(part.Peer) == v1alpha1.VerdictDenied
	})
}

// same compares who can connect, and not why.
func (a *answers) same(b *answers) bool {
	for w := range a.m.Fleet().Workloads {
		if a.pods(w) != b.pods(w) {
			return false
		}
	}
	return true
}

// pods is how many pods of the workload can connect.
func (a *answers) pods(workload int) int {
	n := 0
	for _, part := range a.m.Parts(workload) {
		if a.of(part.Peer) == v1alpha1.VerdictAllowed {
			n += part.Pods - a.own[ownPart{workload, part.Peer}]
		}
	}
	return n
}
