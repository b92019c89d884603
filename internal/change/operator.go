package change

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// IsOperator tells whether a key stands for the set of the operator of its namespace.
func IsOperator(key types.NamespacedName) bool { return key.Name == policyset.OperatorSet }

// Called is whose set it is, in words: `cluster "orders"`.
func Called(key types.NamespacedName) string {
	if IsOperator(key) {
		return fmt.Sprintf("the operator in %q", key.Namespace)
	}
	return fmt.Sprintf("cluster %q", key.Name)
}

// fewDatabases is how many flows from an operator to clusters are told one by one.
const fewDatabases = 4

// previewOperator is the preview of what is done to the set of an operator.
func (x comparison) previewOperator(p v1alpha1.ChangePreview, namespace string) v1alpha1.ChangePreview {
	was, is := assess.OperatorFlows(x.before, namespace), assess.OperatorFlows(x.after, namespace)
	before := v1alpha1.Verdicts(was)
	p.RequiredFlows = append(p.RequiredFlows, foldDatabases(flowChanges(was, is))...)
	p.Access = Access(assess.OperatorExposure(x.before, namespace), assess.OperatorExposure(x.after, namespace))
	p.Bystanders = append(p.Bystanders, x.besideOperator(namespace)...)
	for _, f := range is {
		// What keeps the operator from a cluster already is not this change's business, and the cluster's status says it.
		if f.Advisory || f.Verdict == v1alpha1.VerdictAllowed || f.Name == v1alpha1.FlowOperator && before[f.Key()] != v1alpha1.VerdictAllowed {
			continue
		}
		p.Refusals = append(p.Refusals, v1alpha1.Refusal{
			Reason: v1alpha1.RefusalFlowBlocked, Message: fmt.Sprintf("%s would be %s: %s", blockedFlow(f.Name, f.From, targetOf(f)), f.Verdict, f.Message),
		})
	}
	if why := blindFor(x.after, namespace); why != "" {
		p.Refusals = append(p.Refusals, v1alpha1.Refusal{Reason: v1alpha1.RefusalEvidenceMissing, Message: "the preview is not reliable: " + why})
	}
	if !x.after.Enforces() {
		p.Notes = append(p.Notes, v1alpha1.ChangeNote{Subject: notLocked, Message: "Cilium enforces no policies here, whatever they say"})
	}
	return p
}

// blindFor says which evidence is missing without which nothing can be said about an operator; empty when none is.
func blindFor(m *model.Model, namespace string) string {
	if m.NoAgent() {
		return "no Cilium agent was seen"
	}
	return m.Blind(namespace)
}

// foldDatabases makes one flow of those to clusters of which the same becomes, where they are many.
func foldDatabases(flows []v1alpha1.RequiredFlowChange) []v1alpha1.RequiredFlowChange {
	type fate struct{ before, after v1alpha1.Verdict }
	of := map[fate][]int{}
	for i, f := range flows {
		if f.Name == v1alpha1.FlowOperator {
			of[fate{f.Before, f.After}] = append(of[fate{f.Before, f.After}], i)
		}
	}
	folded := map[int]bool{}
	for key, places := range of {
		if len(places) <= fewDatabases || key.after != v1alpha1.VerdictAllowed {
			continue
		}
		flows[places[0]].To = fmt.Sprintf("instances of %d clusters", len(places))
		for _, i := range places[1:] {
			folded[i] = true
		}
	}
	var out []v1alpha1.RequiredFlowChange
	for i, f := range flows {
		if !folded[i] {
			out = append(out, f)
		}
	}
	return out
}

// besideOperator are the workloads of the operator's namespace whose ingress default deny comes or goes and that are
// neither the operator nor one of its plugins.
func (x comparison) besideOperator(namespace string) []v1alpha1.BystanderChange {
	pods := map[v1alpha1.BystanderChange]int{}
	for _, p := range x.denied {
		for _, i := range p.Pods {
			if x.before.Pod(i).Namespace == namespace && !assess.OfOperator(x.before, i) {
				pods[v1alpha1.BystanderChange{Client: x.before.WorkloadOf(i), DefaultDenyBefore: p.was, DefaultDenyAfter: p.is}]++
			}
		}
	}
	var out []v1alpha1.BystanderChange
	for b, n := range pods {
		b.Pods = n
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b v1alpha1.BystanderChange) int { return a.Client.Compare(b.Client) })
	return out
}

// restrictsOperator completes the preview of an operator's lockdown with what it means.
func restrictsOperator(m *model.Model, o policyset.Options, p Preview) Preview {
	p.Notes = slices.Clone(p.Notes)
	former, err := policyset.FromLive(o.Cluster, assess.ManagedForOperator(m, o.Cluster.Namespace))
	switch {
	case o.Egress:
		p.Notes = append(p.Notes, v1alpha1.ChangeNote{Subject: "Egress", Message: "what the operator opens is denied but to " + o.OutletsInWords()})
		if len(o.Operator.Plugins) > 0 {
			p.Notes = append(p.Notes, v1alpha1.ChangeNote{Subject: "Plugins", Message: "what plugins open themselves is not restricted: nobody here knows what they need"})
		}
	case err == nil && former.Egress:
		p.Notes = append(p.Notes, v1alpha1.ChangeNote{Subject: "Egress",
			Message: "the lockdown before restricts what the operator opens, and this one does not: it can connect to wherever no other policy denies it"})
	}
	return p
}

// checkOperatorOrder is CheckOrder for what operators need, which clusters are not the only ones to tell.
func checkOperatorOrder(m *model.Model, policies []inventory.Policy, plan Plan, namespace string) ([]v1alpha1.Refusal, error) {
	last, err := m.With(plan.After(policies, len(plan.Steps)))
	if err != nil {
		return nil, err
	}
	stays := allowedIn(assess.OperatorFlows(m, namespace), assess.OperatorFlows(last, namespace))
	var problems []v1alpha1.Refusal
	for n := 1; n < len(plan.Steps); n++ {
		step := plan.Steps[n-1]
		if step.Action == v1alpha1.PolicyUnchanged {
			continue
		}
		then, err := m.With(plan.After(policies, n))
		if err != nil {
			return nil, err
		}
		for _, f := range assess.OperatorFlows(then, namespace) {
			if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed && stays[f.Key()] {
				problems = append(problems, v1alpha1.Refusal{Reason: v1alpha1.RefusalFlowInterrupted, Message: fmt.Sprintf(
					"after the step %q (%s), the flow %s (%s → %s) would be interrupted until the next steps are done", step.Policy.Name, step.Action, f.Name, f.From, targetOf(f))})
			}
		}
	}
	return problems, nil
}

// verifyOperator compares what an operator needs with what was promised.
func verifyOperator(after *model.Model, preview Preview) []Difference {
	key := keyOfCluster(preview)
	promised := map[v1alpha1.FlowKey]v1alpha1.Verdict{}
	for _, f := range preview.RequiredFlows {
		promised[f.Key()] = f.After
	}
	var out []Difference
	for _, f := range assess.OperatorFlows(after, key.Namespace) {
		was, told := promised[f.Key()]
		if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed && (!told || was == v1alpha1.VerdictAllowed) {
			out = append(out, Difference{Cluster: key, Flow: &f})
		}
	}
	return out
}

// operatorsOf are the namespaces whose operators' sets a plan changes.
func (plan Plan) operatorsOf() []string {
	var out []string
	for _, s := range plan.Changing() {
		for _, c := range s.Clusters {
			if IsOperator(c) && !slices.Contains(out, c.Namespace) {
				out = append(out, c.Namespace)
			}
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}
