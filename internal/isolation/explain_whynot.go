package isolation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// proposal is a change that the engine has found to let the source in.
type proposal struct {
	command, manifest string
	letsIn            v1alpha1.Exposed
}

// whyNot looks for the smallest change after which the source is let in.
func (m *Model) whyNot(c *cluster, targets []goal) (v1alpha1.AccessChange, error) {
	change := v1alpha1.AccessChange{Steps: []string{}}
	ingress, egress := m.denials(c, targets)
	if len(ingress) > 0 {
		if err := m.openIngress(c, targets, ingress, &change); err != nil {
			return change, err
		}
	}
	if len(egress) > 0 {
		change.Steps = append(change.Steps, m.openEgress(c, egress))
	}
	return change, nil
}

// denials are the directions that deny, at the target and at the source.
func (m *Model) denials(c *cluster, targets []goal) (ingress, egress []engine.Direction) {
	for _, o := range m.origins {
		for _, t := range targets {
			if t.port == 0 || o.is(t) {
				continue
			}
			in, out := m.directions(c, o, t)
			if in.Verdict == v1alpha1.Denied {
				ingress = append(ingress, in)
			}
			if out.Verdict == v1alpha1.Denied {
				egress = append(egress, out)
			}
		}
	}
	return ingress, egress
}

// openIngress proposes the change of the target's policies.
func (m *Model) openIngress(c *cluster, targets []goal, denials []engine.Direction, change *v1alpha1.AccessChange) error {
	rules, defaultDeny := blame(denials)
	options, err := policyset.FromLive(c.key(), m.managed(c))
	ours := err == nil
	var best *proposal
	if ours {
		options = options.For(c.key(), m.OperatorNamespaces())
		if _, err := policyset.Build(options); err != nil {
			change.Steps = append(change.Steps, fmt.Sprintf("The flags that the cluster was locked with can't be used again: %v.", err))
			ours = false
		}
	}
	if ours {
		best, err = m.bestCommand(c, targets, options)
		if err != nil {
			return err
		}
	}
	if best == nil {
		best, err = m.manifest(c, targets)
		if err != nil {
			return err
		}
	}
	switch {
	case best == nil && len(rules) > 0:
		change.Steps = append(change.Steps, fmt.Sprintf("Change or remove %s: %s.", inSeries(rules), itDenies(denials)))
		return nil
	case best == nil:
		change.Steps = append(change.Steps, "No change of one policy was found after which the engine lets it in and every required flow stays allowed.")
		return nil
	}
	change.Command, change.Manifest, change.LetsIn = best.command, best.manifest, &best.letsIn
	switch {
	case best.command != "":
		change.Steps = append(change.Steps, "Lock the cluster again, with a flag that lets it in.")
	case ours:
		change.Steps = append(change.Steps, "Lockdown has no flag for this: apply a policy of your own, which lockdown leaves alone.")
	case len(defaultDeny) > 0:
		change.Steps = append(change.Steps, fmt.Sprintf("Apply the policy below, or add its rule to one of those that deny by default: %s.", inSeries(defaultDeny)))
	default:
		change.Steps = append(change.Steps, "Apply the policy below.")
	}
	return nil
}

// openEgress says what has to change at the source, where lockdown changes nothing.
func (m *Model) openEgress(c *cluster, denials []engine.Direction) string {
	rules, defaultDeny := blame(denials)
	switch {
	case len(rules) > 0:
		return fmt.Sprintf("At the source, change or remove %s: %s.", inSeries(rules), itDenies(denials))
	case len(defaultDeny) > 0:
		return fmt.Sprintf("At the source, allow egress to the pods with %s=%s in namespace %s: add a rule to %s, or a policy beside it.",
			inventory.ClusterLabel, c.object.Name, c.object.Namespace, inSeries(defaultDeny))
	}
	return "At the source, add a policy that allows egress to the cluster: Cilium denies by default there (enable-policy: always)."
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

func inSeries(texts []string) string {
	if last := len(texts) - 1; last > 0 {
		return strings.Join(texts[:last], ", ") + " or " + texts[last]
	}
	return strings.Join(texts, "")
}

// bestCommand is the lockdown that lets in the source and the fewest others; nil when no flag does.
// Of equal ones, the first of the candidates counts.
func (m *Model) bestCommand(c *cluster, targets []goal, options policyset.Options) (*proposal, error) {
	var best *proposal
	for _, candidate := range m.candidates(c, targets, options) {
		policies, err := policyset.Build(candidate)
		if err != nil {
			continue // Two flags with one name: the next candidate may do.
		}
		kept := slices.DeleteFunc(slices.Clone(m.inv.Policies), func(p inventory.Policy) bool {
			return p.Kind == v1alpha1.CiliumNetworkPolicy && p.Namespace == c.object.Namespace && policyset.IsManaged(p.Labels, c.object.Name)
		})
		letsIn, ok, err := m.try(c, targets, kept, policies)
		if err != nil {
			return nil, err
		}
		if ok && (best == nil || smaller(letsIn, best.letsIn)) {
			command := bareLockdown(c)
			if flags := policyset.CommandLine(policyset.Flags(candidate)); flags != "" {
				command += " " + flags
			}
			best = &proposal{command: command, letsIn: letsIn}
		}
	}
	return best, nil
}

// manifest is the single policy that lets in the source and the fewest others; nil when none does.
func (m *Model) manifest(c *cluster, targets []goal) (*proposal, error) {
	var best *proposal
	for _, p := range m.snippets(c, targets) {
		policies := []policyset.Policy{p}
		letsIn, ok, err := m.try(c, targets, m.inv.Policies, policies)
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
