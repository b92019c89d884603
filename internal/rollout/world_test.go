package rollout

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// example is the cluster of the recording: two instances and a pooler, with clients in four
// namespaces and no policy.
var example = types.NamespacedName{Namespace: "default", Name: "cluster-example"}

// record is the inventory of the recording.
func record(t *testing.T) *inventory.Inventory {
	t.Helper()
	inv, err := manifests.Load(t.Context(), manifests.Options{
		FilenameOptions: resource.FilenameOptions{Filenames: []string{"../inventory/testdata/live-open.json"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func modelOf(t *testing.T, inv *inventory.Inventory) *model.Model {
	t.Helper()
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// options are the flags for a cluster, whose operator runs in cnpg-system.
func options(t *testing.T, cluster types.NamespacedName, flags policyset.FlagValues) policyset.Options {
	t.Helper()
	o, err := policyset.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	return o.For(cluster, []string{"cnpg-system"})
}

// lockdown is the plan of one lockdown.
func lockdown(t *testing.T, policies []inventory.Policy, o ...policyset.Options) Plan {
	t.Helper()
	plan, err := Lockdown(policies, o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// after are the policies when all of the plan is done.
func after(policies []inventory.Policy, plan Plan) []inventory.Policy {
	return plan.After(policies, len(plan.Steps))
}

// steps are the changes as words: "create cluster-example-default-deny".
func steps(plan Plan) []string {
	out := []string{}
	for _, c := range plan.Steps {
		out = append(out, string(c.Action)+" "+c.Policy.Name)
	}
	return out
}

func expectSteps(t *testing.T, plan Plan, want ...string) {
	t.Helper()
	if got := steps(plan); !slices.Equal(got, want) {
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
	want := []string{v1alpha1.FlowOperator, v1alpha1.FlowReplication, v1alpha1.FlowIsolationCheck, v1alpha1.FlowPooler}
	if !slices.Equal(names, want) {
		t.Fatalf("%s: required flows %v, want %v", when, names, want)
	}
}
