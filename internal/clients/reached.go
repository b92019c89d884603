package clients

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Loses are the connections that the cluster's pods were seen to open, and that a change, which leads from one model to the
// other, denies; those last of which it is not known.
func (q Question) Loses(before, after *model.Model) []v1alpha1.ObservedReach {
	out := []v1alpha1.ObservedReach{}
	for _, r := range q.evidence.Reached {
		if r.From.Cluster != q.cluster || !r.Used() {
			continue
		}
		was, _ := reaches(before, r)
		is, why := reaches(after, r)
		if was == v1alpha1.VerdictDenied || is == v1alpha1.VerdictAllowed || was == v1alpha1.VerdictUnknown && is == v1alpha1.VerdictUnknown {
			continue
		}
		out = append(out, reported(after, r, is, why))
	}
	slices.SortStableFunc(out, func(a, b v1alpha1.ObservedReach) int {
		return cmp.Compare(unsure(a), unsure(b))
	})
	return out
}

func unsure(r v1alpha1.ObservedReach) int {
	if r.Verdict == v1alpha1.VerdictDenied {
		return 0
	}
	return 1
}

// reported is what was seen of one way, for people and scripts.
func reported(m *model.Model, r observe.Reached, verdict v1alpha1.Verdict, why string) v1alpha1.ObservedReach {
	out := v1alpha1.ObservedReach{
		From: "instances", Namespace: r.To.Namespace, Entity: r.To.Entity, Names: r.NameList(), Port: r.Port, Protocol: string(r.Protocol),
		Opened: r.Opened, Denied: r.Denied, Audited: r.Audited, ByDefault: r.ByDefault, Ongoing: r.Ongoing,
		First: at(r.First), Last: at(r.Last), Verdict: verdict, Message: why,
	}
	switch {
	case r.From.Pooler != "":
		out.From = "pooler " + r.From.Pooler
	case r.From.Job != "":
		out.From = string(r.From.Job) + " job"
	}
	if r.To.Entity == "" {
		out.Workload = r.To.Workload.String()
	}
	if r.To.Address.IsValid() {
		out.Address = r.To.Address.String()
	}
	// Poolers are let out to what is always needed alone, and grants are about TCP.
	if g, ok := outletFor(m, r); ok && verdict == v1alpha1.VerdictDenied && r.From.Pooler == "" && r.Protocol == corev1.ProtocolTCP {
		out.Flag = g.Argument()
	}
	return out
}

// peersOf are what a model is asked about for a way: of several, one is enough. The text says why it can't be asked.
func peersOf(m *model.Model, r observe.Reached) ([]egress.Peer, string) {
	ports := []egress.Port{{Number: r.Port, Protocol: r.Protocol}}
	switch {
	case r.To.Entity == "":
		pods := podsOfClient(m, r.To)
		if len(pods) == 0 {
			return nil, "no pod of it is there any more"
		}
		return []egress.Peer{{Pods: pods, Ports: ports}}, ""
	case r.To.Entity == v1alpha1.EntityKubeAPIServer:
		return m.Deriver().APIServers(), ""
	case r.To.Entity == v1alpha1.EntityHost:
		return []egress.Peer{{Host: true, Ports: ports}}, ""
	case r.Names != "":
		return outside(r), ""
	case r.To.Address.IsValid():
		return []egress.Peer{{Address: r.To.Address, Ports: ports}}, ""
	}
	return nil, "its address was not seen"
}

// outside are the names, or else the address, of somebody outside of the Kubernetes cluster or on a node.
func outside(r observe.Reached) []egress.Peer {
	var out []egress.Peer
	ports := []egress.Port{{Number: r.Port, Protocol: r.Protocol}}
	for _, name := range r.NameList() {
		out = append(out, egress.Peer{Name: strings.ToLower(name), Ports: ports})
	}
	if r.To.Address.IsValid() {
		out = append(out, egress.Peer{Address: r.To.Address, Ports: ports})
	}
	return out
}

// podsOfClient are the positions of the pods of a workload, those with the labels that were seen first.
func podsOfClient(m *model.Model, c observe.Client) []int {
	var out []int
	for i := range m.Inventory().Pods {
		p := m.Pod(i)
		if p.Namespace == c.Namespace && observe.Workload(p.Workload) == c.Workload {
			out = append(out, i)
		}
	}
	return out
}

// reaches tells whether all of the openers get to one of the peers.
func reaches(m *model.Model, r observe.Reached) (v1alpha1.Verdict, string) {
	c := m.Cluster(r.From.Cluster)
	if c == nil {
		return v1alpha1.VerdictUnknown, "the cluster is not there"
	}
	peers, why := peersOf(m, r)
	if why != "" {
		return v1alpha1.VerdictUnknown, why
	}
	who := egress.Who{Kind: egress.Instances}
	switch {
	case r.From.Pooler != "":
		who = egress.Who{Kind: egress.Pooler, Pooler: r.From.Pooler}
	case r.From.Job != "":
		who = egress.Who{Kind: egress.Job, Job: r.From.Job}
	}
	ends := m.EndsOf(c, who)
	if len(ends) == 0 {
		return v1alpha1.VerdictUnknown, "nobody who opens such connections is there"
	}
	worst := v1alpha1.VerdictAllowed
	for _, end := range ends {
		best := v1alpha1.VerdictDenied
		for _, peer := range peers {
			verdict := v1alpha1.VerdictAllowed
			for _, answer := range m.Ask(end, peer, egress.Port{Number: r.Port, Protocol: r.Protocol}) {
				if answer.Decision.Verdict.WorseThan(verdict) {
					verdict = answer.Decision.Verdict
				}
			}
			if best.WorseThan(verdict) {
				best = verdict
			}
		}
		if best.WorseThan(worst) {
			worst = best
		}
	}
	if worst == v1alpha1.VerdictDenied && r.To.Entity == v1alpha1.EntityWorld && r.Names == "" && letsOutByName(m, c) {
		return v1alpha1.VerdictUnknown, "whether it has one of the names that are let out to was not seen"
	}
	return worst, ""
}

// letsOutByName tells whether policies let the cluster out to names: an address whose name was not seen may be one of theirs.
func letsOutByName(m *model.Model, c *model.Cluster) bool {
	for _, member := range c.Members {
		for _, s := range m.Engine().Selections(member.Identity) {
			if len(m.Engine().Policies()[s.Policy].World.Names) > 0 {
				return true
			}
		}
	}
	return false
}

// outletFor is the grant of lockdown that lets instances and jobs out to it.
func outletFor(m *model.Model, r observe.Reached) (policyset.Grant, bool) {
	peers, why := peersOf(m, r)
	if why != "" || len(peers) == 0 {
		return policyset.Grant{}, false
	}
	for _, peer := range peers {
		if g, ok := assess.OutletGrant(m, peer, r.Port); ok {
			return g, true
		}
	}
	return policyset.Grant{}, false
}

// reachedExtra are those that the model has to be made with to be asked about them.
func reachedExtra(e observe.Evidence) model.Extra {
	var extra model.Extra
	for _, r := range e.Reached {
		switch r.To.Entity {
		case "", v1alpha1.EntityKubeAPIServer, v1alpha1.EntityHost:
		default:
			extra.Peers = append(extra.Peers, outside(r)...)
		}
	}
	return extra
}
