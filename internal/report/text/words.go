package text

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

func (p *page) posture(posture v1alpha1.Posture) style {
	switch posture {
	case v1alpha1.PostureLocked:
		return p.colors.Good
	case v1alpha1.PostureOpen:
		return p.colors.Bad
	case v1alpha1.PostureBroken:
		return p.colors.Alarm
	default:
		return p.colors.Warn
	}
}

// verdict is capital where somebody has to act.
func (p *page) verdict(verdict v1alpha1.Verdict, advisory bool) cell {
	switch {
	case verdict == v1alpha1.VerdictAllowed:
		return painted("allowed", p.colors.Good)
	case verdict == v1alpha1.VerdictDenied && advisory:
		return painted("denied (advisory)", p.colors.Warn)
	case verdict == v1alpha1.VerdictDenied:
		return painted("DENIED", p.colors.Alarm)
	default:
		return painted(string(verdict), p.colors.Warn)
	}
}

// policyNames are short references, or full ones in wide.
func (p *page) policyNames(references []v1alpha1.PolicyReference) []string {
	names := make([]string, 0, len(references))
	for _, r := range references {
		if p.wide {
			names = append(names, r.String())
		} else {
			names = append(names, words.ShortReference(r))
		}
	}
	return names
}
