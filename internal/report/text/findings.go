package text

import (
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

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
