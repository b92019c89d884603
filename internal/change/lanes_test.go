package change_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// threeDatabases are two clusters in one namespace and one in another, with their operator. The third is a replica of the
// first, whose flow has its ends in two namespaces.
func threeDatabases(t *testing.T) (*model.Model, []types.NamespacedName) {
	t.Helper()
	keys := []types.NamespacedName{{Namespace: "shop", Name: "pg"}, {Namespace: "shop", Name: "stock"}, {Namespace: "billing", Name: "ledger"}}
	text := fixture.PodOf("cnpg-system", "operator-1", "app.kubernetes.io/name: cloudnative-pg")
	for _, key := range keys {
		more := ""
		if key.Name == "ledger" {
			more = ", replica: {enabled: true, source: pg}, externalClusters: [{name: pg, connectionParameters: {host: pg-rw.shop}}]"
		}
		text += fmt.Sprintf("---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: %s, namespace: %s}\nspec: {instances: 2, storage: {size: 1Gi}%s}\n", key.Name, key.Namespace, more)
		for i := range 2 {
			pod := fmt.Sprintf("%s-%d", key.Name, i+1)
			text += fixture.PodOf(key.Namespace, pod, "cnpg.io/cluster: "+key.Name, "cnpg.io/instanceName: "+pod, "cnpg.io/podRole: instance")
		}
	}
	file := filepath.Join(t.TempDir(), "world.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	inv, err := manifests.Load(t.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{file}}})
	if err != nil {
		t.Fatal(err)
	}
	return newModel(t, inv), keys
}

// stepByStep is what CheckOrder finds without lanes: the flows that are interrupted in a state that the plan leads through, and
// the messages about them.
func stepByStep(t *testing.T, m *model.Model, plan change.Plan) (flows, messages map[string]bool) {
	t.Helper()
	policies := m.Inventory().Policies
	at := func(n int) *model.Model {
		t.Helper()
		then, err := m.With(plan.After(policies, n))
		if err != nil {
			t.Fatal(err)
		}
		return then
	}
	flows, messages = map[string]bool{}, map[string]bool{}
	last := at(len(plan.Steps))
	for n := 1; n < len(plan.Steps); n++ {
		then, step := at(n), plan.Steps[n-1]
		for _, c := range m.Clusters() {
			was, is := v1alpha1.Verdicts(assess.RequiredFlows(m, c)), v1alpha1.Verdicts(assess.RequiredFlows(last, c))
			for _, f := range assess.RequiredFlows(then, c) {
				if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed && was[f.Key()] == v1alpha1.VerdictAllowed && is[f.Key()] == v1alpha1.VerdictAllowed {
					flow := fmt.Sprintf("the flow %s of cluster %q would be interrupted", f.Name, c.Object.Name)
					flows[flow], messages[fmt.Sprintf("after the step %q (%s), %s", step.Policy.Name, step.Action, flow)] = true, true
				}
			}
		}
	}
	return flows, messages
}

// All states of all clusters at once show what each state after each step shows, whatever the order is.
func TestLanesShowWhatEachStepShows(t *testing.T) {
	m, keys := threeDatabases(t)
	flow := regexp.MustCompile(`the flow .* would be interrupted`)
	message := regexp.MustCompile(`^.* would be interrupted`)
	random := rand.New(rand.NewPCG(1, 2))
	interrupted := 0
	for round := range 120 {
		inv := *m.Inventory()
		inv.Settings.NonDefaultDeny = round%2 == 0
		world := newModel(t, &inv)
		flags := fixture.Flags(fixture.Backends)
		if round%3 == 0 {
			flags.Scope = string(policyset.ScopeNamespace)
		}
		var options []policyset.Options
		for _, key := range keys {
			options = append(options, fixture.Options(t, key, flags))
		}
		plan := fixture.Lockdown(t, inv.Policies, options...)
		if round%4 > 1 {
			locked, err := world.With(after(inv.Policies, plan))
			if err != nil {
				t.Fatal(err)
			}
			world, plan = locked, change.Unlock(locked.Inventory().Policies, keys)
		}
		if round > 8 {
			random.Shuffle(len(plan.Steps), func(i, j int) { plan.Steps[i], plan.Steps[j] = plan.Steps[j], plan.Steps[i] })
			plan = plan.InUnits()
		}
		flows, messages := stepByStep(t, world, plan)
		problems, err := change.CheckOrder(world, world.Inventory().Policies, plan)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, p := range problems {
			got[flow.FindString(p.Message)] = true
			if said := message.FindString(p.Message); !messages[said] {
				t.Errorf("%q: %q is not so", fixture.Steps(plan), said)
			}
		}
		if !maps.Equal(got, flows) {
			t.Errorf("%q:\ngot  %s\nwant %s", fixture.Steps(plan), strings.Join(slices.Sorted(maps.Keys(got)), "\n"), strings.Join(slices.Sorted(maps.Keys(flows)), "\n"))
		}
		if len(flows) > 0 {
			interrupted++
		}
	}
	if interrupted < 40 || interrupted > 110 {
		t.Errorf("%d of 120 plans interrupt something, which compares little", interrupted)
	}
}
