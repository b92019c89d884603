package assess

import (
	"slices"

	"github.com/cilium/cilium/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// answers say of every peer whether it can connect to a target. The target's own policies are asked about whom they name, once for
// each crowd that no policy tells apart; the peers' own policies are asked once for all targets that they don't name. So the cost is
// neither that of the whole fleet nor that of all who can connect.
type answers struct {
	m *model.Model
	c *model.Cluster
	t model.Target
	// others is what the target says about whom its policies do not name.
	others v1alpha1.Verdict
	// free is true when one of the target's pods lets in whoever comes because no policy restricts it.
	free bool
	// listed is what it says about those whom they name.
	listed map[*model.Crowd]v1alpha1.Verdict
	// apart are the verdicts of the peers that were asked about one by one: by position in Model.Peers.
	apart map[int]v1alpha1.Verdict
	// own is how many pods of the cluster itself a peer has in a workload.
	own map[ownPart]int
	// decide asks about one peer.
	decide decider
}

// ownPart is a part of a workload, whose pods are the cluster's own.
type ownPart struct{ workload, peer int }

// answersOf asks who can connect, and notes what that depends on.
func answersOf(m *model.Model, c *model.Cluster, t model.Target, e *dependencies) *answers {
	a := &answers{
		m: m, c: c, t: t, others: v1alpha1.VerdictDenied, listed: map[*model.Crowd]v1alpha1.Verdict{},
		apart: map[int]v1alpha1.Verdict{}, own: map[ownPart]int{}, decide: deciderOf(m, t),
	}
	if t.Open {
		a.others, a.free = v1alpha1.VerdictAllowed, true
	}
	uniform := true
	for _, to := range t.Identities {
		r := m.Engine().Reach(to, t.Port)
		if !r.Uniform {
			uniform = false
			continue
		}
		a.others, a.free = better(a.others, r.Others), a.free || r.Free
		for _, first := range r.Listed {
			if crowd := m.CrowdFor(first); crowd != nil {
				a.listed[crowd] = v1alpha1.VerdictDenied
			}
		}
	}
	single := a.singles(uniform)
	for crowd := range a.listed {
		a.listed[crowd] = a.admits(crowd)
		e.ofCrowd(m.Opening(crowd, t.Port))
	}
	if a.others != v1alpha1.VerdictDenied {
		e.egress = true
	}
	if !uniform || a.others != v1alpha1.VerdictDenied && !a.free {
		e.fleet = true // Whoever comes is named, or counted.
	}
	for _, peer := range single {
		identity := m.Peers()[peer].Identity
		e.from(identity.Namespace())
		a.apart[peer], _ = a.decide(peer)
		if identity.Entity() == labels.IDNameUnmanaged && a.apart[peer] != v1alpha1.VerdictDenied && len(m.Strangers(c, m.Peers()[peer])) > 0 {
			e.fleet = true // Its pods are in any namespace.
		}
	}
	if a.others == v1alpha1.VerdictAllowed && !a.everybody(a.count()) {
		e.fleet = true // Open but for some.
	}
	return a
}

// singles are the peers who have to be asked about one by one: those of the cluster's own pods, those whose own policies name the
// target, and whom Cilium does not manage, who are none of those that are alike to a target.
func (a *answers) singles(uniform bool) []int {
	var out []int
	peer := func(member model.Member) (int, bool) {
		if a.m.IsUnmanaged(member.Pod) {
			return a.m.PeerOf(a.m.Identities().Reserved(labels.IDNameUnmanaged))
		}
		return a.m.PeerOf(member.Identity)
	}
	for _, member := range a.c.Members {
		if i, ok := peer(member); ok {
			out = append(out, i)
			a.own[ownPart{a.m.WorkloadAt(member.Pod), i}]++
		}
	}
	if i, ok := a.m.PeerOf(a.m.Identities().Reserved(labels.IDNameUnmanaged)); ok {
		out = append(out, i)
	}
	if !uniform {
		return everyPeer(a.m)
	}
	asked := make([]*model.Opening, 0, 1+len(a.listed))
	if a.others != v1alpha1.VerdictDenied {
		asked = append(asked, a.m.Opening(nil, a.t.Port))
	} else {
		for crowd := range a.listed {
			asked = append(asked, a.m.Opening(crowd, a.t.Port))
		}
	}
	for _, o := range asked {
		out = append(out, o.Odd...)
		for _, to := range a.t.Identities {
			out = append(out, o.Naming[a.m.Engine().AsPeer(to)]...)
		}
		if a.t.Open {
			out = append(out, o.Naming[a.m.Identities().Reserved(labels.IDNameUnmanaged)]...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func everyPeer(m *model.Model) []int {
	all := make([]int, len(m.Peers()))
	for i := range all {
		all[i] = i
	}
	return all
}

// admits is what the target says about a crowd: allowed when one of its pods lets it in.
func (a *answers) admits(crowd *model.Crowd) v1alpha1.Verdict {
	if a.t.Open {
		return v1alpha1.VerdictAllowed
	}
	best := v1alpha1.VerdictDenied
	for _, to := range a.t.Identities {
		best = better(best, a.m.Engine().Admits(crowd.First, to, a.t.Port).Verdict)
	}
	return best
}

func better(a, b v1alpha1.Verdict) v1alpha1.Verdict {
	if a.WorseThan(b) {
		return b
	}
	return a
}

func worse(a, b v1alpha1.Verdict) v1alpha1.Verdict {
	if a.WorseThan(b) {
		return a
	}
	return b
}

// at is what the target says about the peers of a crowd.
func (a *answers) at(crowd *model.Crowd) v1alpha1.Verdict {
	if verdict, ok := a.listed[crowd]; ok {
		return verdict
	}
	return a.others
}

// usual is the verdict about a peer as one of its crowd.
func (a *answers) usual(peer int) v1alpha1.Verdict {
	at := a.at(a.m.CrowdOf(peer))
	if at == v1alpha1.VerdictDenied {
		return at
	}
	return worse(at, a.m.Opens(peer, a.t.Port))
}

// of is the verdict about a peer.
func (a *answers) of(peer int) v1alpha1.Verdict {
	if verdict, ok := a.apart[peer]; ok {
		return verdict
	}
	return a.usual(peer)
}

// decider says of a peer whether it can connect, and by which policies.
type decider func(peer int) (v1alpha1.Verdict, []v1alpha1.PolicyReference)

// deciderOf decides about peers. Those that the target's policies can't tell apart, and for whom the same rules say what they may
// open, have the same answer, and are asked about once.
func deciderOf(m *model.Model, t model.Target) decider {
	type kind struct {
		first *engine.Identity
		opens string
	}
	type answer struct {
		verdict  v1alpha1.Verdict
		policies []v1alpha1.PolicyReference
	}
	known := map[kind]answer{}
	return func(peer int) (v1alpha1.Verdict, []v1alpha1.PolicyReference) {
		id := m.Peers()[peer].Identity
		if id.Name() != "" {
			return m.Decide(id, t)
		}
		of := kind{m.Engine().AsPeer(id), m.Engine().Opens(id)}
		a, ok := known[of]
		if !ok {
			a.verdict, a.policies = m.Decide(id, t)
			known[of] = a
		}
		return a.verdict, a.policies
	}
}
