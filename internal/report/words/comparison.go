package words

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// PostureChange is "LOCKED → BROKEN", or one posture where it stays or is in one state alone.
func PostureChange(p v1alpha1.PostureChange) string {
	switch {
	case p.Before == "" || p.Before == p.After:
		return string(p.After)
	case p.After == "":
		return string(p.Before)
	}
	return string(p.Before) + " → " + string(p.After)
}

// ComparisonSummary says what differs for a cluster: "2 required flows, 1 client loses access, 1 new finding".
func ComparisonSummary(c v1alpha1.ClusterComparison) string {
	var parts []string
	add := func(n int, one, many string) {
		switch n {
		case 0:
		case 1:
			parts = append(parts, "1 "+one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, many))
		}
	}
	denied, advisory := 0, 0
	for _, f := range c.RequiredFlows {
		switch {
		case f.Advisory:
			advisory++
		case f.After == v1alpha1.VerdictDenied:
			denied++
		}
	}
	add(denied, "required flow is blocked", "required flows are blocked")
	add(len(c.RequiredFlows)-denied-advisory, "required flow changes", "required flows change")
	add(advisory, "advisory flow changes", "advisory flows change")
	if c.Presence == v1alpha1.PresenceBoth {
		add(clients(c.Access.Loses), "client loses access", "clients lose access")
		add(clients(c.Access.Gains), "client gains access", "clients gain access")
	}
	add(len(c.Findings.New), "new finding", "new findings")
	if c.Presence == v1alpha1.PresenceBoth {
		add(len(c.Findings.Gone), "finding is gone", "findings are gone")
	}
	if len(c.Unknown) > 0 {
		parts = append(parts, "not all could be judged")
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

// clients counts who is meant, whatever they connect to.
func clients(all []v1alpha1.ClientChange) int {
	known := map[[3]string]bool{}
	for _, c := range all {
		known[[3]string{string(c.Entity), c.Namespace, c.Workload}] = true
	}
	return len(known)
}

// ComparisonTotals is the whole comparison in a sentence.
func ComparisonTotals(c v1alpha1.StateComparison) string {
	differ, doubtful := 0, 0
	for _, one := range c.Clusters {
		if one.Differs() {
			differ++
		}
		if len(one.Unknown) > 0 {
			doubtful++
		}
	}
	all := Count(len(c.Clusters)+c.Unchanged, "database")
	var text string
	switch {
	case len(c.Clusters)+c.Unchanged == 0:
		return fmt.Sprintf("no CloudNativePG cluster is in %s nor in %s", c.From, c.To)
	case differ == 0:
		text = fmt.Sprintf("nothing differs between %s and %s: %s", c.From, c.To, all)
	default:
		verb := "differ"
		if differ == 1 {
			verb = "differs"
		}
		text = fmt.Sprintf("%d of %s %s between %s and %s", differ, all, verb, c.From, c.To)
	}
	if doubtful > 0 {
		text += fmt.Sprintf("; %d could not be judged completely", doubtful)
	}
	if c.Findings.Differs() {
		text += "; so do findings that belong to no database"
	}
	return text
}

// SharedDoubt is why something is unknown, for the databases that it is about.
type SharedDoubt struct {
	v1alpha1.Doubt
	SharedFinding
}

// Doubts are all doubts of a comparison, each once.
func Doubts(c v1alpha1.StateComparison) []SharedDoubt {
	var out []SharedDoubt
	known := map[v1alpha1.Doubt]int{}
	for _, one := range c.Clusters {
		for _, d := range one.Unknown {
			i, ok := known[d]
			if !ok {
				i, known[d] = len(out), len(out)
				out = append(out, SharedDoubt{Doubt: d})
			}
			out[i].Clusters = append(out[i].Clusters, one.Metadata)
		}
	}
	return out
}

// DoubtSubject is which databases of which state a doubt is about: "shop/orders in ../base".
func DoubtSubject(c v1alpha1.StateComparison, d SharedDoubt) string {
	if d.Before {
		return d.Names() + " in " + c.From
	}
	return d.Names() + " in " + c.To
}

// VerdictChange is "allowed → DENIED", or one verdict with the state in which the flow is needed.
func VerdictChange(f v1alpha1.RequiredFlowChange) string {
	switch {
	case f.Before == "":
		return "new: " + string(f.After)
	case f.After == "":
		return string(f.Before) + " → not needed"
	}
	return string(f.Before) + " → " + string(f.After)
}
