package words

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// SharedFinding is a finding and the clusters that have it; none for one that belongs to no cluster.
type SharedFinding struct {
	v1alpha1.Finding
	Clusters []v1alpha1.Metadata
	// places are those of the finding in the reports after the first.
	places []v1alpha1.Location
}

// Shared are all findings of reports, each once, in the order of the reports: where several clusters have
// the same, with all of them. A posture that is unknown for no reason that is a finding is one, too.
func Shared(list v1alpha1.IsolationReportList) []SharedFinding {
	var out []SharedFinding
	type key struct {
		code            v1alpha1.FindingCode
		severity        v1alpha1.Severity
		message, remedy string
		// alone is true for what belongs to no cluster.
		alone bool
	}
	known := map[key]int{}
	add := func(f v1alpha1.Finding, cluster ...v1alpha1.Metadata) {
		key := key{f.Code, f.Severity, f.Message, f.Remedy.String(), len(cluster) == 0}
		i, ok := known[key]
		if !ok {
			known[key] = len(out)
			out = append(out, SharedFinding{Finding: f, Clusters: cluster})
			return
		}
		out[i].Clusters = append(out[i].Clusters, cluster...)
		out[i].places = append(out[i].places, f.At...)
	}
	for _, r := range list.Items {
		for _, f := range r.Findings {
			add(f, r.Metadata)
		}
		if f, ok := Unexplained(r); ok {
			add(f, r.Metadata)
		}
	}
	for _, f := range list.Findings {
		add(f)
	}
	return out
}

// Places are where the finding is to be corrected, each once; for a finding of objects of a server that has no place, its clusters.
func (s SharedFinding) Places() []v1alpha1.Location {
	var out []v1alpha1.Location
	for _, at := range slices.Concat(s.At, s.places) {
		if !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, c := range s.Clusters {
		out = append(out, v1alpha1.Location{Kind: "Cluster", Namespace: c.Namespace, Name: c.Name})
	}
	return out
}

// Names are the clusters in a few words: "shop/orders and shop/carts", "12 clusters". Empty for none.
func (s SharedFinding) Names() string {
	if len(s.Clusters) > firstPolicies {
		return Count(len(s.Clusters), "cluster")
	}
	names := make([]string, len(s.Clusters))
	for i, c := range s.Clusters {
		names[i] = ClusterName(c)
	}
	return Series(names)
}

// Unexplained is a finding for a cluster of which the posture is unknown because a required flow can't be judged: what is
// unknown is never passed over, where only findings are shown.
func Unexplained(r v1alpha1.IsolationReport) (v1alpha1.Finding, bool) {
	explained := slices.ContainsFunc(r.Findings, func(f v1alpha1.Finding) bool {
		return f.Code.LacksEvidence() && f.Severity == v1alpha1.SeverityError
	})
	if r.Posture != v1alpha1.PostureUnknown || explained {
		return v1alpha1.Finding{}, false
	}
	return v1alpha1.Finding{
		Code: v1alpha1.EvidenceMissing, Severity: v1alpha1.SeverityError, Message: "the posture is unknown: " + WhyUnknown(r),
		Remedy: command.Words("Do not take the cluster for safe; see its required flows."),
	}, true
}

// WhyUnknown is why the posture of a cluster is unknown: what lacks evidence, or the flow that can't be judged.
func WhyUnknown(r v1alpha1.IsolationReport) string {
	for _, f := range r.Findings {
		if f.Code.LacksEvidence() && f.Severity == v1alpha1.SeverityError {
			return f.Message
		}
	}
	for _, f := range r.RequiredFlows {
		if f.Verdict == v1alpha1.VerdictUnknown && !f.Advisory {
			return f.Message
		}
	}
	return "evidence is missing"
}
