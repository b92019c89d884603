package change_test

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
)

// Each cluster is a unit of its own; those that share a policy are one, and so are all that have one with either.
func TestUnits(t *testing.T) {
	names := func(plan change.Plan) [][]string {
		var out [][]string
		for _, unit := range plan.Units() {
			out = append(out, fixture.Steps(unit))
		}
		return out
	}
	ledger := types.NamespacedName{Namespace: "billing", Name: "ledger"}
	wide := fixture.Flags(fixture.WholeNamespace)
	for title, tc := range map[string]struct {
		plan change.Plan
		want [][]string
	}{
		"each by itself": {
			fixture.Lockdown(t, nil, fixture.Options(t, orders, fixture.Flags()), fixture.Options(t, stock, fixture.Flags())),
			[][]string{{"create orders-internal-access", "create orders-default-deny"}, {"create stock-internal-access", "create stock-default-deny"}},
		},
		"a shared default deny": {
			fixture.Lockdown(t, nil, fixture.Options(t, orders, wide), fixture.Options(t, stock, wide), fixture.Options(t, ledger, wide)),
			[][]string{{"create ledger-internal-access", "create default-deny"}, {"create orders-internal-access", "create stock-internal-access", "create default-deny"}},
		},
		"nothing": {change.Plan{}, nil},
	} {
		if got := names(tc.plan); !slices.EqualFunc(got, tc.want, slices.Equal) {
			t.Errorf("%s: %q, want %q", title, got, tc.want)
		}
	}
	// A part of a proposal has the previews of its clusters.
	m := newModel(t, fixture.Load(t, fixture.Recording("live-open")))
	p, err := change.Propose(m, fixture.Lockdown(t, nil, fixture.Options(t, example, fixture.Flags())), []types.NamespacedName{example})
	if err != nil || len(p.Units()) != 1 || !slices.Equal(p.Units()[0].Clusters(), []types.NamespacedName{example}) {
		t.Errorf("%v, %v", p.Units(), err)
	}
}
