package change

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Proposal is a change before it is made: the plan, what it would mean, and why it should not go on.
type Proposal struct {
	Plan Plan
	// Previews are one for each cluster, in the order in which they were asked for.
	Previews []Preview
	// Refusals are the reasons not to go on, of all clusters, each once.
	Refusals []v1alpha1.Refusal

	// remaining are the clusters for which there are managed policies when the plan is carried out.
	remaining map[types.NamespacedName]bool
}

// ProposeLockdown proposes the sets that the options ask for, one for each cluster.
func ProposeLockdown(m *model.Model, options []policyset.Options) (Proposal, error) {
	plan, err := Lockdown(m.Inventory().Policies, options)
	if err != nil {
		return Proposal{}, err
	}
	clusters := make([]types.NamespacedName, len(options))
	for i, o := range options {
		clusters[i] = o.Cluster
	}
	p, err := Propose(m, plan, clusters)
	if err != nil {
		return Proposal{}, err
	}
	for i, o := range options {
		if IsOperator(o.Cluster) {
			p.Previews[i] = restrictsOperator(m, o, p.Previews[i])
			continue
		}
		p.Previews[i].Refusals = append(p.Previews[i].Refusals, withoutPoolers(m, o)...)
		p.Previews[i] = restrictsEgress(m, o, p.Previews[i])
	}
	p.Refusals = refusalsOf(p.Previews)
	return p, nil
}

// refusalsOf are the refusals of previews, each once.
func refusalsOf(previews []Preview) []v1alpha1.Refusal {
	said := map[v1alpha1.Refusal]bool{}
	var out []v1alpha1.Refusal
	for _, preview := range previews {
		for _, r := range preview.Refusals {
			if !said[r] {
				said[r], out = true, append(out, r)
			}
		}
	}
	return out
}

// ProposeUnlock proposes the removal of everything that is managed for the clusters.
func ProposeUnlock(m *model.Model, clusters []types.NamespacedName) (Proposal, error) {
	p, err := Propose(m, Unlock(m.Inventory().Policies, clusters), clusters)
	if err != nil {
		return Proposal{}, err
	}
	return p.refusingLosses(), nil
}

// refusingLosses is the proposal of a removal. It is refused only when it takes away a required flow: what is wrong
// already, or not known, is no reason to keep policies.
func (p Proposal) refusingLosses() Proposal {
	p.Refusals = nil
	p.Previews = slices.Clone(p.Previews)
	for i, preview := range p.Previews {
		p.Previews[i].Refusals = []v1alpha1.Refusal{}
		for _, f := range preview.RequiredFlows {
			if f.Advisory || f.Before != v1alpha1.VerdictAllowed || f.After != v1alpha1.VerdictDenied {
				continue
			}
			r := v1alpha1.Refusal{
				Reason: v1alpha1.RefusalFlowBlocked,
				Message: fmt.Sprintf("the required flow %s of %s would be denied, because a default deny stays that others need: unlock them in the same command, or lock them down with --scope cluster first",
					f.Name, Called(keyOfCluster(preview))),
			}
			p.Previews[i].Refusals, p.Refusals = append(p.Previews[i].Refusals, r), append(p.Refusals, r)
		}
	}
	return p
}

// Propose asks the engine what a plan, made for the policies of the model, would mean for the clusters. Its units follow
// each other.
func Propose(before *model.Model, plan Plan, clusters []types.NamespacedName) (Proposal, error) {
	plan = plan.InUnits()
	policies := before.Inventory().Policies
	left := plan.After(policies, len(plan.Steps))
	after, err := before.With(left)
	if err != nil {
		return Proposal{}, err
	}
	order, err := CheckOrder(before, policies, plan)
	if err != nil {
		return Proposal{}, err
	}
	shared := []v1alpha1.Refusal{}
	for _, conflict := range plan.Conflicts {
		shared = append(shared, v1alpha1.Refusal{Reason: v1alpha1.RefusalPolicyOfOthers, Message: conflict})
	}
	shared = append(shared, order...)
	p := Proposal{Plan: plan, remaining: remaining(left, clusters)}
	x, steps := newComparison(before, after, clusters), plan.byCluster()
	for _, c := range clusters {
		one, err := x.preview(c, steps[c])
		if err != nil {
			return Proposal{}, err
		}
		one.Refusals = append(slices.Clip(shared), one.Refusals...)
		p.Previews = append(p.Previews, one)
	}
	p.Refusals = refusalsOf(p.Previews)
	return p, nil
}

// remaining are the clusters for which one of the policies is managed.
func remaining(policies []inventory.Policy, clusters []types.NamespacedName) map[types.NamespacedName]bool {
	in := map[string][]inventory.Policy{}
	for _, p := range policies {
		if p.Kind == v1alpha1.CiliumNetworkPolicy {
			in[p.Namespace] = append(in[p.Namespace], p)
		}
	}
	out := map[types.NamespacedName]bool{}
	for _, c := range clusters {
		out[c] = slices.ContainsFunc(in[c.Namespace], func(p inventory.Policy) bool { return policyset.IsManaged(p.Labels, c.Name) })
	}
	return out
}

// Verify compares what is there after the change with what was promised: each required flow that was to be
// allowed is, and for a cluster for which no policy was to be left, none is there.
func (p Proposal) Verify(after *model.Model) []Difference {
	var out []Difference
	for _, preview := range p.Previews {
		key := keyOfCluster(preview)
		if !p.remaining[key] {
			for _, s := range Unlock(after.Inventory().Policies, []types.NamespacedName{key}).Steps {
				out = append(out, Difference{Cluster: key, Policy: s.Policy})
			}
		}
		if IsOperator(key) {
			out = append(out, verifyOperator(after, preview)...)
			continue
		}
		c := after.Cluster(key)
		if c == nil {
			continue
		}
		promised := map[v1alpha1.FlowKey]v1alpha1.Verdict{}
		for _, f := range preview.RequiredFlows {
			promised[f.Key()] = f.After
		}
		for _, f := range assess.RequiredFlows(after, c) {
			// What no policy has to do with is not in the preview.
			was, told := promised[f.Key()]
			if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed && (!told || was == v1alpha1.VerdictAllowed) {
				out = append(out, Difference{Cluster: key, Flow: &f})
			}
		}
	}
	return out
}

// Observed is the proposal with the postures that are there now in place of those that were computed; none of a cluster
// that has gone meanwhile.
func (p Proposal) Observed(after *model.Model) Proposal {
	p.Previews = slices.Clone(p.Previews)
	for i, preview := range p.Previews {
		p.Previews[i].Posture.After = ""
		if c := after.Cluster(keyOfCluster(preview)); c != nil {
			p.Previews[i].Posture.After = assess.Report(after, c).Posture
		}
	}
	return p
}

// Clusters are those that were asked for.
func (p Proposal) Clusters() []types.NamespacedName {
	out := make([]types.NamespacedName, len(p.Previews))
	for i, preview := range p.Previews {
		out[i] = keyOfCluster(preview)
	}
	return out
}

func keyOfCluster(p Preview) types.NamespacedName {
	return types.NamespacedName{Namespace: p.Metadata.Namespace, Name: p.Metadata.Name}
}

// Difference is something that is not as the preview said.
type Difference struct {
	Cluster types.NamespacedName
	// Flow is a required flow that was to be allowed, as it is now; nil when it is about Policy.
	Flow *v1alpha1.RequiredFlow
	// Policy was to be gone and is there.
	Policy v1alpha1.PolicyReference
}

// Error says what is, and what was promised.
func (d Difference) Error() string {
	if d.Flow == nil {
		return fmt.Sprintf("verification: %s is still there", d.Policy)
	}
	return fmt.Sprintf("verification of %s: the required flow %s is %s, the preview said %s: %s",
		Called(d.Cluster), d.Flow.Name, d.Flow.Verdict, v1alpha1.VerdictAllowed, d.Flow.Message)
}

// Join makes one error of all differences; nil when there is none.
func Join(differences []Difference) error {
	errs := make([]error, len(differences))
	for i, d := range differences {
		errs[i] = d
	}
	return errors.Join(errs...)
}
