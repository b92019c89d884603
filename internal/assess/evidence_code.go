package assess

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
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

// elsewhere is true for what single objects of another namespace lack. A repository has many charts, and each of them
// would be told for each database.
func elsewhere(missing inventory.Missing, namespace string) bool {
	return missing.Reason.Local() && !missing.Covers(namespace)
}

// notRenderedElsewhere is one finding about all that manifests lack in namespaces of which no database was read.
func notRenderedElsewhere(m *model.Model) []v1alpha1.Finding {
	databases := map[string]bool{}
	for _, c := range m.Inventory().Clusters {
		databases[c.Namespace] = true
	}
	var missing []inventory.Missing
	for _, one := range m.Inventory().Missing {
		if elsewhere(one, "") && !databases[one.Scope.Namespace] {
			missing = append(missing, one)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	const most = 2
	var texts []string
	for i := range missing {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(missing)-most))
			break
		}
		texts = append(texts, missing[i].Message)
	}
	return []v1alpha1.Finding{at(finding(codeOf(missing[0].Reason), v1alpha1.SeverityWarning,
		strings.Join(texts, "; ")+": clients from there are not seen, and no database is there that was read", missing[0].Remedy), document(missing[0])...)}
}
