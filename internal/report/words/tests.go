package words

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Outcome is how an expectation ended: in capitals where somebody has to act.
func Outcome(o v1alpha1.TestOutcome) string {
	switch o {
	case v1alpha1.OutcomeNotMet:
		return "NOT MET"
	case v1alpha1.OutcomeUnknown:
		return "UNKNOWN"
	case v1alpha1.OutcomeMet:
	}
	return string(o)
}

// TestedFrom is who connects: "deployment/api", with its namespace in front when it is not the cluster's. It is empty
// for a posture.
func TestedFrom(r v1alpha1.TestResult) string {
	switch {
	case r.From == nil:
		return ""
	case r.Outbound && r.From.Name == (v1alpha1.Target{}).String():
		return ClusterName(r.Metadata)
	case r.Outbound:
		return ClusterName(r.Metadata) + ", " + r.From.Name
	case r.From.Namespace == "" || r.From.Namespace == r.Metadata.Namespace || r.From.Name == "namespace/"+r.From.Namespace:
		return r.From.Name
	case strings.HasPrefix(r.From.Name, "a pod "):
		return r.From.Name + " in " + r.From.Namespace
	}
	return r.From.Namespace + "/" + r.From.Name
}

// TestedTo is what is connected to, or the cluster whose posture is expected. postgres is the port that goes without
// saying.
func TestedTo(r v1alpha1.TestResult) string {
	const postgres = "5432"
	switch {
	case r.Target == nil:
		return clusterOf(r.Metadata)
	case r.Outbound && r.Port == "" || r.Target.Needed == "dns" || r.Target.Needed == "api-server":
		return r.Target.String()
	case r.Outbound && strings.Contains(r.Target.Needed, ":"):
		return "[" + r.Target.Needed + "]:" + r.Port
	case r.Outbound:
		return r.Target.String() + ":" + r.Port
	}
	to := clusterOf(r.Metadata)
	if r.Target.Pooler != "" {
		to += ", pooler " + r.Target.Pooler
	}
	if r.Port != "" && r.Port != postgres {
		to += ", port " + r.Port
	}
	return to
}

// clusterOf is the name alone for a cluster of which no namespace is known.
func clusterOf(m v1alpha1.Metadata) string {
	if m.Namespace == "" && m.Context == "" {
		return m.Name
	}
	return ClusterName(m)
}

// Expectation is what is expected in one line: "deployment/api → shop/orders must be allowed".
func Expectation(r v1alpha1.TestResult) string {
	if r.From == nil {
		return TestedTo(r) + " must be " + r.Expected
	}
	return TestedFrom(r) + " → " + TestedTo(r) + " must be " + r.Expected
}

// TestTotals sums all of them up: "5 expectations: 3 met, 1 not met, 1 unknown".
func TestTotals(t v1alpha1.TestReport) string {
	total := len(t.Results)
	if total == t.Met && total > 1 {
		return Count(total, "expectation") + ", all met"
	}
	return strings.TrimSuffix(Count(total, "expectation")+": "+TestCounts(t), ": ")
}

// TestCounts are how many ended how: "3 met, 1 not met, 1 unknown".
func TestCounts(t v1alpha1.TestReport) string {
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{{t.Met, "met"}, {t.NotMet, "not met"}, {t.Unknown, "unknown"}} {
		if part.n > 0 {
			parts = append(parts, strconv.Itoa(part.n)+" "+part.what)
		}
	}
	return strings.Join(parts, ", ")
}

// Found is what holds, and why: "it is allowed: no policy restricts it".
func Found(r v1alpha1.TestResult) string {
	found := "it is " + r.Actual
	switch {
	case r.Outcome == v1alpha1.OutcomeUnknown:
		return strings.TrimPrefix(r.Message, "it is unknown: ")
	case r.Actual == "differs":
		found = "it differs"
	}
	if r.Message == "" {
		return found
	}
	return found + ": " + r.Message
}

// PlaceOf is where an expectation stands: "tests.yaml document 1, expect[2]".
func PlaceOf(r v1alpha1.TestResult) string {
	return fmt.Sprintf("%s document %d, %s", r.File, r.Document, r.Path)
}
