package text

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// mostAlike is how many findings of one code and severity are written before the others are counted.
const mostAlike = 5

// findings writes each as a block: severity and code, the sentence, the remedy. Of many of one kind, as one policy after the
// other that can't be read, it writes the first and the number of the others.
func (p *page) findings(findings []v1alpha1.Finding) {
	type kind struct {
		code     v1alpha1.FindingCode
		severity v1alpha1.Severity
	}
	left, written := map[kind]int{}, map[kind]int{}
	for _, f := range findings {
		left[kind{f.Code, f.Severity}]++
	}
	for _, f := range findings {
		of := kind{f.Code, f.Severity}
		if !p.wide && written[of] == mostAlike && left[of] > 1 {
			p.paragraph(2, fmt.Sprintf("and %d more %s (-o wide shows all)", left[of], f.Code), p.severity(f.Severity))
			left[of] = 0
		}
		if left[of] == 0 {
			continue
		}
		left[of]--
		written[of]++
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
