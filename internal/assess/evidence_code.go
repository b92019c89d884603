package assess

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// codeOf is the code of a finding about missing evidence.
func codeOf(reason inventory.MissingReason) v1alpha1.FindingCode {
	switch reason {
	case inventory.NotRendered:
		return v1alpha1.NotRendered
	case inventory.Ambiguous:
		return v1alpha1.DuplicateObject
	default:
		return v1alpha1.EvidenceMissing
	}
}
