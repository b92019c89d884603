package observe

import (
	"cmp"
	"maps"
	"slices"
	"time"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	observerpb "github.com/cilium/cilium/api/v1/observer"
	relaypb "github.com/cilium/cilium/api/v1/relay"
	monitorapi "github.com/cilium/cilium/pkg/monitor/api"
	"github.com/cilium/cilium/pkg/policy"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// MaxClients is how many pairs of client and target are kept: whoever scans a database from many addresses
// must not fill the memory.
const MaxClients = 10_000

// allowAnyIngress is the label by which Hubble names what Cilium adds for pods whose policies bring no default deny.
const allowAnyIngress = reservedLabel + policy.LabelKeyPolicyDerivedFrom + "=" + policy.LabelAllowAnyIngress

// Flows takes what Hubble has seen, event by event, and keeps what concerns some databases. What it
// keeps is bounded by the number of clients.
type Flows struct {
	members Members
	// since is the time before which nothing counts; zero for none.
	since time.Time
	seen  map[pair]*counters
	// clients are those behind pods, so that labels are not put in order again and again.
	clients  map[podIdentity]Client
	nodes    map[string]bool
	away     map[string]bool
	coverage Coverage
	// ways are what the databases' pods open themselves.
	ways map[way]*wayCounters
}

// podIdentity is a pod with the number of its identity, which changes with its labels.
type podIdentity struct {
	namespace, pod string
	identity       uint32
}

type pair struct {
	client Client
	target Target
}

// counters are what was seen of a pair, kind by kind of event: one connection is seen more than once.
type counters struct {
	first, last time.Time
	// verdicts, traces and drops are events about new connections: those of policies at the database, those of
	// its network device, and those of what was thrown away.
	verdicts, traces               uint64
	deniedIn, droppedIn            uint64
	deniedOut, droppedOut, audited uint64
	// byDefault are those of verdicts that no policy has to do with.
	byDefault uint64
	ongoing   bool
}

// NewFlows keeps what concerns the members, of what happened since that time; zero for all.
func NewFlows(members Members, source string, since time.Time) *Flows {
	return &Flows{
		members: members, since: since, seen: map[pair]*counters{}, ways: map[way]*wayCounters{}, clients: map[podIdentity]Client{}, nodes: map[string]bool{}, away: map[string]bool{},
		coverage: Coverage{Kind: v1alpha1.EvidenceFlows, Source: source},
	}
}

// Add takes one event.
func (f *Flows) Add(r *observerpb.GetFlowsResponse) {
	switch event := r.GetResponseTypes().(type) {
	case *observerpb.GetFlowsResponse_LostEvents:
		f.coverage.Lost += max(event.LostEvents.GetNumEventsLost(), 1)
	case *observerpb.GetFlowsResponse_NodeStatus:
		f.node(event.NodeStatus)
	case *observerpb.GetFlowsResponse_Flow:
		f.flow(event.Flow, cmp.Or(r.GetNodeName(), event.Flow.GetNodeName()), timeOf(cmp.Or(event.Flow.GetTime(), r.GetTime())))
	}
}

// node takes what the relay says about nodes.
func (f *Flows) node(status *relaypb.NodeStatusEvent) {
	for _, name := range status.GetNodeNames() {
		switch status.GetStateChange() {
		case relaypb.NodeState_NODE_CONNECTED:
			f.nodes[name] = true
		case relaypb.NodeState_NODE_UNAVAILABLE, relaypb.NodeState_NODE_ERROR, relaypb.NodeState_NODE_GONE:
			f.away[name] = true
		case relaypb.NodeState_UNKNOWN_NODE_STATE:
		}
	}
}

func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil || t.CheckValid() != nil {
		return time.Time{}
	}
	return t.AsTime()
}

func (f *Flows) flow(flow *flowpb.Flow, node string, at time.Time) {
	if !at.IsZero() && at.Before(f.since) {
		return
	}
	f.coverage.Events++
	f.coverage.From, f.coverage.To = earlier(f.coverage.From, at), later(f.coverage.To, at)
	if node != "" {
		f.nodes[node] = true
	}
	if !flow.GetIsReply().GetValue() {
		f.outbound(flow, at)
	}
	tcp := flow.GetL4().GetTCP()
	if tcp == nil || flow.GetIsReply().GetValue() || tcp.GetDestinationPort() > 65535 {
		return
	}
	target, ok := f.members.target(flow.GetDestination(), uint16(tcp.GetDestinationPort()))
	if !ok || f.members.isOf(flow.GetSource(), target.Cluster) {
		return
	}
	c := f.countersOf(pair{f.client(flow), target})
	if c == nil {
		f.coverage.LeftOut++
		return
	}
	c.first, c.last = earlier(c.first, at), later(c.last, at)
	c.add(flow)
}

// client is who opens the connection. Pods may come and go without an end: those that are remembered are bounded.
func (f *Flows) client(flow *flowpb.Flow) Client {
	from, address := flow.GetSource(), flow.GetIP().GetSource()
	if from.GetNamespace() == "" || from.GetIdentity() == 0 {
		return f.members.who(from, address)
	}
	key := podIdentity{from.GetNamespace(), from.GetPodName(), from.GetIdentity()}
	c, known := f.clients[key]
	if !known {
		if len(f.clients) == MaxClients {
			clear(f.clients)
		}
		c = f.members.who(from, address)
		f.clients[key] = c
	}
	return c
}

// countersOf are those of a pair, nil when there is no room for it.
func (f *Flows) countersOf(p pair) *counters {
	c := f.seen[p]
	if c == nil && len(f.seen) < MaxClients {
		c = &counters{}
		f.seen[p] = c
	}
	return c
}

func (c *counters) add(flow *flowpb.Flow) {
	n, out := times(flow), flow.GetTrafficDirection() == flowpb.TrafficDirection_EGRESS
	verdict := flow.GetEventType().GetType() == monitorapi.MessageTypePolicyVerdict
	switch flow.GetVerdict() {
	case flowpb.Verdict_DROPPED:
		switch {
		case verdict && out:
			c.deniedOut += n
		case verdict:
			c.deniedIn += n
		case out:
			c.droppedOut += n
		default:
			c.droppedIn += n
		}
	case flowpb.Verdict_AUDIT:
		c.audited += n
	case flowpb.Verdict_FORWARDED, flowpb.Verdict_REDIRECTED, flowpb.Verdict_TRACED, flowpb.Verdict_TRANSLATED:
		switch {
		case verdict && out:
			// The client's side has let it out. Whether it arrived is for the other side to say.
		case verdict:
			c.verdicts += n
			if byDefault(flow) {
				c.byDefault += n
			}
		case flow.GetTraceObservationPoint() != flowpb.TraceObservationPoint_TO_ENDPOINT:
			// On its way.
		case isNew(flow):
			c.traces += n
		default:
			c.ongoing = true
		}
	case flowpb.Verdict_VERDICT_UNKNOWN, flowpb.Verdict_ERROR:
	}
}

// byDefault is true for a connection that went through by nothing but what Cilium adds for pods whose policies bring
// no default deny (mergeCombinedRules of pkg/policy/repository.go).
func byDefault(flow *flowpb.Flow) bool {
	return slices.ContainsFunc(flow.GetIngressAllowedBy(), func(p *flowpb.Policy) bool {
		return slices.Contains(p.GetLabels(), allowAnyIngress)
	})
}

// isNew is true for the first packet of a connection.
func isNew(flow *flowpb.Flow) bool {
	flags := flow.GetL4().GetTCP().GetFlags()
	return flow.GetTraceReason() == flowpb.TraceReason_NEW || flags.GetSYN() && !flags.GetACK()
}

// times is how many events stand behind one that an exporter has aggregated; 1 for others.
func times(flow *flowpb.Flow) uint64 {
	a := flow.GetAggregate()
	return max(uint64(a.GetIngressFlowCount())+uint64(a.GetEgressFlowCount())+uint64(a.GetUnknownDirectionFlowCount()), 1)
}

// Evidence is what was seen until now.
func (f *Flows) Evidence() Evidence {
	e := Evidence{Reached: f.reached()}
	for p, c := range f.seen {
		e.Connections = append(e.Connections, Connection{
			Client: p.client, Target: p.target, First: c.first, Last: c.last,
			Opened: max(c.verdicts, c.traces), Denied: max(c.deniedIn, c.droppedIn) + max(c.deniedOut, c.droppedOut),
			DeniedAtSource: max(c.deniedOut, c.droppedOut), Audited: c.audited, ByDefault: c.byDefault, Ongoing: c.ongoing,
		})
	}
	slices.SortFunc(e.Connections, func(a, b Connection) int {
		return cmp.Or(a.Client.Compare(b.Client), a.Target.Compare(b.Target))
	})
	coverage := f.coverage
	for node := range f.nodes {
		if f.away[node] {
			continue
		}
		coverage.Nodes = append(coverage.Nodes, node)
	}
	slices.Sort(coverage.Nodes)
	coverage.Away = slices.Sorted(maps.Keys(f.away))
	e.Coverage = []Coverage{coverage}
	return e
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
