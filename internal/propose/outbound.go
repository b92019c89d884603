package propose

import (
	"fmt"
	"slices"

	"github.com/cilium/cilium/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// ForOutbound looks for the smallest change after which the database reaches its target: a policy for the way
// out, and one for the way in where the target is a pod that is shut as well. Where lockdown restricts what the database opens, and a
// flag of its lets out to the target, it is that lockdown.
func ForOutbound(o *explain.Outbound) (v1alpha1.AccessChange, error) {
	change := v1alpha1.AccessChange{Steps: []command.Text{}}
	if pods := unmanaged(o); len(pods) > 0 {
		change.Steps = append(change.Steps, restartPods(o.Model, pods))
		o = o.Under(o.Model.Restarted(pods))
	}
	denied := denialsOf(o)
	if len(denied) == 0 {
		return change, nil
	}
	if line, ok := bySet(o, denied); ok {
		change.Steps = append(change.Steps, command.Words("The lockdown with these flags lets it out:"))
		change.Command = line
		return change, nil
	}
	policies, steps := opening(o, denied)
	model, err := with(o.Model, o.Model.Inventory().Policies, policies)
	if err != nil {
		return change, err
	}
	after := o.Under(model)
	if left := denialsOf(after); len(left) > 0 || harms(o.Model, model, o.Cluster) {
		change.Steps = append(change.Steps, whatIsLeft(left)...)
		return change, nil
	}
	text, err := policyset.YAML(policies)
	if err != nil {
		return change, err
	}
	change.Steps, change.Manifest = append(change.Steps, steps...), string(text)
	if verdict := after.Explain().Verdict; verdict != v1alpha1.VerdictAllowed {
		change.Steps = append(change.Steps, command.Wordsf("With it, nothing denies the connection any more, and the verdict is %s: see the answer for the reason.", verdict))
	}
	return change, nil
}

// denial is a connection that is denied.
type denial struct {
	to       explain.Destined
	decision engine.Decision
}

// denialsOf are the connections that are denied.
func denialsOf(o *explain.Outbound) []denial {
	var out []denial
	for _, from := range o.Origins {
		for _, to := range o.Destination.Ends {
			if d := o.Decide(from, to); d.Verdict == v1alpha1.VerdictDenied {
				out = append(out, denial{to, d})
			}
		}
	}
	return out
}

// unmanaged are the pods that Cilium does not manage and that are denied for it, at either end.
func unmanaged(o *explain.Outbound) []int {
	var pods []int
	for _, from := range o.Origins {
		for _, to := range o.Destination.Ends {
			d := o.Decide(from, to)
			if d.Ingress.Verdict == v1alpha1.VerdictDenied && from.Unmanaged {
				pods = append(pods, podCalled(o, from.Name))
			}
			for _, a := range to.Alternatives {
				if d.Egress.Verdict == v1alpha1.VerdictDenied && len(a.Peer.Pods) > 0 && o.Model.IsUnmanaged(a.Peer.Pods[0]) {
					pods = append(pods, a.Peer.Pods[0])
				}
			}
		}
	}
	pods = slices.DeleteFunc(pods, func(pod int) bool { return pod < 0 })
	slices.Sort(pods)
	return slices.Compact(pods)
}

func podCalled(o *explain.Outbound, name string) int {
	for _, m := range o.Cluster.Members {
		if o.Model.Pod(m.Pod).Name == name {
			return m.Pod
		}
	}
	return -1
}

// opening are the policies that open what is denied, and what to do with them.
func opening(o *explain.Outbound, denied []denial) (policies []policyset.Policy, steps []command.Text) {
	var out, in []engine.Direction
	var ends []explain.Destined
	for _, d := range denied {
		if d.decision.Egress.Verdict == v1alpha1.VerdictDenied {
			out = append(out, d.decision.Egress)
			ends = append(ends, d.to)
		}
		if d.decision.Ingress.Verdict == v1alpha1.VerdictDenied {
			in = append(in, d.decision.Ingress)
		}
	}
	if len(out) > 0 {
		p, assumed := egressPolicy(o, ends)
		policies = append(policies, p)
		_, defaultDeny := blame(out)
		step := "Apply the policy below, which lets it out: lockdown leaves it alone."
		if len(defaultDeny) > 0 {
			step = fmt.Sprintf("Apply the policy below, which lets it out, or add its rules to one of those that deny by default: %s.", inSeries(defaultDeny))
		}
		steps = append(steps, command.Words(step))
		if assumed != "" {
			steps = append(steps, command.Wordsf("Look first whether the place is right: %s, and the policy names where it usually is.", assumed))
		}
	}
	if len(in) > 0 {
		policies = append(policies, ingressPolicies(o, denied)...)
		_, defaultDeny := blame(in)
		which := "the policy below, which lets it in at the target"
		if len(out) > 0 {
			which = "what follows it, which lets it in at the target"
		}
		step := "Apply " + which + "."
		if len(defaultDeny) > 0 {
			step = fmt.Sprintf("Apply %s, or add its rules to one of those that deny by default: %s.", which, inSeries(defaultDeny))
		}
		steps = append(steps, command.Words(step))
	}
	return policies, steps
}

// whatIsLeft says what a policy beside the others does not change.
func whatIsLeft(left []denial) []command.Text {
	var all []engine.Direction
	for _, d := range left {
		for _, direction := range []engine.Direction{d.decision.Egress, d.decision.Ingress} {
			if direction.Verdict == v1alpha1.VerdictDenied {
				all = append(all, direction)
			}
		}
	}
	if rules, _ := blame(all); len(rules) > 0 {
		return []command.Text{command.Wordsf("Change or remove %s: %s.", inSeries(rules), itDenies(all))}
	}
	return []command.Text{command.Words("No change was found after which the engine allows it and every required flow stays allowed.")}
}

// isOnNode tells whether rules by labels do not select a peer, because it is on its node's network.
func isOnNode(o *explain.Outbound, a explain.Alternative) bool {
	return len(a.Peer.Pods) > 0 && o.Model.IdentityOf(a.Peer.Pods[0]) == nil || o.Model.NodeAt(a.Peer.Address) != ""
}

// entitiesOf are the entities by which policies know a peer; none for those that have another form.
func entitiesOf(o *explain.Outbound, a explain.Alternative) []string {
	switch {
	case a.Peer.APIServer != nil:
		return []string{labels.IDNameKubeAPIServer}
	case a.Peer.Host:
		return []string{labels.IDNameHost}
	case isOnNode(o, a):
		return []string{labels.IDNameHost, labels.IDNameRemoteNode}
	}
	return nil
}
