package model

import (
	"slices"
	"sync"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// Crowd are peers that the policies at the other end of their connections can't tell apart (engine.AsPeer). What they say about one
// of them, they say about all, however many there are.
type Crowd struct {
	// First stands for all of them.
	First *engine.Identity
	// Peers are positions in Model.Peers, in order.
	Peers []int
}

// Opening is what the peers of a crowd may open of a port by their own policies.
type Opening struct {
	// Verdicts are those of Crowd.Peers about whom their own policies do not name; nil when they may open it of everybody.
	Verdicts []v1alpha1.Verdict
	// Tallies are the numbers of those with each verdict.
	Tallies []Tally
	// Naming are the peers whose own policies say something else about some: whoever asks about these, or what these stand for, has to
	// ask about the peers one by one. Odd are those of whom nobody can tell, who have to be asked about in any case.
	Naming map[*engine.Identity][]int
	Odd    []int
	// Namespaces are those of the peers, in order; none of all peers.
	Namespaces []string
	// Workloads are positions in Fleet.Workloads of those that have pods that may open it, in order; Shared are those of them that
	// have pods in other crowds as well.
	Workloads, Shared []int
}

// Tally is how many peers there are with a verdict, and how many pods of theirs.
type Tally struct {
	Verdict     v1alpha1.Verdict
	Peers, Pods int
}

// add adds peers with a verdict to the tallies.
func (o *Opening) add(verdict v1alpha1.Verdict, peers, pods int) {
	i := slices.IndexFunc(o.Tallies, func(t Tally) bool { return t.Verdict == verdict })
	if i < 0 {
		i, o.Tallies = len(o.Tallies), append(o.Tallies, Tally{Verdict: verdict})
	}
	o.Tallies[i].Peers += peers
	o.Tallies[i].Pods += pods
}

// names notes peers whose own policies name somebody.
func (o *Opening) names(named *engine.Identity, peers ...int) {
	if o.Naming == nil {
		o.Naming = map[*engine.Identity][]int{}
	}
	o.Naming[named] = append(o.Naming[named], peers...)
}

// Part are the pods of a workload that are of one peer.
type Part struct{ Peer, Pods int }

// crowds are all peers by crowd. They are worked out when somebody asks for them.
type crowds struct {
	all []*Crowd
	// of and at are the crowd of each peer and the position in it.
	of []*Crowd
	at []int
	// byFirst are the crowds by those that stand for them.
	byFirst map[*engine.Identity]*Crowd
	// parts are those of the workloads, in the order of Fleet.Workloads.
	parts [][]Part
	// openings are by opened.
	openings sync.Map
}

// opened is what an Opening is of; the Opening of no crowd is that of all.
type opened struct {
	crowd *Crowd
	port  uint16
}

func (m *Model) divideCrowds() *crowds {
	all := &crowds{of: make([]*Crowd, len(m.peers)), at: make([]int, len(m.peers)), byFirst: map[*engine.Identity]*Crowd{}, parts: make([][]Part, len(m.lookup.fleet.Workloads))}
	for i := range m.peers {
		first := m.engine.AsPeer(m.peers[i].Identity)
		crowd := all.byFirst[first]
		if crowd == nil {
			crowd = &Crowd{First: first}
			all.byFirst[first] = crowd
			all.all = append(all.all, crowd)
		}
		all.of[i], all.at[i] = crowd, len(crowd.Peers)
		crowd.Peers = append(crowd.Peers, i)
		for _, pod := range m.peers[i].Pods {
			parts := &all.parts[m.lookup.workloadOf[pod]]
			if at := len(*parts) - 1; at >= 0 && (*parts)[at].Peer == i {
				(*parts)[at].Pods++
			} else {
				*parts = append(*parts, Part{i, 1})
			}
		}
	}
	return all
}

// CrowdOf is the crowd of a peer.
func (m *Model) CrowdOf(peer int) *Crowd { return m.crowds().of[peer] }

// CrowdFor is the crowd that an identity stands for; nil when no peer is of it.
func (m *Model) CrowdFor(first *engine.Identity) *Crowd { return m.crowds().byFirst[first] }

// Parts are the pods of one of Fleet.Workloads by peer.
func (m *Model) Parts(workload int) []Part { return m.crowds().parts[workload] }

// WorkloadAt is the position in Fleet.Workloads of a peer's pod.
func (m *Model) WorkloadAt(pod int) int { return m.lookup.workloadOf[pod] }

// Opening is what the peers of a crowd may open of the port; with nil, what all peers may, without Verdicts.
func (m *Model) Opening(crowd *Crowd, port uint16) *Opening {
	work := func() *Opening { return m.openingOf(crowd, port) }
	if crowd == nil {
		work = func() *Opening { return m.openingOfAll(port) }
	}
	once, _ := m.crowds().openings.LoadOrStore(opened{crowd, port}, sync.OnceValue(work))
	if f, ok := once.(func() *Opening); ok {
		return f()
	}
	return work()
}

// Opens is what a peer may open of the port of whom its own policies do not name.
func (m *Model) Opens(peer int, port uint16) v1alpha1.Verdict {
	c := m.crowds()
	if o := m.Opening(c.of[peer], port); o.Verdicts != nil {
		return o.Verdicts[c.at[peer]]
	}
	return v1alpha1.VerdictAllowed
}

func (m *Model) openingOf(crowd *Crowd, port uint16) *Opening {
	o, guarded := &Opening{}, m.GuardedPeers()
	for at, i := range crowd.Peers {
		verdict := v1alpha1.VerdictAllowed
		if _, ok := slices.BinarySearch(guarded, i); ok {
			outreach := m.engine.Outreach(m.peers[i].Identity, port)
			if verdict = outreach.Others; !outreach.Uniform {
				verdict = v1alpha1.VerdictUnknown
				o.Odd = append(o.Odd, i)
			}
			for _, named := range outreach.Named {
				o.names(named, i)
			}
			if o.Verdicts == nil {
				o.Verdicts = slices.Repeat([]v1alpha1.Verdict{v1alpha1.VerdictAllowed}, len(crowd.Peers))
			}
			o.Verdicts[at] = verdict
		}
		o.add(verdict, 1, len(m.peers[i].Pods))
		if verdict == v1alpha1.VerdictAllowed {
			for _, pod := range m.peers[i].Pods {
				o.Workloads = append(o.Workloads, m.lookup.workloadOf[pod])
			}
		}
	}
	o.Namespaces = m.namespacesOf(crowd.Peers)
	slices.Sort(o.Workloads)
	o.Workloads = slices.Clip(slices.Compact(o.Workloads))
	c := m.crowds()
	for _, w := range o.Workloads {
		if slices.ContainsFunc(c.parts[w], func(p Part) bool { return c.of[p.Peer] != crowd }) {
			o.Shared = append(o.Shared, w)
		}
	}
	return o
}

func (m *Model) namespacesOf(peers []int) []string {
	out := make([]string, 0, 1)
	for _, i := range peers {
		if namespace := m.peers[i].Identity.Namespace(); len(out) == 0 || out[len(out)-1] != namespace {
			out = append(out, namespace)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (m *Model) openingOfAll(port uint16) *Opening {
	all := &Opening{}
	for _, crowd := range m.crowds().all {
		o := m.Opening(crowd, port)
		for _, t := range o.Tallies {
			all.add(t.Verdict, t.Peers, t.Pods)
		}
		for named, peers := range o.Naming {
			all.names(named, peers...)
		}
		all.Odd = append(all.Odd, o.Odd...)
		all.Workloads = append(all.Workloads, o.Workloads...)
	}
	slices.Sort(all.Workloads)
	all.Workloads = slices.Clip(slices.Compact(all.Workloads))
	return all
}
