package change_test

import (
	"slices"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// example is the cluster of the recording: two instances and a pooler, with clients in four
// namespaces.
var example = fixture.Recorded()

func newModel(t *testing.T, inv *inventory.Inventory) *model.Model {
	t.Helper()
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// after are the policies when all of the plan is done.
func after(policies []inventory.Policy, plan change.Plan) []inventory.Policy {
	return plan.After(policies, len(plan.Steps))
}

func expectSteps(t *testing.T, plan change.Plan, want ...string) {
	t.Helper()
	if got := fixture.Steps(plan); !slices.Equal(got, want) {
		t.Errorf("steps\n  %q, want\n  %q", got, want)
	}
}

// expectFlows fails for each required flow that is not allowed.
func expectFlows(t *testing.T, m *model.Model, when string) {
	t.Helper()
	names := []string{}
	for _, f := range assess.RequiredFlows(m, m.Cluster(example)) {
		if f.Advisory {
			continue
		}
		names = append(names, f.Name)
		if f.Verdict != v1alpha1.VerdictAllowed {
			t.Errorf("%s: %s (port %d) is %s: %s", when, f.Name, f.Port, f.Verdict, f.Message)
		}
	}
	want := []string{v1alpha1.FlowOperator, v1alpha1.FlowReplication, v1alpha1.FlowIsolationCheck, v1alpha1.FlowPooler,
		v1alpha1.FlowAPIServer, v1alpha1.FlowDNS, v1alpha1.FlowWebhook, v1alpha1.FlowWebhook}
	if !slices.Equal(names, want) {
		t.Fatalf("%s: required flows %v, want %v", when, names, want)
	}
}
