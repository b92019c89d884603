package change

import (
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
	// bystanders are the workloads of these: the same for all of the clusters that are changed.
	bystanders []v1alpha1.BystanderChange
	// monitoring and operators are the pods that look like what reads metrics, and like an operator.
	monitoring, operators []kinsman
	// monitored are the notes that were made of monitoring, by its namespace.
	monitored map[string]v1alpha1.ChangeNote
	// lost are the required flows that clusters have before and not after, by their namespaces.
	lost map[string][]lostFlow
}

// lostFlow is a required flow that a cluster loses, and why another one of its namespace should not be locked down then.
type lostFlow struct {
	of      *model.Cluster
	refusal v1alpha1.Refusal
}

func newComparison(before, after *model.Model, changed []types.NamespacedName) comparison {
	x := comparison{before: before, after: after, denied: denied(before, after, changed), lost: map[string][]lostFlow{}, monitored: map[string]v1alpha1.ChangeNote{}}
	x.bystanders = bystanders(before, x.denied, nil)
	x.monitoring = x.kinOf(isMonitoring)
	x.operators = x.kinOf(isOperator)
	for _, c := range before.Clusters() {
		was := v1alpha1.Verdicts(assess.RequiredFlows(before, c))
		for _, f := range assess.RequiredFlows(after, c) {
			if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed && was[f.Key()] == v1alpha1.VerdictAllowed {
				x.lost[c.Object.Namespace] = append(x.lost[c.Object.Namespace], lostFlow{c, v1alpha1.Refusal{
					Reason: v1alpha1.RefusalNeighbourBlocked,
					Message: fmt.Sprintf("cluster %q of the same namespace would lose the required flow %s: lock both down in one command, or use --scope cluster",
						c.Object.Name, f.Name),
				}})
			}
		}
	}
	return x
}

// preview computes what the steps mean for one of the clusters that are changed. A cluster that does not exist has no pods
// whose access could change: its preview holds the steps only.
func (x comparison) preview(key types.NamespacedName, steps []Step) (Preview, error) {
	before, after := x.before, x.after
	p, err := newPreview(key, steps)
	if err != nil {
		return Preview{}, err
	}
	if IsOperator(key) {
		return PreviewOf(x.previewOperator(p, key.Namespace)), nil
	}
	c := before.Cluster(key)
	if c == nil {
		return PreviewOf(p), nil
	}
	was, is := assess.Report(before, c), assess.Report(after, c)
	p.Posture = v1alpha1.PostureChange{Before: was.Posture, After: is.Posture}
	p.RequiredFlows = append(p.RequiredFlows, flowChanges(was.RequiredFlows, is.RequiredFlows)...)
	p.Bystanders = append(p.Bystanders, x.bystanders...)
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
	if locks {
		p.Notes = append(p.Notes, severalOperators(after, steps, is.RequiredFlows)...)
	}
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
	return Preview{outline: p, access: func() v1alpha1.AccessChanges { return accessOf(before, after, c) }}, nil
}

// neighbours are the other clusters of the namespace of which a required flow would be lost: policies
// that reach further than one cluster can do that.
func (x comparison) neighbours(c *model.Cluster) []v1alpha1.Refusal {
	var out []v1alpha1.Refusal
	for _, lost := range x.lost[c.Object.Namespace] {
		if lost.of != c {
			out = append(out, lost.refusal)
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
