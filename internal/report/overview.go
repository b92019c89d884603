package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// overview writes several clusters: one line for each, then what is wrong with them.
func (p *page) overview(reports []v1alpha1.IsolationReport) error {
	g := grid{columns: []column{
		{header: "NAMESPACE", flexible: true, limit: p.limit(1)},
		{header: "CLUSTER", flexible: true, limit: p.limit(2)},
		{header: "POSTURE"},
		{header: "PODS"},
		{header: "POLICIES"},
		{header: "CLIENTS", flexible: true},
		{header: "FINDINGS", flexible: true},
	}}
	for _, r := range reports {
		g.add(
			text(r.Metadata.Namespace),
			text(r.Metadata.Name),
			painted(string(r.Posture), p.posture(r.Posture)),
			text(strconv.Itoa(len(r.Pods))),
			text(strconv.Itoa(len(r.Policies))),
			p.shortClients(r),
			text(p.findingCounts(r.Findings)),
		)
	}
	if err := p.table(0, g); err != nil {
		return err
	}
	for _, r := range reports {
		if shown, _ := p.visible(r.Findings); len(shown) > 0 {
			p.section(clusterName(r.Metadata))
			p.findings(shown)
		}
	}
	p.out.WriteByte('\n')
	p.paragraph(0, postureCounts(reports), nil)
	return nil
}

// postureCounts is the last line, worst first: "4 clusters: 1 BROKEN, 1 OPEN, 2 LOCKED".
func postureCounts(reports []v1alpha1.IsolationReport) string {
	var parts []string
	for _, posture := range []v1alpha1.Posture{
		v1alpha1.Broken, v1alpha1.Open, v1alpha1.Unknown, v1alpha1.Partial, v1alpha1.Locked,
	} {
		n := 0
		for _, r := range reports {
			if r.Posture == posture {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, posture))
		}
	}
	return count(len(reports), "cluster") + ": " + strings.Join(parts, ", ")
}
