package propose

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// proposal is a change that the engine has found to let the source in.
type proposal struct {
	command command.Line
	// options are those of the command.
	options  policyset.Options
	manifest string
	letsIn   v1alpha1.Exposed
	// restores is true for a command without a new flag, which brings back what has drifted.
	restores bool
	// everybody is true for a command that lets in whoever will run in the Kubernetes cluster.
	everybody bool
	// blocked are the required flows because of which lockdown would refuse the command.
	blocked []string
}

// beats tells whether a policy of the user's own is to be proposed and not the command, which is
// preferred where it lets in no more. Who runs now is not all: a command for everybody counts as more.
// What lockdown was told before is not to be told in other words.
func (p *proposal) beats(lockdown *proposal) bool {
	switch {
	case lockdown == nil:
		return true
	case lockdown.restores:
		return false
	case lockdown.everybody:
		return !smaller(lockdown.letsIn, p.letsIn)
	}
	return smaller(p.letsIn, lockdown.letsIn)
}

// others are who else is let in, in short.
func (p *proposal) others() string {
	var who []string
	switch n := p.letsIn.Pods; {
	case n == 1:
		who = append(who, "1 other pod")
	case n > 1:
		who = append(who, fmt.Sprintf("%d other pods", n))
	}
	if p.everybody {
		who = append(who, "every pod to come")
	}
	for _, entity := range p.letsIn.Entities {
		who = append(who, string(entity))
	}
	return inWords(who, "and")
}

// bestCommand is the lockdown that lets in the source and the fewest others; nil when no flag does.
// Of equal ones, the first of the candidates counts.
func bestCommand(q *explain.Question, options policyset.Options) (*proposal, error) {
	var best *proposal
	for i, candidate := range candidates(q, options) {
		policies, err := policyset.Build(candidate)
		if err != nil {
			continue // Two flags with one name: the next candidate may do.
		}
		kept := slices.DeleteFunc(slices.Clone(q.Model.Inventory().Policies), func(p inventory.Policy) bool {
			return p.Kind == v1alpha1.CiliumNetworkPolicy && p.Namespace == q.Cluster.Object.Namespace && policyset.IsManaged(p.Labels, q.Cluster.Object.Name)
		})
		letsIn, blocked, ok, err := try(q, kept, policies)
		if err != nil {
			return nil, err
		}
		if ok && (best == nil || smaller(letsIn, best.letsIn)) {
			line := assess.BareLockdown(q.Cluster).With(policyset.Flags(candidate)...)
			best = &proposal{command: line, options: candidate, letsIn: letsIn, restores: i == 0, blocked: blocked, everybody: candidate.Everybody() && !options.Everybody()}
		}
	}
	return best, nil
}

// manifest is the single policy that lets in the source and the fewest others; nil when none does.
func manifest(q *explain.Question) (*proposal, error) {
	var best *proposal
	for _, p := range snippets(q) {
		policies := []policyset.Policy{p}
		letsIn, _, ok, err := try(q, q.Model.Inventory().Policies, policies)
		if err != nil {
			return nil, err
		}
		if ok && (best == nil || smaller(letsIn, best.letsIn)) {
			text, err := policyset.YAML(policies)
			if err != nil {
				return nil, err
			}
			best = &proposal{manifest: string(text), letsIn: letsIn}
		}
	}
	return best, nil
}

// smaller compares entities first: one of them, such as all other nodes, is more than any pod.
func smaller(a, b v1alpha1.Exposed) bool {
	if len(a.Entities) != len(b.Entities) {
		return len(a.Entities) < len(b.Entities)
	}
	return a.Pods < b.Pods
}
