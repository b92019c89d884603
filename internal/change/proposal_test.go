package change_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// open is the recorded cluster before any policy.
func open(t *testing.T, how ...func(*inventory.Inventory)) *model.Model {
	t.Helper()
	inv := fixture.Load(t, fixture.Recording("live-open"))
	for _, change := range how {
		change(inv)
	}
	return newModel(t, inv)
}

// with is the model when all of a plan is done.
func with(t *testing.T, m *model.Model, plan change.Plan) *model.Model {
	t.Helper()
	then, err := m.With(after(m.Inventory().Policies, plan))
	if err != nil {
		t.Fatal(err)
	}
	return then
}

func reasons(refusals []v1alpha1.Refusal) []v1alpha1.RefusalReason {
	var out []v1alpha1.RefusalReason
	for _, r := range refusals {
		if !slices.Contains(out, r.Reason) {
			out = append(out, r.Reason)
		}
	}
	return out
}

// Whatever stands in the way has a reason that scripts can tell apart.
func TestRefusals(t *testing.T) {
	neighbour := namesake(nil)
	neighbour.Namespace, neighbour.Name = example.Namespace, "cluster-example-default-deny"
	for name, tc := range map[string]struct {
		world func(*inventory.Inventory)
		flags policyset.FlagValues
		want  []v1alpha1.RefusalReason
	}{
		"nothing":                              {func(*inventory.Inventory) {}, fixture.Flags(fixture.Backends), nil},
		"no peers":                             {func(*inventory.Inventory) {}, policyset.FlagValues{OperatorOnly: true}, []v1alpha1.RefusalReason{v1alpha1.RefusalFlowBlocked}},
		"agents for which every policy denies": {func(inv *inventory.Inventory) { inv.Settings.NonDefaultDeny = false }, fixture.Flags(fixture.Backends), nil},
		"a policy of others": {
			func(inv *inventory.Inventory) { inv.Policies = append(inv.Policies, neighbour) }, fixture.Flags(),
			[]v1alpha1.RefusalReason{v1alpha1.RefusalPolicyOfOthers},
		},
		"policies that can't be read": {
			func(inv *inventory.Inventory) {
				inv.Missing = append(inv.Missing, inventory.Missing{Resource: "ciliumnetworkpolicies.cilium.io", Reason: inventory.Forbidden, Message: "forbidden"})
			}, fixture.Flags(), []v1alpha1.RefusalReason{v1alpha1.RefusalEvidenceMissing},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := propose(t, open(t, tc.world), fixture.Options(t, example, tc.flags))
			if got := reasons(p.Refusals); !slices.Equal(got, tc.want) || !slices.Equal(p.Refusals, p.Previews[0].Refusals) {
				t.Errorf("refusals %+v, want %v", p.Refusals, tc.want)
			}
		})
	}
}

// What was promised is looked for; what was not is nobody's business.
func TestVerify(t *testing.T) {
	m := open(t)
	p := propose(t, m, fixture.Options(t, example, fixture.Flags(fixture.Backends)))
	kept := with(t, m, p.Plan)
	if got := p.Verify(kept); len(got) > 0 {
		t.Errorf("everything is as promised, and differs: %v", got)
	}
	if got := p.Observed(kept).Previews[0].Posture.After; got != v1alpha1.PostureLocked {
		t.Errorf("posture %s", got)
	}

	// Default deny alone: operator and peers are cut off.
	alone := with(t, m, change.Plan{Steps: p.Plan.Steps[len(p.Plan.Steps)-1:]})
	differences := p.Verify(alone)
	if len(differences) != 4 {
		t.Errorf("differences %v, want one for each required flow", differences)
	}
	for _, d := range differences {
		want := `verification of cluster "cluster-example": the required flow ` + d.Flow.Name + " is denied, the preview said allowed: "
		if d.Cluster != example || !strings.HasPrefix(d.Error(), want) {
			t.Errorf("%+v: %q, want %q", d, d.Error(), want)
		}
	}
	if got := p.Observed(alone).Previews[0].Posture.After; got != v1alpha1.PostureBroken || p.Previews[0].Posture.After != v1alpha1.PostureLocked {
		t.Errorf("posture %s, of the proposal itself %s", got, p.Previews[0].Posture.After)
	}

	// A cluster that has gone meanwhile is nothing.
	gone := open(t, func(inv *inventory.Inventory) { inv.Clusters = nil })
	if got := p.Observed(gone).Previews[0].Posture.After; got != "" {
		t.Errorf("a cluster that is gone is %s", got)
	}

	// Policies that unlock leaves behind.
	removal, err := change.ProposeUnlock(kept, []types.NamespacedName{example})
	if err != nil {
		t.Fatal(err)
	}
	half := with(t, kept, change.Plan{Steps: removal.Plan.Steps[:2]})
	err = change.Join(removal.Verify(half))
	if want := "verification: CiliumNetworkPolicy/default/cluster-example-internal-access is still there"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if err := change.Join(removal.Verify(with(t, kept, removal.Plan))); err != nil {
		t.Errorf("everything is removed, and error %v", err)
	}
}

// A preview has complete lists, which are empty and not missing.
func TestAPreviewForPrograms(t *testing.T) {
	m := open(t)
	p := propose(t, m, fixture.Options(t, example, fixture.Flags(fixture.Backends)))
	text, err := json.MarshalIndent(p.Previews[0], "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/preview-lockdown.json", append(text, '\n'))
	if strings.Contains(string(text), "null") {
		t.Errorf("null in\n%s", text)
	}

	gone, err := change.ProposeUnlock(m, []types.NamespacedName{{Namespace: "default", Name: "gone"}})
	if err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(gone.Previews[0]); err != nil || strings.Contains(string(text), "null") {
		t.Errorf("%s, error %v", text, err)
	}
}
