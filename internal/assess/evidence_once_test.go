package assess_test

import (
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// A server that does not answer hides every kind, and is one finding: as grave as the gravest of them.
func TestOneReasonIsOneFinding(t *testing.T) {
	inv := fixture.Load(t, fixture.Recording("live-open"))
	for _, resource := range []string{"poolers.postgresql.cnpg.io", "pods", "deployments.apps"} {
		inv.Missing = append(inv.Missing, inventory.Missing{Resource: resource, Message: "what is shown may have changed since", Remedy: command.Words("Wait.")})
	}
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var found []v1alpha1.Finding
	for _, f := range assess.Evaluate(m).Items[0].Findings {
		if f.Code == v1alpha1.EvidenceMissing && f.Remedy.String() == "Wait." {
			found = append(found, f)
		}
	}
	if len(found) != 1 || found[0].Severity != v1alpha1.SeverityError {
		t.Errorf("%+v", found)
	}
}
