package status

import (
	"errors"
	"fmt"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// notRendered says what the databases may be in that were not found.
func notRendered(inv *inventory.Inventory) error {
	var errs []error
	for _, missing := range inv.Missing {
		if missing.Reason == inventory.NotRendered {
			errs = append(errs, errors.New(missing.Message))
		}
	}
	return errors.Join(errs...)
}

// unknownPostures is an error for the clusters about which nothing could be said: one for each reason. told are the reasons,
// which need not be told once more.
func unknownPostures(list v1alpha1.IsolationReportList) (told map[string]bool, unknown error) {
	var errs []error
	told = map[string]bool{}
	var reasons []string
	touched := map[string][]v1alpha1.Metadata{}
	for _, r := range list.Items {
		if r.Posture != v1alpha1.PostureUnknown {
			continue
		}
		why := words.WhyUnknown(r)
		if touched[why] == nil {
			reasons = append(reasons, why)
		}
		touched[why] = append(touched[why], r.Metadata)
	}
	for _, why := range reasons {
		told[why] = true
		if first := touched[why][0]; len(touched[why]) == 1 {
			errs = append(errs, fmt.Errorf("the posture of cluster %q in namespace %q is unknown: %s", first.Name, first.Namespace, why))
		} else {
			errs = append(errs, fmt.Errorf("the postures of %d clusters, %q in namespace %q among them, are unknown: %s",
				len(touched[why]), first.Name, first.Namespace, why))
		}
	}
	return told, errors.Join(errs...)
}
