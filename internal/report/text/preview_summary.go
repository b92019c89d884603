package text

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// summary is the last line of a preview: "3 policies to create; 2 workloads lose access; required
// flows stay allowed".
func summary(preview v1alpha1.ChangePreview) string {
	parts := append([]string{stepSummary(preview.Policies)}, accessSummary(preview.Access)...)
	if n := len(preview.Bystanders); n > 0 {
		parts = append(parts, words.Count(n, "other workload")+" affected")
	}
	if flows := flowSummary(preview.RequiredFlows); flows != "" {
		parts = append(parts, flows)
	}
	return strings.Join(parts, "; ")
}

func stepSummary(steps []v1alpha1.PolicyChange) string {
	counts := map[v1alpha1.PolicyAction]int{}
	for _, step := range steps {
		counts[step.Action]++
	}
	var parts []string
	for _, action := range []v1alpha1.PolicyAction{v1alpha1.PolicyCreate, v1alpha1.PolicyUpdate, v1alpha1.PolicyDelete} {
		switch n := counts[action]; {
		case n == 0:
		case len(parts) == 0:
			parts = append(parts, words.Count(n, "policy")+" to "+string(action))
		default:
			parts = append(parts, fmt.Sprintf("%d to %s", n, action))
		}
	}
	if len(parts) == 0 {
		return "no policy to change"
	}
	return strings.Join(parts, ", ")
}

// fewAddresses is how many parts of the world a summary names.
const fewAddresses = 3

// accessSummary counts workloads by change; sources that are no workloads are named.
func accessSummary(all v1alpha1.AccessChanges) []string {
	var parts []string
	for _, change := range []accessChange{loses, gains} {
		var who []string
		workloads, addresses := 0, 0
		changes := change.of(all)
		for i, c := range changes {
			if i > 0 && sameClient(changes[i-1], c) {
				continue
			}
			_, isAddress := c.Entity.Addresses()
			switch {
			case c.Namespace != "":
				workloads++
			case isAddress && addresses >= fewAddresses:
				addresses++
			default:
				if isAddress {
					addresses++
				}
				who = append(who, c.Entity.Short())
			}
		}
		if more := addresses - fewAddresses; more > 0 {
			who = append(who, moreAddresses(more))
		}
		n := len(who) + workloads
		if workloads > 0 {
			who = append(who, words.Count(workloads, "workload"))
		}
		if n > 0 {
			parts = append(parts, words.Series(who)+" "+inflect(n, change)+" access")
		}
	}
	if len(parts) == 0 {
		return []string{"nobody gains or loses access"}
	}
	return parts
}

// inflect is "loses" for one and "lose" for several.
func inflect(n int, change accessChange) string {
	if n == 1 {
		return string(change)
	}
	return strings.TrimSuffix(string(change), "s")
}

// flowSummary counts the flows that the cluster needs, and the advisory ones that change beside them.
func flowSummary(flows []v1alpha1.RequiredFlowChange) string {
	summary := requiredSummary(flows)
	changed := 0
	for _, flow := range flows {
		if flow.Advisory && flow.Before != flow.After {
			changed++
		}
	}
	if changed == 0 || summary == "" {
		return summary
	}
	verb := " changes"
	if changed > 1 {
		verb = " change"
	}
	return summary + "; " + words.Count(changed, "advisory flow") + verb
}

func requiredSummary(flows []v1alpha1.RequiredFlowChange) string {
	denied, unknown, repaired, required := 0, 0, 0, 0
	for _, flow := range flows {
		if flow.Advisory {
			continue
		}
		required++
		switch {
		case flow.After == v1alpha1.VerdictDenied:
			denied++
		case flow.After != v1alpha1.VerdictAllowed:
			unknown++
		case flow.Before == v1alpha1.VerdictDenied:
			repaired++
		}
	}
	switch {
	case required == 0:
		return ""
	case denied > 0:
		return words.Count(denied, "required flow") + " BLOCKED"
	case unknown > 0:
		return words.Count(unknown, "required flow") + " cannot be judged"
	case repaired > 0:
		return words.Count(repaired, "required flow") + " allowed again"
	default:
		return "required flows stay allowed"
	}
}
