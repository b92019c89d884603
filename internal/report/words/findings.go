package words

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// severities are all, the gravest first.
func severities() []v1alpha1.Severity {
	return []v1alpha1.Severity{v1alpha1.SeverityError, v1alpha1.SeverityWarning, v1alpha1.SeverityInfo}
}

// FindingCounts is "2 errors, 1 warning", or "none". Info findings count in wide only.
func FindingCounts(findings []v1alpha1.Finding, wide bool) string {
	var parts []string
	for _, severity := range severities() {
		n := 0
		for _, f := range findings {
			if f.Severity == severity {
				n++
			}
		}
		switch {
		case n == 0:
		case severity != v1alpha1.SeverityInfo:
			parts = append(parts, Count(n, string(severity)))
		case wide:
			parts = append(parts, fmt.Sprintf("%d info", n))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// Visible are the findings to show, errors first, and how many are left out: info findings, unless
// wide.
func Visible(findings []v1alpha1.Finding, wide bool) (shown []v1alpha1.Finding, hidden int) {
	for _, severity := range severities() {
		for _, f := range findings {
			switch {
			case f.Severity != severity:
			case severity == v1alpha1.SeverityInfo && !wide:
				hidden++
			default:
				shown = append(shown, f)
			}
		}
	}
	return shown, hidden
}
