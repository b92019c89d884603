package words

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Totals counts the postures, and the contexts that failed.
func Totals(list v1alpha1.IsolationReportList) string {
	var parts []string
	if len(list.Items) > 0 {
		parts = append(parts, postureCounts(list.Items))
	}
	if n := len(list.Errors); n > 0 {
		parts = append(parts, Count(n, "context")+" failed")
	}
	return strings.Join(parts, "; ")
}

// postureCounts is the last line, worst first: "4 clusters: 1 BROKEN, 1 OPEN, 2 LOCKED".
func postureCounts(reports []v1alpha1.IsolationReport) string {
	var parts []string
	for _, posture := range []v1alpha1.Posture{
		v1alpha1.PostureBroken, v1alpha1.PostureOpen, v1alpha1.PostureUnknown, v1alpha1.PosturePartial, v1alpha1.PostureLocked,
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
	return Count(len(reports), "cluster") + ": " + strings.Join(parts, ", ")
}
