package change_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

func rehearsalBegan() time.Time { return time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC) }

// rehearsalOf are the options of a rehearsal.
func rehearsalOf(t *testing.T, flags policyset.FlagValues) policyset.Options {
	t.Helper()
	o := fixture.Options(t, fixture.Database(), flags)
	o.RehearsedSince = rehearsalBegan()
	return o
}

func modelOf(t *testing.T, inv *inventory.Inventory) *model.Model {
	t.Helper()
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Rehearsals of all flags, from the open cluster and from another rehearsal: no prefix of any plan, there, to the
// lockdown or back, takes a required flow away, and none of a rehearsal takes anything from anybody.
func TestRehearsalsCutOffNobody(t *testing.T) {
	web := func(v *policyset.FlagValues) { v.Allow = append(v.Allow, "--allow-pods=app=web") }
	all := append(fixture.ClientFlags(), web)
	open := modelOf(t, fixture.World(t))
	nobodyLoses := func(t *testing.T, before *model.Model, plan change.Plan) *model.Model {
		t.Helper()
		after := before
		for n := range len(plan.Steps) + 1 {
			then, err := before.With(plan.After(before.Inventory().Policies, n))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range before.Clusters() {
				if lost := change.Access(assess.Exposure(before, c, 0), assess.Exposure(then, c, 0)).Loses; len(lost) > 0 {
					t.Errorf("after %d steps, %v lose access", n, lost)
				}
			}
			after = then
		}
		return after
	}
	for _, scope := range []policyset.Scope{policyset.ScopeCluster, policyset.ScopeNamespace} {
		for i, first := range all {
			flags := fixture.Flags(first)
			flags.Scope = string(scope)
			p, err := change.ProposeRehearsal(open, []policyset.Options{rehearsalOf(t, flags)})
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Refusals) > 0 || len(p.Previews[0].Access().Loses) > 0 || p.Previews[0].Posture.After != v1alpha1.PostureOpen {
				t.Errorf("%v: %+v", flags, p.Previews[0])
			}
			rehearsed := nobodyLoses(t, open, p.Plan)
			c := rehearsed.Cluster(fixture.Database())
			since, is := assess.Rehearsed(rehearsed, c)
			if report := assess.Report(rehearsed, c); !is || !since.RehearsedSince.Equal(rehearsalBegan()) || report.Rehearsal == nil ||
				slices.ContainsFunc(report.Findings, func(f v1alpha1.Finding) bool {
					return f.Code == v1alpha1.SetIncomplete || f.Code == v1alpha1.SetDrifted
				}) {
				t.Errorf("%v: not a rehearsal: %+v", flags, report.Findings)
			}

			// It goes on with other flags.
			others := fixture.Flags(all[(i+1)%len(all)])
			others.Scope = string(scope)
			p, err = change.ProposeRehearsal(rehearsed, []policyset.Options{rehearsalOf(t, others)})
			if err != nil {
				t.Fatal(err)
			}
			nobodyLoses(t, rehearsed, p.Plan)

			// The lockdown ends it, and is the same as one without a rehearsal. Unlock gives it up.
			o := fixture.Options(t, fixture.Database(), flags)
			ends, err := change.ProposeLockdown(rehearsed, []policyset.Options{o})
			if err != nil || len(ends.Refusals) > 0 || ends.Previews[0].Posture.After != v1alpha1.PostureLocked {
				t.Errorf("%v: %v, %+v", flags, err, ends.Previews)
			}
			locked, err := rehearsed.With(ends.Plan.After(rehearsed.Inventory().Policies, len(ends.Plan.Steps)))
			if err != nil {
				t.Fatal(err)
			}
			again, err := change.ProposeLockdown(locked, []policyset.Options{o})
			if err != nil || len(again.Plan.Changing()) > 0 || assess.Report(locked, locked.Cluster(fixture.Database())).Rehearsal != nil {
				t.Errorf("%v: %v, %v", flags, err, fixture.Steps(again.Plan))
			}
			up, err := change.ProposeUnlock(rehearsed, []types.NamespacedName{fixture.Database()})
			if err != nil || len(up.Plan.Changing()) != len(up.Plan.Steps) {
				t.Errorf("%v: %v", flags, err)
			}
			nobodyLoses(t, rehearsed, up.Plan)
		}
	}
}

// What can't be rehearsed says why.
func TestWhatCannotBeRehearsed(t *testing.T) {
	web := func(v *policyset.FlagValues) { v.Allow = append(v.Allow, "--allow-pods=app=web") }
	// The default deny of others lets operator, peers and a grant of ours in.
	behindTheirs := func(t *testing.T) *inventory.Inventory {
		inv := fixture.World(t, fixture.Policy(theirs))
		o := rehearsalOf(t, fixture.Flags(web))
		plan := fixture.Lockdown(t, inv.Policies, o)
		inv.Policies = plan.After(inv.Policies, len(plan.Steps))
		return inv
	}
	for name, tc := range map[string]struct {
		inv   func(*testing.T) *inventory.Inventory
		flags func(*policyset.FlagValues)
		want  string
	}{
		"a lockdown": {
			func(t *testing.T) *inventory.Inventory { return fixture.Locked(t, fixture.Flags(web)) }, web,
			`default deny is there already (policy "pg-default-deny"), so that there is nothing to rehearse: leave out --rehearse, or unlock first`,
		},
		"agents that take every policy for one with default deny": {
			func(t *testing.T) *inventory.Inventory {
				inv := fixture.World(t)
				inv.Settings.NonDefaultDeny = false
				return inv
			}, web,
			`would lose access to cluster "pg" with policy "pg-internal-access" (create), and a rehearsal cuts off nobody`,
		},
		"a grant that is taken away where others deny": {
			behindTheirs, fixture.Backends,
			`pod/web of namespace "shop" and 1 more would lose access to cluster "pg" with policy "pg-postgres-access-app-web" (delete), and a rehearsal cuts off nobody`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := change.ProposeRehearsal(modelOf(t, tc.inv(t)), []policyset.Options{rehearsalOf(t, fixture.Flags(tc.flags))})
			if err == nil || !strings.HasSuffix(strings.SplitN(err.Error(), "\n", 2)[0], tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
	p, err := change.ProposeRehearsal(modelOf(t, behindTheirs(t)), []policyset.Options{rehearsalOf(t, fixture.Flags(web))})
	if err != nil || p.Previews[0].Notes[1].Message != "3 of the cluster's 3 pods have the default deny of other policies, so that whom these deny is not seen to connect there" {
		t.Errorf("%v, %+v", err, p.Previews)
	}
}

// A rehearsal takes nothing from the cluster itself either, nor from the others of its namespace.
func TestARehearsalTakesNoFlowAndNoBystandersIngress(t *testing.T) {
	for name, tc := range map[string]struct {
		inv   func(*testing.T) *inventory.Inventory
		flags func(*policyset.FlagValues)
		want  string
	}{
		"peers that only the former rehearsal lets in": {
			func(t *testing.T) *inventory.Inventory {
				inv := fixture.World(t, fixture.Policy(theirsForTheOperator))
				plan := fixture.Lockdown(t, inv.Policies, rehearsalOf(t, fixture.Flags()))
				inv.Policies = plan.After(inv.Policies, len(plan.Steps))
				return inv
			}, func(v *policyset.FlagValues) { v.OperatorOnly = true },
			`the flow replication of cluster "pg" would be denied with policy "pg-internal-access" (delete), and a rehearsal takes nothing away`,
		},
		"others of the namespace under agents that take every policy for one with default deny": {
			func(t *testing.T) *inventory.Inventory {
				inv := fixture.World(t)
				inv.Settings.NonDefaultDeny = false
				return inv
			}, fixture.WholeNamespace,
			`what no rule allows would be denied at pod/web of namespace "shop"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := change.ProposeRehearsal(modelOf(t, tc.inv(t)), []policyset.Options{rehearsalOf(t, fixture.Flags(tc.flags))})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// A rehearsal does not end by cutting off somebody who was seen; who only refers to the cluster is for a person to say.
func TestWhoWasSeenEndsNoRehearsal(t *testing.T) {
	client := func(workload string, targets ...v1alpha1.ObservedTarget) v1alpha1.ObservedClient {
		return v1alpha1.ObservedClient{Client: v1alpha1.Client{Namespace: "shop", Workload: workload}, Targets: targets}
	}
	denied := v1alpha1.VerdictDenied
	preview := v1alpha1.ChangePreview{
		Metadata: v1alpha1.Metadata{Namespace: "shop", Name: "pg"}, Refusals: []v1alpha1.Refusal{},
		Observed: &v1alpha1.ObservedChange{CutOff: []v1alpha1.ObservedClient{
			client("deployment/seen", v1alpha1.ObservedTarget{Opened: 1, Verdict: denied}),
			client("deployment/connected", v1alpha1.ObservedTarget{Sessions: 1, Verdict: v1alpha1.VerdictUnknown}),
			client("deployment/refers", v1alpha1.ObservedTarget{Verdict: denied}),
			{Address: "10.244.0.99", Targets: []v1alpha1.ObservedTarget{{Sessions: 1, Verdict: denied}}},
			client("deployment/elsewhere", v1alpha1.ObservedTarget{Verdict: denied}, v1alpha1.ObservedTarget{Opened: 1, Verdict: v1alpha1.VerdictAllowed}),
		}},
	}
	unseen := v1alpha1.ChangePreview{Metadata: v1alpha1.Metadata{Namespace: "shop", Name: "unseen"}}
	p := change.Proposal{Previews: []change.Preview{change.PreviewOf(preview), change.PreviewOf(unseen)}}
	for _, tc := range []struct {
		ends []types.NamespacedName
		want []string
	}{
		{nil, nil},
		{[]types.NamespacedName{{Namespace: "shop", Name: "unseen"}}, nil},
		{[]types.NamespacedName{fixture.Database()}, []string{
			`shop/deployment/seen was seen to use cluster "pg" during the rehearsal or before, and no flag lets it in`,
			`shop/deployment/connected was seen to use cluster "pg" during the rehearsal or before, and no flag lets it in`,
		}},
	} {
		var got []string
		refused := p.RefuseSeen(tc.ends)
		for _, r := range refused.Refusals {
			if got = append(got, r.Message); r.Reason != v1alpha1.RefusalClientSeen {
				t.Errorf("%s", r.Reason)
			}
		}
		if !slices.Equal(got, tc.want) || len(refused.Previews[0].Refusals) != len(tc.want) {
			t.Errorf("%v: %q", tc.ends, got)
		}
	}
	if len(p.Previews[0].Refusals) > 0 {
		t.Error("the proposal itself has changed")
	}
}
