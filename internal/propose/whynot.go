package propose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// For looks for the smallest change after which the source is let in.
func For(q *explain.Question) (v1alpha1.AccessChange, error) {
	change := v1alpha1.AccessChange{Steps: []command.Text{}}
	if pods := toRestart(q); len(pods) > 0 {
		change.Steps = append(change.Steps, restartStep(q, pods))
		q = restarted(q, pods)
	}
	ingress, egress := denials(q)
	if len(ingress) > 0 {
		if err := openIngress(q, ingress, &change); err != nil {
			return change, err
		}
	}
	if len(egress) > 0 {
		change.Steps = append(change.Steps, openEgress(q, egress))
	}
	return change, nil
}

// denials are the directions that deny, at the target and at the source.
func denials(q *explain.Question) (ingress, egress []engine.Direction) {
	for _, o := range q.Origins {
		for _, t := range q.Goals {
			if t.Port == 0 || !o.Asks(t) {
				continue
			}
			in, out := q.Directions(o, t)
			if in.Verdict == v1alpha1.VerdictDenied {
				ingress = append(ingress, in)
			}
			if out.Verdict == v1alpha1.VerdictDenied {
				egress = append(egress, out)
			}
		}
	}
	return ingress, egress
}

// openIngress proposes the change of the target's policies.
func openIngress(q *explain.Question, denials []engine.Direction, change *v1alpha1.AccessChange) error {
	rules, defaultDeny := blame(denials)
	options, err := policyset.FromLive(q.Cluster.Key(), assess.Managed(q.Model, q.Cluster))
	ours := err == nil
	var lockdown *proposal
	if ours {
		options = assess.Surrounded(q.Model, options, q.Cluster.Key())
		options.RehearsedSince = time.Time{} // What is proposed is the lockdown.
		if _, err := policyset.Build(options); err != nil {
			change.Steps = append(change.Steps, command.Wordsf("The flags that the cluster was locked with can't be used again: %v.", err))
			ours = false
		}
	}
	if ours {
		lockdown, err = bestCommand(q, options)
		if err != nil {
			return err
		}
	}
	own, err := manifest(q)
	if err != nil {
		return err
	}
	best := lockdown
	if own != nil && own.beats(lockdown) {
		best = own
	}
	if ours && options.ThroughPoolers && q.Target.Pooler == "" && slices.Contains(ports(q.Goals), cnpg.PostgresPort) {
		change.Steps = append(change.Steps, command.Wordsf("The cluster was locked with %s: its clients connect to a pooler, and no flag lets them in to the instances.",
			policyset.FlagThroughPoolers))
	}
	switch {
	case best == nil && len(rules) > 0:
		change.Steps = append(change.Steps, command.Wordsf("Change or remove %s: %s.", inSeries(rules), itDenies(denials)))
		return nil
	case best == nil:
		change.Steps = append(change.Steps, command.Words("No change of one policy was found after which the engine lets it in and every required flow stays allowed."))
		return nil
	}
	change.Command, change.Manifest, change.LetsIn = best.command, best.manifest, &best.letsIn
	switch {
	case !best.command.IsZero():
		if len(best.blocked) > 0 {
			change.Steps = append(change.Steps, command.Wordsf("First let the cluster have what it needs, for lockdown refuses as long as something of it is not allowed (%s); the findings say what to do:",
				strings.Join(best.blocked, ", ")).Run(command.Plugin("status", q.Cluster.Object.Name).In(q.Cluster.Object.Namespace)))
		}
		change.Steps = append(change.Steps, command.Words("Lock the cluster again, with a flag that lets it in."))
	case lockdown != nil:
		change.Steps = append(change.Steps,
			command.Words("Lockdown has no flag that is as narrow: apply a policy of your own, which lockdown leaves alone."),
			command.Wordsf("Its narrowest flag also lets in %s:", lockdown.others()).Run(lockdown.command))
	case ours:
		change.Steps = append(change.Steps, command.Words("Lockdown has no flag for this: apply a policy of your own, which lockdown leaves alone."))
	case len(defaultDeny) > 0:
		change.Steps = append(change.Steps, command.Wordsf("Apply the policy below, or add its rule to one of those that deny by default: %s.", inSeries(defaultDeny)))
	default:
		change.Steps = append(change.Steps, command.Words("Apply the policy below."))
	}
	return nil
}

// openEgress says what has to change at the source, where lockdown changes nothing.
func openEgress(q *explain.Question, denials []engine.Direction) command.Text {
	rules, defaultDeny := blame(denials)
	switch {
	case len(rules) > 0:
		return command.Wordsf("At the source, change or remove %s: %s.", inSeries(rules), itDenies(denials))
	case len(defaultDeny) > 0:
		label, value := cnpg.ClusterLabel, q.Cluster.Object.Name
		if pooler := q.Target.Pooler; pooler != "" {
			label, value = cnpg.PoolerNameLabel, pooler
		}
		return command.Wordsf("At the source, allow egress to the pods with %s=%s in namespace %s: add a rule to %s, or a policy beside it.",
			label, value, q.Cluster.Object.Namespace, inSeries(defaultDeny))
	}
	return command.Words("At the source, add a policy that allows egress to the cluster: Cilium denies by default there (enable-policy: always).")
}

// blame are the rules and the default denies that the directions name, each once, in words.
func blame(denials []engine.Direction) (rules, defaultDeny []string) {
	for _, d := range denials {
		for _, r := range d.Rules {
			rules = append(rules, fmt.Sprintf("%s of %s", r.Path, r.PolicyReference))
		}
		for _, ref := range d.DefaultDeny {
			defaultDeny = append(defaultDeny, ref.String())
		}
	}
	slices.Sort(rules)
	slices.Sort(defaultDeny)
	return slices.Compact(rules), slices.Compact(defaultDeny)
}

// itDenies leaves out that nothing overrides the denial where it has a tier and a priority: what comes
// before it does, and all policies come before the tier Baseline.
func itDenies(denials []engine.Direction) string {
	for _, d := range denials {
		if slices.ContainsFunc(d.Rules, func(r engine.Rule) bool { return r.Kind == v1alpha1.ClusterNetworkPolicy }) {
			return "it denies"
		}
	}
	return "it denies, and no rule that allows can override it"
}

func inSeries(texts []string) string { return inWords(texts, "or") }

func inWords(texts []string, last string) string {
	if end := len(texts) - 1; end > 0 {
		return strings.Join(texts[:end], ", ") + " " + last + " " + texts[end]
	}
	return strings.Join(texts, "")
}
