package change

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// comparison is what the previews of all clusters of a change have in common: two models of the same pods, and what is
// looked for once for all of them.
type comparison struct {
	before, after *model.Model
	// denied are the pods whose ingress default deny comes or goes, but for those of the clusters that are changed.
	denied []deniedPeer
	// monitoring and operators are the pods that look like what reads metrics, and like an operator.
	monitoring, operators []model.Peer
	// lost are the required flows that a cluster has before and not after.
	lost map[types.NamespacedName][]v1alpha1.RequiredFlow
}

func newComparison(before, after *model.Model, changed []types.NamespacedName) comparison {
	x := comparison{before: before, after: after, denied: denied(before, after, changed), lost: map[types.NamespacedName][]v1alpha1.RequiredFlow{}}
	x.monitoring = peersWith(before, isMonitoring)
	x.operators = peersWith(before, isOperator)
	for _, c := range before.Clusters() {
		was := v1alpha1.Verdicts(assess.RequiredFlows(before, c))
		for _, f := range assess.RequiredFlows(after, c) {
			if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed && was[f.Key()] == v1alpha1.VerdictAllowed {
				x.lost[c.Key()] = append(x.lost[c.Key()], f)
			}
		}
	}
	return x
}

// peersWith are the peers with those of their pods whose labels are of a kind.
func peersWith(m *model.Model, kind func(map[string]string) bool) []model.Peer {
	var out []model.Peer
	for _, p := range m.Peers() {
		pods := slices.DeleteFunc(slices.Clone(p.Pods), func(i int) bool { return !kind(m.Pod(i).Labels) })
		if len(pods) > 0 {
			out = append(out, model.Peer{Identity: p.Identity, Pods: pods})
		}
	}
	return out
}

// preview computes what the steps mean for one of the clusters that are changed. A cluster that does not exist has no pods
// whose access could change: its preview holds the steps only.
func (x comparison) preview(key types.NamespacedName, steps []Step) (v1alpha1.ChangePreview, error) {
	before, after := x.before, x.after
	p, err := newPreview(key, steps)
	if err != nil {
		return p, err
	}
	if IsOperator(key) {
		return x.previewOperator(p, key.Namespace), nil
	}
	c := before.Cluster(key)
	if c == nil {
		return p, nil
	}
	was, is := assess.Report(before, c), assess.Report(after, c)
	p.Posture = v1alpha1.PostureChange{Before: was.Posture, After: is.Posture}
	p.RequiredFlows = append(p.RequiredFlows, flowChanges(was.RequiredFlows, is.RequiredFlows)...)
	p.Access = Access(assess.Exposure(before, c, 0), assess.Exposure(after, c, 0))
	p.Bystanders = append(p.Bystanders, x.bystanders(c)...)
	p.Notes = append(append(p.Notes, x.metricsNotes(c)...), kubectlNotes(p.RequiredFlows)...)
	for _, f := range is.RequiredFlows {
		if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed {
			p.Refusals = append(p.Refusals, v1alpha1.Refusal{
				Reason:  v1alpha1.RefusalFlowBlocked,
				Message: fmt.Sprintf("%s would be %s: %s", blockedFlow(f.Name, f.From, targetOf(f)), f.Verdict, f.Message),
			})
		}
	}
	p.Refusals = append(p.Refusals, x.lostOperators(c)...)
	p.Refusals = append(p.Refusals, x.neighbours(c)...)
	locks := slices.ContainsFunc(steps, func(s Step) bool { return s.After != nil && policyset.IsManaged(s.After.Labels, key.Name) })
	for _, f := range is.Findings {
		switch {
		case !f.Code.LacksEvidence() && locks && is.Posture != v1alpha1.PostureLocked && f.Severity == v1alpha1.SeverityError && !f.Code.IsAboutFlow():
			// What is about a required flow is refused.
			p.Notes = append(p.Notes, v1alpha1.ChangeNote{Subject: notLocked, Message: f.Message, Remedy: f.Remedy})
		case !f.Code.LacksEvidence():
		case assess.Unsettled(after, c, f):
			// What is applied will be in force there, too: lockdown waits for it.
			p.Notes = append(p.Notes, v1alpha1.ChangeNote{Subject: "Not ready", Message: f.Message, Remedy: f.Remedy})
		case f.Severity == v1alpha1.SeverityError:
			p.Refusals = append(p.Refusals, v1alpha1.Refusal{Reason: v1alpha1.RefusalEvidenceMissing, Message: "the preview is not reliable: " + f.Message})
		default:
			p.Notes = append(p.Notes, v1alpha1.ChangeNote{Subject: "Not seen", Message: f.Message, Remedy: f.Remedy})
		}
	}
	return p, nil
}

// neighbours are the other clusters of the namespace of which a required flow would be lost: policies
// that reach further than one cluster can do that.
func (x comparison) neighbours(c *model.Cluster) []v1alpha1.Refusal {
	var out []v1alpha1.Refusal
	for _, other := range x.before.Clusters() {
		if other == c || other.Object.Namespace != c.Object.Namespace {
			continue
		}
		for _, f := range x.lost[other.Key()] {
			out = append(out, v1alpha1.Refusal{
				Reason: v1alpha1.RefusalNeighbourBlocked,
				Message: fmt.Sprintf("cluster %q of the same namespace would lose the required flow %s: lock both down in one command, or use --scope cluster",
					other.Object.Name, f.Name),
			})
		}
	}
	return out
}

// blockedFlow is how a refusal that is about a required flow begins.
func blockedFlow(name, from, to string) string {
	return fmt.Sprintf("the required flow %s (%s → %s)", name, from, to)
}

// targetOf is the target of a flow in words.
func targetOf(f v1alpha1.RequiredFlow) string {
	if f.To != "" {
		return f.To
	}
	return fmt.Sprintf("port %d", f.Port)
}

func flowChanges(before, after []v1alpha1.RequiredFlow) []v1alpha1.RequiredFlowChange {
	was := map[v1alpha1.FlowKey]v1alpha1.RequiredFlow{}
	for _, f := range before {
		was[f.Key()] = f
	}
	var out []v1alpha1.RequiredFlowChange
	for _, f := range after {
		if f.Unrestricted() && was[f.Key()].Unrestricted() {
			continue
		}
		out = append(out, v1alpha1.RequiredFlowChange{
			Name: f.Name, From: f.From, To: f.To, Port: f.Port, Before: was[f.Key()].Verdict, After: f.Verdict, Advisory: f.Advisory,
		})
	}
	return out
}

// Access compares who can connect, client by client. Somebody of whose pods fewer can connect has lost it for
// those pods, and is listed with their number.
func Access(before, after []v1alpha1.Exposure) v1alpha1.AccessChanges {
	out := v1alpha1.AccessChanges{Loses: []v1alpha1.ClientChange{}, Gains: []v1alpha1.ClientChange{}, Keeps: []v1alpha1.ClientChange{}}
	was := map[v1alpha1.ClientChange]int{}
	for _, e := range before {
		countClients(was, e)
	}
	is := map[v1alpha1.ClientChange]int{}
	for _, e := range after {
		countClients(is, e)
	}
	countSeldomNamed(was, before, is)
	countSeldomNamed(is, after, was)
	both := map[v1alpha1.ClientChange]bool{}
	for client := range was {
		both[client] = true
	}
	for client := range is {
		both[client] = true
	}
	for client := range both {
		add := func(list *[]v1alpha1.ClientChange, pods int) {
			if pods > 0 {
				counted := client
				if counted.Entity == "" {
					counted.Pods = pods
				}
				*list = append(*list, counted)
			}
		}
		add(&out.Loses, was[client]-is[client])
		add(&out.Gains, is[client]-was[client])
		add(&out.Keeps, min(was[client], is[client]))
	}
	for _, list := range [][]v1alpha1.ClientChange{out.Loses, out.Gains, out.Keeps} {
		slices.SortFunc(list, func(a, b v1alpha1.ClientChange) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Entity, b.Entity),
				cmp.Compare(a.Target.Pooler, b.Target.Pooler), cmp.Compare(a.Port, b.Port))
		})
	}
	return out
}

// countSeldomNamed counts entities that reports leave out where nothing restricts them, as far as the other side
// has them.
func countSeldomNamed(side map[v1alpha1.ClientChange]int, exposure []v1alpha1.Exposure, other map[v1alpha1.ClientChange]int) {
	for _, e := range exposure {
		if !slices.Contains(e.Entities, v1alpha1.EntityWorld) || len(e.EntityPolicies[v1alpha1.EntityWorld]) > 0 {
			continue
		}
		for _, entity := range model.SeldomNamed() {
			if client := (v1alpha1.ClientChange{Target: e.Target, Port: e.Port, Entity: entity}); other[client] > 0 {
				side[client] = 1
			}
		}
	}
}

// countClients counts pods by client; an entity counts as one.
func countClients(pods map[v1alpha1.ClientChange]int, e v1alpha1.Exposure) {
	for _, c := range e.Clients {
		pods[v1alpha1.ClientChange{Target: e.Target, Port: e.Port, Namespace: c.Namespace, Workload: c.Workload}] = c.Pods
	}
	for _, entity := range e.Entities {
		pods[v1alpha1.ClientChange{Target: e.Target, Port: e.Port, Entity: entity}] = 1
	}
}
