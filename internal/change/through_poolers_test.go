package change_test

import (
	"slices"
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// A lockdown through poolers keeps what the cluster needs, and takes clients that connect to instances away; without a
// pooler of the cluster, it lets in nobody and is refused.
func TestThroughPoolers(t *testing.T) {
	through := func(v *policyset.FlagValues) { v.ThroughPoolers = true }
	for name, tc := range map[string]struct {
		poolers func([]*cnpgv1.Pooler) []*cnpgv1.Pooler
		flags   policyset.FlagValues
		want    []v1alpha1.RefusalReason
	}{
		"a pooler":            {nil, fixture.Flags(fixture.Backends, through), nil},
		"none":                {func([]*cnpgv1.Pooler) []*cnpgv1.Pooler { return nil }, fixture.Flags(fixture.Backends, through), []v1alpha1.RefusalReason{v1alpha1.RefusalNoPooler}},
		"none, and no client": {func([]*cnpgv1.Pooler) []*cnpgv1.Pooler { return nil }, fixture.Flags(fixture.Metrics, through), nil},
		"none is needed":      {func([]*cnpgv1.Pooler) []*cnpgv1.Pooler { return nil }, fixture.Flags(fixture.Backends), nil},
		"another cluster's": {func(all []*cnpgv1.Pooler) []*cnpgv1.Pooler {
			other := all[0].DeepCopy()
			other.Spec.Cluster.Name = "another"
			return []*cnpgv1.Pooler{other}
		}, fixture.Flags(fixture.Backends, through), []v1alpha1.RefusalReason{v1alpha1.RefusalNoPooler}},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.World(t, func(inv *inventory.Inventory) {
				if tc.poolers != nil {
					inv.Poolers = tc.poolers(inv.Poolers)
				}
			})
			p, err := change.ProposeLockdown(newModel(t, inv), []policyset.Options{fixture.Options(t, fixture.Database(), tc.flags)})
			if err != nil {
				t.Fatal(err)
			}
			var got []v1alpha1.RefusalReason
			for _, r := range p.Refusals {
				got = append(got, r.Reason)
			}
			if !slices.Equal(got, tc.want) || len(p.Previews[0].Refusals) != len(got) {
				t.Errorf("%+v, %+v", p.Refusals, p.Previews[0].Refusals)
			}
		})
	}
}
