package change_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// The policies of a cluster that was locked with --allow-pods role=backend in November 2026.
const (
	lockedInternal    = "cluster-example-internal-access"
	lockedBackends    = "cluster-example-postgres-access-role-backend"
	lockedDefaultDeny = "cluster-example-default-deny"
)

// locked26 is that cluster, recorded: its annotations are what was stored then, and stay readable.
func locked26(t *testing.T) *model.Model {
	t.Helper()
	return newModel(t, fixture.Load(t, fixture.Recording("live-flows")))
}

// propose proposes a lockdown of the recorded cluster.
func propose(t *testing.T, m *model.Model, options policyset.Options) change.Proposal {
	t.Helper()
	p, err := change.ProposeLockdown(m, []policyset.Options{options})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A set that was locked before is recognised, and found to be complete.
func TestASetFromBefore(t *testing.T) {
	m := locked26(t)
	recorded, err := policyset.FromLive(example, assess.Managed(m, m.Cluster(example)))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		options policyset.Options
		action  string
	}{
		"as it was stored":     {recorded.For(example, []policyset.Operator{{Namespace: "cnpg-system"}}), "unchanged "},
		"with the same flags":  {fixture.Options(t, example, fixture.Flags(fixture.Backends)), "unchanged "},
		"the operator is seen": {recorded.For(example, assess.Operators(m)), "update "}, // Its whole namespace was let in.
	} {
		p := propose(t, m, tc.options)
		expectSteps(t, p.Plan, tc.action+lockedInternal, tc.action+lockedBackends, tc.action+lockedDefaultDeny)
		if preview := p.Previews[0]; len(p.Refusals) > 0 || len(preview.Access().Loses)+len(preview.Access().Gains) > 0 ||
			preview.Posture != (v1alpha1.PostureChange{Before: v1alpha1.PostureLocked, After: v1alpha1.PostureLocked}) {
			t.Errorf("%s: refusals %+v, %+v", name, p.Refusals, preview)
		}
	}
	// What it let in, the next lockdown narrows; nothing else is found.
	if findings := assess.Evaluate(m).Items[0].Findings; len(findings) != 1 || findings[0].Code != v1alpha1.MoreThanTheOperator {
		t.Errorf("it has the findings %+v", findings)
	}
}

// It converges to other flags. The rules that still hold stay, and all policies say from then on what the set was made with.
func TestASetFromBeforeWithOtherFlags(t *testing.T) {
	m := locked26(t)
	for _, tc := range []struct {
		flags policyset.FlagValues
		want  []string
	}{
		{fixture.Flags(fixture.Backends, fixture.Metrics), []string{
			"update " + lockedInternal, "update " + lockedBackends,
			"create cluster-example-metrics-access-monitoring", "update " + lockedDefaultDeny,
		}},
		{fixture.Flags(), []string{"update " + lockedInternal, "update " + lockedDefaultDeny, "delete " + lockedBackends}},
		{fixture.Flags(fixture.Frontends), []string{
			"update " + lockedInternal, "create cluster-example-postgres-access-role-frontend",
			"update " + lockedDefaultDeny, "delete " + lockedBackends,
		}},
		{fixture.Flags(fixture.Backends, fixture.WholeNamespace), []string{
			"update " + lockedInternal, "update " + lockedBackends, "create default-deny", "delete " + lockedDefaultDeny,
		}},
	} {
		p := propose(t, m, fixture.Options(t, example, tc.flags))
		expectSteps(t, p.Plan, tc.want...)
		for _, s := range p.Plan.Steps {
			if stays := strings.HasSuffix(s.Why, "; its rules stay"); stays != (s.Action == v1alpha1.PolicyUpdate && reflect.DeepEqual(s.Before.Spec, s.After.Spec)) {
				t.Errorf("%s %s: %s", s.Action, s.Policy.Name, s.Why)
			}
			if s.After != nil && s.After.Annotations[policyset.AnnotationSet] != p.Plan.Steps[0].After.Annotations[policyset.AnnotationSet] && len(policyset.Users(s.After.Labels)) == 0 {
				t.Errorf("%s says something else of the set", s.Policy.Name)
			}
		}
		if len(p.Refusals) > 0 || len(p.Plan.Conflicts) > 0 {
			t.Errorf("%+v is refused: %+v", tc.flags, p.Refusals)
		}
	}
}

// Unlocking removes exactly the set, and opens the database again.
func TestASetFromBeforeIsUnlocked(t *testing.T) {
	m := locked26(t)
	p, err := change.ProposeUnlock(m, []types.NamespacedName{example})
	if err != nil {
		t.Fatal(err)
	}
	expectSteps(t, p.Plan, "delete "+lockedDefaultDeny, "delete "+lockedBackends, "delete "+lockedInternal)
	if got := p.Previews[0].Posture.After; got != v1alpha1.PostureOpen || len(p.Refusals) > 0 {
		t.Errorf("posture %s, refusals %+v", got, p.Refusals)
	}
	policies := m.Inventory().Policies
	left := after(policies, p.Plan)
	if len(left) != len(policies)-3 || slices.ContainsFunc(names(left), func(name string) bool {
		return slices.Contains([]string{lockedInternal, lockedBackends, lockedDefaultDeny}, name)
	}) {
		t.Errorf("of %v, %v are left", names(policies), names(left))
	}
	unlocked, err := m.With(left)
	if err != nil {
		t.Fatal(err)
	}
	if differences := p.Verify(unlocked); len(differences) > 0 {
		t.Errorf("differences %v", differences)
	}
}
