package observe

import (
	"cmp"
	"slices"
	"strings"
	"time"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	monitorapi "github.com/cilium/cilium/pkg/monitor/api"
	"github.com/cilium/cilium/pkg/policy"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// allowAnyEgress is allowAnyIngress for what pods open.
const allowAnyEgress = reservedLabel + policy.LabelKeyPolicyDerivedFrom + "=" + policy.LabelAllowAnyEgress

// Opener is who of a cluster opens connections, by one of its fields: the instances when none is set.
type Opener struct {
	Cluster types.NamespacedName
	// Pooler is the name of a Pooler, and Job the role of a job.
	Pooler string
	Job    cnpg.JobRole
}

// Reached is something that pods of a cluster were seen to connect to.
type Reached struct {
	From Opener
	// To is who is at the other end, seen as clients are.
	To Client
	// Names are the DNS names of an address outside, as far as Cilium's DNS proxy saw them resolved, in order and joined by
	// commas.
	Names    string
	Port     uint16
	Protocol corev1.Protocol
	// First and Last are the times of the first and the last event; zero where none has a time.
	First, Last time.Time
	// Opened, Denied, Audited, ByDefault and Ongoing are those of a Connection.
	Opened, Denied, Audited, ByDefault uint64
	Ongoing                            bool
}

// Used is true when something went through.
func (r Reached) Used() bool { return r.Opened > 0 || r.Ongoing || r.Audited > 0 }

// NameList are the Names.
func (r Reached) NameList() []string {
	if r.Names == "" {
		return nil
	}
	return strings.Split(r.Names, ",")
}

// way is what is counted together.
type way struct {
	from     Opener
	to       Client
	names    string
	port     uint16
	protocol corev1.Protocol
}

// wayCounters are what was seen of a way, kind by kind of event: one connection is seen at the opener and at the other end.
type wayCounters struct {
	first, last               time.Time
	verdicts, leaves, arrives uint64
	denied, dropped, audited  uint64
	byDefault                 uint64
	ongoing                   bool
}

// maxNames is how many names of one address are kept.
const maxNames = 8

// outbound takes a flow from a pod of the databases to somebody else.
func (f *Flows) outbound(flow *flowpb.Flow, at time.Time) {
	w := way{}
	switch l4 := flow.GetL4(); {
	case l4.GetTCP() != nil:
		w.port, w.protocol = uint16(l4.GetTCP().GetDestinationPort()), corev1.ProtocolTCP
	case l4.GetUDP() != nil:
		w.port, w.protocol = uint16(l4.GetUDP().GetDestinationPort()), corev1.ProtocolUDP
	default:
		return
	}
	from, ok := f.members.opener(flow.GetSource())
	// What a socket translates is on its way to a Service, of which policies know nothing.
	if !ok || flow.GetVerdict() == flowpb.Verdict_TRANSLATED || f.members.isOf(flow.GetDestination(), from.Cluster) {
		return
	}
	w.from, w.to = from, f.members.who(flow.GetDestination(), flow.GetIP().GetDestination())
	if w.to.Entity == "" && w.to.Workload.Name == "" {
		return // Neither a pod nor anybody else: it is not known where it went.
	}
	names := slices.Clone(flow.GetDestinationNames())
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > maxNames {
		names = names[:maxNames]
	}
	for i := range names {
		names[i] = strings.TrimSuffix(strings.ReplaceAll(names[i], ",", ""), ".")
	}
	w.names = strings.Join(names, ",")
	c := f.ways[w]
	if c == nil {
		if len(f.ways) == MaxClients {
			f.coverage.LeftOut++
			return
		}
		c = &wayCounters{}
		f.ways[w] = c
	}
	c.first, c.last = earlier(c.first, at), later(c.last, at)
	c.add(flow)
}

func (c *wayCounters) add(flow *flowpb.Flow) {
	n, out := times(flow), flow.GetTrafficDirection() == flowpb.TrafficDirection_EGRESS
	verdict := flow.GetEventType().GetType() == monitorapi.MessageTypePolicyVerdict
	switch flow.GetVerdict() {
	case flowpb.Verdict_DROPPED:
		switch {
		case !out: // What the other end refuses, no rule here lets through.
		case verdict:
			c.denied += n
		default:
			c.dropped += n
		}
	case flowpb.Verdict_AUDIT:
		if out {
			c.audited += n
		}
	case flowpb.Verdict_FORWARDED, flowpb.Verdict_REDIRECTED, flowpb.Verdict_TRACED:
		arrives := flow.GetTraceObservationPoint() == flowpb.TraceObservationPoint_TO_ENDPOINT
		switch {
		case verdict && out:
			c.verdicts += n
			if slices.ContainsFunc(flow.GetEgressAllowedBy(), func(p *flowpb.Policy) bool { return slices.Contains(p.GetLabels(), allowAnyEgress) }) {
				c.byDefault += n
			}
		case verdict, !out && !arrives, flow.GetTraceObservationPoint() == flowpb.TraceObservationPoint_FROM_ENDPOINT:
		case !isNew(flow):
			c.ongoing = true
		case arrives:
			c.arrives += n
		default:
			c.leaves += n
		}
	case flowpb.Verdict_VERDICT_UNKNOWN, flowpb.Verdict_ERROR, flowpb.Verdict_TRANSLATED:
	}
}

// opener is who of a database the endpoint is; false for everything else.
func (m Members) opener(e *flowpb.Endpoint) (Opener, bool) {
	if e.GetNamespace() == "" || strings.HasPrefix(e.GetPodName(), ProbePrefix) {
		return Opener{}, false
	}
	o := Opener{Cluster: types.NamespacedName{Namespace: e.GetNamespace(), Name: m.label(e, cnpg.ClusterLabel)}}
	switch m.label(e, cnpg.PodRoleLabel) {
	case cnpg.InstancePodRole:
	case cnpg.PoolerPodRole:
		o.Pooler = m.label(e, cnpg.PoolerNameLabel)
	default:
		if o.Job = cnpg.JobRole(m.label(e, cnpg.JobRoleLabel)); o.Job == "" {
			return Opener{}, false
		}
	}
	return o, m.clusters[o.Cluster]
}

// reached are the ways that were seen, in order.
func (f *Flows) reached() []Reached {
	var out []Reached
	for w, c := range f.ways {
		out = append(out, Reached{
			From: w.from, To: w.to, Names: w.names, Port: w.port, Protocol: w.protocol, First: c.first, Last: c.last,
			Opened: max(c.verdicts, c.leaves, c.arrives), Denied: max(c.denied, c.dropped), Audited: c.audited, ByDefault: c.byDefault, Ongoing: c.ongoing,
		})
	}
	slices.SortFunc(out, func(a, b Reached) int {
		return cmp.Or(
			cmp.Compare(a.From.Cluster.Namespace, b.From.Cluster.Namespace), cmp.Compare(a.From.Cluster.Name, b.From.Cluster.Name),
			cmp.Compare(a.From.Pooler, b.From.Pooler), cmp.Compare(a.From.Job, b.From.Job),
			a.To.Compare(b.To), cmp.Compare(a.Names, b.Names), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol),
		)
	})
	return out
}
