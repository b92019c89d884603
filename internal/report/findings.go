package report

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// severities are all, the gravest first.
func severities() []v1alpha1.Severity {
	return []v1alpha1.Severity{v1alpha1.SeverityError, v1alpha1.SeverityWarning, v1alpha1.SeverityInfo}
}

// findingCounts is "2 errors, 1 warning", or "none". Info findings count in wide only.
func (p *page) findingCounts(findings []v1alpha1.Finding) string {
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
			parts = append(parts, count(n, string(severity)))
		case p.wide:
			parts = append(parts, fmt.Sprintf("%d info", n))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// visible are the findings that this format shows, errors first, and how many it does not.
func (p *page) visible(findings []v1alpha1.Finding) (shown []v1alpha1.Finding, hidden int) {
	for _, severity := range severities() {
		for _, f := range findings {
			switch {
			case f.Severity != severity:
			case severity == v1alpha1.SeverityInfo && !p.wide:
				hidden++
			default:
				shown = append(shown, f)
			}
		}
	}
	return shown, hidden
}

// findings writes each as a block: severity and code, the sentence, the remedy.
func (p *page) findings(findings []v1alpha1.Finding) {
	for _, f := range findings {
		p.paragraph(2, strings.ToUpper(string(f.Severity))+"  "+string(f.Code), p.severity(f.Severity))
		p.paragraph(4, f.Message, nil)
		p.remedy(4, f.Remedy)
	}
}

func (p *page) severity(severity v1alpha1.Severity) style {
	switch severity {
	case v1alpha1.SeverityError:
		return p.colors.Alarm
	case v1alpha1.SeverityWarning:
		return p.colors.Warn
	default:
		return p.colors.Heading
	}
}
