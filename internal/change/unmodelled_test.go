package change_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// What could not be put back is not changed: a policy with fields of another version is in no plan.
func TestPoliciesOfAnotherVersionAreNotChanged(t *testing.T) {
	plan := fixture.Lockdown(t, nil, fixture.Options(t, example, fixture.Flags()))
	plan.Steps[0].Action = v1alpha1.PolicyUpdate
	plan.Steps[0].Before = plan.Steps[0].After.DeepCopy()
	plan.Steps[0].Before.UID = "taken"
	policies := func(uid types.UID, fields ...string) []inventory.Policy {
		p := inventory.Policy{UID: uid, Unmodelled: fields}
		p.Kind = v1alpha1.CiliumNetworkPolicy
		return []inventory.Policy{p}
	}
	if err := plan.CheckModelled(policies("other", "spec.ingress[0].toPorts[0].rules.kafka")); err != nil {
		t.Errorf("another policy: %v", err)
	}
	if err := plan.CheckModelled(policies("taken")); err != nil {
		t.Errorf("without such fields: %v", err)
	}
	many := policies("taken")
	many[0].TooMany = "it has 10001 rules, and more than 10000 are not evaluated"
	if err := plan.CheckModelled(many); err == nil || !strings.Contains(err.Error(), "has rules that were not read (it has 10001 rules") {
		t.Errorf("with too many rules: %v", err)
	}
	err := plan.CheckModelled(policies("taken", "spec.ingress[0].toPorts[0].rules.kafka"))
	if err == nil || !strings.Contains(err.Error(), plan.Steps[0].Policy.Name) || !strings.Contains(err.Error(), "rules.kafka") {
		t.Errorf("with such fields: %v", err)
	}
}
