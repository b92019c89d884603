package assess

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// connection is one that somebody needs.
type connection struct {
	from, to model.End
	// toPod is the target's position among the pods of the inventory, -1 where it is none.
	toPod    int
	peer     egress.Peer
	port     egress.Port
	decision engine.Decision
	// others are alternatives of which nobody knows which is needed, where a rule for one of them opens no other.
	others []connection
}

// needed is a required flow, with those of its connections that are denied.
type needed struct {
	flow v1alpha1.RequiredFlow
	// sources are who has the need.
	sources []string
	denied  []connection
}

// neededFlows asks about what a cluster needs besides the connections among operator, instances and poolers, in
// the order in which people look for them.
func neededFlows(m *model.Model, c *model.Cluster) []needed {
	all := newGroup(m, c.Object.Namespace)
	for _, flow := range []egress.Flow{egress.APIServer, egress.DNS, egress.ObjectStore, egress.External} {
		for _, need := range m.Needs(c) {
			if need.Flow == flow {
				all.outbound(need, called(need.Who), need.What, m.EndsOf(c, need.Who))
			}
		}
	}
	for _, d := range m.Dependants(c) {
		all.outbound(d.Need, fmt.Sprintf("%s of %s/%s", called(d.Need.Who), d.Cluster.Namespace, d.Cluster.Name), "instances", d.Ends)
	}
	for i, op := range m.Operators() {
		if op.Presumed() {
			continue // What nobody has seen has no policies.
		}
		name := fmt.Sprintf("operator (%s)", op.Namespace)
		for _, need := range m.NeedsOf(i) {
			need.Advisory = need.Advisory || len(m.Operators()) > 1
			if need.Inbound {
				all.inbound(need, name, op.Ends)
			} else {
				all.outbound(need, name, need.What, op.Ends)
			}
		}
	}
	for _, need := range m.Deriver().Metrics(c.Object) {
		all.inbound(need, called(need.Who), m.EndsOf(c, need.Who))
	}
	return all.out
}

// called is what somebody with a need is called among others.
func called(who egress.Who) string {
	switch who.Kind {
	case egress.Job:
		return string(who.Job) + " job"
	case egress.Pooler:
		return "pooler " + who.Pooler
	case egress.Instances, egress.Operator:
	}
	return string(who.Kind)
}

// group gathers needs of the same kind with the same target into one flow.
type group struct {
	m   *model.Model
	out []needed
	// at is where the flows are in out: a cluster may need as many things as it can name.
	at map[flowKey]int
	// own is the namespace of the cluster.
	own string
}

func newGroup(m *model.Model, own string) group { return group{m: m, own: own, at: map[flowKey]int{}} }

// flowKey is what the needs of one flow have in common.
type flowKey struct {
	flow     egress.Flow
	to       string
	advisory bool
	// from is the source of those that are told by themselves.
	from string
}

// flowOf is the flow that a need belongs to, from which its source's name is among.
func (g *group) flowOf(need egress.Need, from, to string) *needed {
	key := flowKey{flow: need.Flow, to: to, advisory: need.Advisory}
	if need.Flow == egress.Dependants || need.Flow == egress.Webhook || need.Flow == egress.Metrics {
		key.from = from // A dependant and the operator are told by themselves.
	}
	i, ok := g.at[key]
	if !ok {
		f := v1alpha1.RequiredFlow{
			Name: string(need.Flow), From: from, To: to, Verdict: v1alpha1.VerdictAllowed, Advisory: need.Advisory, Policies: []v1alpha1.PolicyReference{},
		}
		for _, p := range need.Peers {
			if f.Port == 0 && len(p.Ports) > 0 {
				f.Port = p.Ports[0].Number
			}
		}
		g.at[key] = len(g.out)
		g.out = append(g.out, needed{flow: f, sources: []string{from}})
		return &g.out[len(g.out)-1]
	}
	n := &g.out[i]
	if !slices.Contains(n.sources, from) {
		n.sources = append(n.sources, from)
		n.flow.From = inSeries(n.sources)
	}
	return n
}

// inSeries is instances, jobs and poolers in short: the name where there is one of a kind.
func inSeries(sources []string) string {
	var jobs, poolers, out []string
	for _, source := range sources {
		switch {
		case strings.HasSuffix(source, " job"):
			jobs = append(jobs, source)
		case strings.HasPrefix(source, "pooler "):
			poolers = append(poolers, source)
		default:
			out = append(out, source)
		}
	}
	if len(jobs) > 1 {
		jobs = []string{"jobs"}
	}
	if len(poolers) > 1 {
		poolers = []string{"poolers"}
	}
	out = slices.Concat(out, jobs, poolers)
	if last := len(out) - 1; last > 0 {
		return strings.Join(out[:last], ", ") + " and " + out[last]
	}
	return strings.Join(out, "")
}

// outbound adds what ends open.
func (g *group) outbound(need egress.Need, from, to string, ends []model.End) {
	n := g.flowOf(need, from, to)
	for _, end := range ends {
		all := make([]connection, 0, len(need.Peers))
		for _, peer := range need.Peers {
			ports := peer.Ports
			if len(ports) == 0 {
				ports = []egress.Port{{Protocol: corev1.ProtocolTCP}} // It is not known, as the peer.
			}
			for _, port := range ports {
				for _, answer := range g.m.Ask(end, peer, port) {
					target := model.End{Name: answer.Peer}
					if answer.Pod >= 0 {
						target = g.m.EndOf(answer.Pod, answer.Peer)
					}
					all = append(all, connection{from: end, to: target, toPod: answer.Pod, peer: peer, port: port, decision: g.known(need, end, target, answer.Decision)})
				}
			}
		}
		n.add(end.Name, g.together(need, all))
	}
}

// inbound adds what others open to ends.
func (g *group) inbound(need egress.Need, to string, ends []model.End) {
	n := g.flowOf(need, need.What, to)
	for _, end := range ends {
		var all []connection
		for _, peer := range need.Peers {
			for _, port := range peer.Ports {
				for _, answer := range g.m.AskInbound(end, peer, port.Number) {
					source := model.End{Name: answer.Peer}
					if answer.Pod >= 0 {
						source = g.m.EndOf(answer.Pod, answer.Peer)
					}
					all = append(all, connection{from: source, to: end, toPod: -1, peer: peer, port: port, decision: g.known(need, source, end, answer.Decision)})
				}
			}
		}
		n.add(end.Name, g.together(need, all))
	}
}

// known is a decision about which nothing is missing: where policies of another namespace, that of one of the ends, could
// not be read, it is unknown. What is missing for the cluster's own, or everywhere, makes more than this unknown. So is what
// the proxy makes of PostgreSQL's messages.
func (g *group) known(need egress.Need, from, to model.End, d engine.Decision) engine.Decision {
	if need.Flow == egress.External || need.Flow == egress.Dependants {
		d = throughProxy(g.m, d)
	}
	blind := func(e model.End, at engine.Direction) engine.Direction {
		if e.Identity == nil || e.OnNode || at.Verdict == v1alpha1.VerdictDenied && len(at.Rules) > 0 {
			return at // What a rule denies stays denied.
		}
		namespace := e.Identity.Namespace()
		if why := g.m.Blind(namespace, inventory.Only(namespace)); namespace != "" && namespace != g.own && why != "" {
			return engine.UnknownBecause(why)
		}
		return at
	}
	return engine.Join(blind(to, d.Ingress), blind(from, d.Egress))
}

// add adds the connections of one end.
func (n *needed) add(end string, all []connection) {
	f := &n.flow
	for _, one := range all {
		verdict := one.decision.Verdict
		if verdict == v1alpha1.VerdictDenied {
			n.denied = append(n.denied, one)
		}
		if verdict.WorseThan(f.Verdict) {
			f.Verdict, f.Policies, f.CutOff = verdict, []v1alpha1.PolicyReference{}, nil
			f.Message = explainFlow(one.from, one.to, one.port.Number, one.decision)
		}
		if verdict == f.Verdict {
			f.Policies = append(f.Policies, one.decision.Policies()...)
			if verdict != v1alpha1.VerdictAllowed && !slices.Contains(f.CutOff, end) {
				f.CutOff = append(f.CutOff, end)
			}
		}
	}
	f.Policies = engine.Unique(f.Policies)
}
