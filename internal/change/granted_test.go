package change_test

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Somebody gains access with a grant and nobody loses any; lockdown leaves it alone, unlock and revoke take it away, after
// default deny.
func TestGrants(t *testing.T) {
	inv := fixture.Locked(t, policyset.FlagValues{})
	o := fixture.Options(t, fixture.Database(), fixture.Flags(func(v *policyset.FlagValues) { v.Allow = []string{"--allow-pods=app=web"} }))
	plan, err := change.Grant(inv.Policies, policyset.Granted{Options: o, Timer: "pg-grant"})
	if err != nil || !slices.Equal(fixture.Steps(plan), []string{"create pg-granted-access-app-web"}) {
		t.Fatalf("%v, %v", fixture.Steps(plan), err)
	}
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := change.Propose(m, plan, []types.NamespacedName{fixture.Database()})
	if err != nil {
		t.Fatal(err)
	}
	if a := p.Previews[0].Access(); len(a.Gains) == 0 || a.Gains[0].Workload != "pod/web" || len(a.Loses) > 0 || p.Previews[0].Posture.After != v1alpha1.PostureLocked {
		t.Errorf("%+v, %+v", a, p.Previews[0].Posture)
	}
	policies := plan.After(inv.Policies, len(plan.Steps))
	again, err := change.Grant(policies, policyset.Granted{Options: o, Timer: "pg-grant"})
	if err != nil || len(again.Changing()) > 0 {
		t.Errorf("again: %v, %v", fixture.Steps(again), err)
	}
	relocked := fixture.Lockdown(t, policies, fixture.Options(t, fixture.Database(), policyset.FlagValues{}))
	if len(relocked.Changing()) > 0 {
		t.Errorf("lockdown: %v", fixture.Steps(relocked))
	}
	for name, tc := range map[string]struct {
		plan change.Plan
		want []string
	}{
		"unlock":         {change.Unlock(policies, []types.NamespacedName{fixture.Database()}), []string{"delete pg-default-deny", "delete pg-granted-access-app-web", "delete pg-internal-access"}},
		"revoke":         {change.Revoke(policies, fixture.Database(), ""), []string{"delete pg-granted-access-app-web"}},
		"revoke it":      {change.Revoke(policies, fixture.Database(), "pg-grant"), []string{"delete pg-granted-access-app-web"}},
		"revoke another": {change.Revoke(policies, fixture.Database(), "pg-other"), []string{}},
		"of another":     {change.Revoke(policies, types.NamespacedName{Namespace: "shop", Name: "other"}, ""), []string{}},
	} {
		if got := fixture.Steps(tc.plan); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
