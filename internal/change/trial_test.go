package change_test

import (
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// edit changes the policies of lockdown in an inventory.
func edit(how func(*ciliumv2.CiliumNetworkPolicy) *ciliumv2.CiliumNetworkPolicy) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		for i := range inv.Policies {
			if p, ok := inv.Policies[i].Object.(*ciliumv2.CiliumNetworkPolicy); ok && policyset.IsOurs(p.Labels) {
				p = how(p)
				inv.Policies[i].Object, inv.Policies[i].Labels, inv.Policies[i].Annotations = p, p.Labels, p.Annotations
			}
		}
	}
}

// onTrial lets default deny end with a Job.
func onTrial(p *ciliumv2.CiliumNetworkPolicy) *ciliumv2.CiliumNetworkPolicy {
	if policyset.Role(p.Labels[policyset.LabelPolicy]) == policyset.DefaultDeny {
		return policyset.EndingWith(p, policyset.Timer{Name: "pg-lockdown-timer", UID: "first"})
	}
	return p
}

// theirs is a default deny that stays when that of lockdown goes, and lets operator and peers in.
const theirs = `{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"theirs","namespace":"shop"},"spec":{
"endpointSelector":{"matchLabels":{"cnpg.io/cluster":"pg"}},"ingress":[{"fromEndpoints":[{"matchLabels":{"cnpg.io/cluster":"pg"}},
{"matchLabels":{"k8s:io.kubernetes.pod.namespace":"cnpg-system"}}]}]}}`

// theirsForTheOperator lets in nobody but the operator.
const theirsForTheOperator = `{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"theirs","namespace":"shop"},"spec":{
"endpointSelector":{"matchLabels":{"cnpg.io/cluster":"pg"}},"ingress":[{"fromEndpoints":[{"matchLabels":{"k8s:io.kubernetes.pod.namespace":"cnpg-system"}}]}]}}`

// Only what comes back when default deny goes can be tried.
func TestWhatCanEndByItself(t *testing.T) {
	web := func(v *policyset.FlagValues) { v.Allow = append(v.Allow, "--allow-pods=app=web") }
	for name, tc := range map[string]struct {
		inv  func(*testing.T) *inventory.Inventory
		want func(*policyset.FlagValues)
		err  string
		note string
	}{
		"a lockdown that begins": {
			func(t *testing.T) *inventory.Inventory { return fixture.World(t) }, web, "",
			"unless it is confirmed within 10m, default deny goes, and the cluster is OPEN",
		},
		"one that is on trial": {
			func(t *testing.T) *inventory.Inventory {
				inv := fixture.Locked(t, fixture.Flags(web))
				edit(onTrial)(inv)
				return inv
			},
			func(*policyset.FlagValues) {}, "", "the cluster is OPEN",
		},
		"one that is for good": {
			func(t *testing.T) *inventory.Inventory { return fixture.Locked(t, fixture.Flags(web)) }, web,
			`default deny is there for good already (policy "pg-default-deny"), and only a lockdown that begins can end by itself: leave out --confirm-within, or unlock first`, "",
		},
		"what Git brings back": {
			func(t *testing.T) *inventory.Inventory {
				inv := fixture.Locked(t, fixture.Flags(web))
				edit(func(p *ciliumv2.CiliumNetworkPolicy) *ciliumv2.CiliumNetworkPolicy {
					p = onTrial(p)
					if strings.HasSuffix(p.Name, "internal-access") {
						p.Labels["kustomize.toolkit.fluxcd.io/name"] = "apps"
					}
					return p
				})(inv)
				return inv
			}, web,
			`policy "pg-internal-access" is kept by Flux as well, which could bring back what ends: change it there, or leave out --confirm-within`, "",
		},
		"somebody whom another default deny keeps out then": {
			func(t *testing.T) *inventory.Inventory {
				inv := fixture.Locked(t, fixture.Flags(web), fixture.Policy(theirs))
				edit(onTrial)(inv)
				return inv
			},
			func(*policyset.FlagValues) {},
			`pod/web of namespace "shop" and 1 more would have no access to cluster "pg" when the lockdown has ended by itself, and has now: leave out --confirm-within`, "",
		},
		"peers whom another default deny keeps out then": {
			func(t *testing.T) *inventory.Inventory {
				inv := fixture.Locked(t, fixture.Flags(web), fixture.Policy(theirsForTheOperator))
				edit(onTrial)(inv)
				return inv
			},
			func(v *policyset.FlagValues) { web(v); v.OperatorOnly = true },
			strings.Join([]string{
				`the required flow replication of cluster "pg" would be denied when the lockdown has ended by itself, and is allowed now: leave out --confirm-within`,
				`the required flow isolation-check of cluster "pg" would be denied when the lockdown has ended by itself, and is allowed now: leave out --confirm-within`,
				`the required flow pooler of cluster "pg" would be denied when the lockdown has ended by itself, and is allowed now: leave out --confirm-within`,
			}, "\n"), "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := model.New(tc.inv(t), model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			o := fixture.Options(t, fixture.Database(), fixture.Flags(tc.want))
			o.Timer = "pg-lockdown-timer"
			p, err := change.ProposeLockdown(m, []policyset.Options{o})
			if err != nil {
				t.Fatal(err)
			}
			p, err = p.OnTrial(m, "10m")
			if tc.err != "" {
				if err == nil || err.Error() != tc.err {
					t.Errorf("got  %v\nwant %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if after := p.Previews[0].Posture.After; after != v1alpha1.PostureLocked {
				t.Errorf("a timer keeps the cluster from being locked: %s", after)
			}
			notes := p.Previews[0].Notes
			if note := notes[len(notes)-1]; note.Subject != "Ends by itself" || !strings.Contains(note.Message, tc.note) {
				t.Errorf("%+v", note)
			}
		})
	}
}

// One default deny can't end for one of two clusters.
func TestASharedDefaultDenyIsNotTried(t *testing.T) {
	m, err := model.New(fixture.World(t), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var options []policyset.Options
	for _, name := range []string{"pg", "other"} {
		o := fixture.Options(t, types.NamespacedName{Namespace: "shop", Name: name}, fixture.Flags(fixture.WholeNamespace))
		o.Timer = name + "-lockdown-timer"
		options = append(options, o)
	}
	p, err := change.ProposeLockdown(m, options)
	if err != nil {
		t.Fatal(err)
	}
	const want = `policy "default-deny" is shared by the clusters other, pg, and can't end for one of them alone: leave out --confirm-within, or use --scope cluster`
	if _, err := p.OnTrial(m, "10m"); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// A timer is known by its Job: another one of that name has to be written, and one that nothing ends with is removed.
func TestPlansKnowTheirTimers(t *testing.T) {
	inv := fixture.Locked(t, fixture.Flags(fixture.Backends))
	edit(onTrial)(inv)
	o := fixture.Options(t, fixture.Database(), fixture.Flags(fixture.Backends))
	forGood := fixture.Lockdown(t, inv.Policies, o)
	if released := forGood.Released(); len(forGood.Changing()) != 1 || len(released) != 1 || released[0].UID != "first" || released[0].Namespace != "shop" {
		t.Errorf("%v, released %+v", fixture.Steps(forGood), forGood.Released())
	}
	o.Timer = "pg-lockdown-timer"
	again := fixture.Lockdown(t, inv.Policies, o)
	key := types.NamespacedName{Namespace: "shop", Name: o.Timer}
	for uid, want := range map[types.UID]int{"first": 0, "second": 1} {
		plan := again.WithTimers(map[types.NamespacedName]types.UID{key: uid})
		if len(plan.Changing()) != want || len(plan.Released()) != 0 {
			t.Errorf("%s: %v, released %+v", uid, fixture.Steps(plan), plan.Released())
		}
	}
	if steps := again.Steps; steps[len(steps)-1].Action != v1alpha1.PolicyUnchanged {
		t.Errorf("%v", fixture.Steps(again))
	}
	unlock := change.Unlock(inv.Policies, []types.NamespacedName{fixture.Database()})
	if len(unlock.Released()) != 1 {
		t.Errorf("%+v", unlock.Released())
	}
}

// All of a rehearsal ends by itself, and nothing of it is left: in whatever order it goes, nobody loses what they had
// before. The lockdown that follows it, on trial or for good, keeps all that lets somebody in.
func TestARehearsalEndsByItself(t *testing.T) {
	web := func(v *policyset.FlagValues) { v.Allow = append(v.Allow, "--allow-pods=app=web") }
	open := modelOf(t, fixture.World(t))
	o := rehearsalOf(t, fixture.Flags(web))
	o.Timer = "pg-lockdown-timer"
	p, err := change.ProposeRehearsal(open, []policyset.Options{o})
	if err != nil {
		t.Fatal(err)
	}
	p, err = p.OnTrial(open, "10m")
	if err != nil {
		t.Fatal(err)
	}
	notes := p.Previews[0].Notes
	if note := notes[len(notes)-1].Message; note != "unless it is confirmed within 10m, all of its policies go, and the cluster is OPEN" {
		t.Error(note)
	}
	plan := p.Plan.WithTimers(map[types.NamespacedName]types.UID{{Namespace: "shop", Name: o.Timer}: "first"})
	policies := plan.After(open.Inventory().Policies, len(plan.Steps))
	if left := change.Ended(policies); len(policies) != 2 || len(left) != 0 {
		t.Errorf("%d policies, of which %d stay", len(policies), len(left))
	}
	rehearsed, err := open.With(policies)
	if err != nil {
		t.Fatal(err)
	}
	report := assess.Report(rehearsed, rehearsed.Cluster(fixture.Database()))
	if len(report.Timed) != 1 || report.Timed[0].Kind != v1alpha1.TimedRehearsal || len(report.Timed[0].Policies) != 2 || report.Rehearsal == nil {
		t.Errorf("%+v", report.Timed)
	}

	lockdown := fixture.Options(t, fixture.Database(), fixture.Flags(web))
	for timer, released := range map[string]int{"": 1, o.Timer: 0} {
		lockdown.Timer = timer
		next, err := change.ProposeLockdown(rehearsed, []policyset.Options{lockdown})
		if err != nil {
			t.Fatal(err)
		}
		if timer != "" {
			if next, err = next.OnTrial(rehearsed, "10m"); err != nil {
				t.Error(err)
			}
		}
		steps := next.Plan.Steps
		for _, s := range steps[:len(steps)-1] {
			if _, ends := policyset.TimerOf(s.After); ends || s.Action != v1alpha1.PolicyUpdate {
				t.Errorf("%s of %s, which ends: %t", s.Action, s.Policy.Name, ends)
			}
		}
		if !steps[len(steps)-1].IsDefaultDeny() || len(next.Plan.Released()) != released {
			t.Errorf("with timer %q: %v, released %+v", timer, fixture.Steps(next.Plan), next.Plan.Released())
		}
	}
}

// What a rehearsal that is for good lets in behind others' default deny would be cut off when it ends.
func TestARehearsalThatSomebodyNeedsDoesNotEnd(t *testing.T) {
	web := func(v *policyset.FlagValues) { v.Allow = append(v.Allow, "--allow-pods=app=web") }
	inv := fixture.World(t, fixture.Policy(theirs))
	o := rehearsalOf(t, fixture.Flags(web))
	begun := fixture.Lockdown(t, inv.Policies, o)
	inv.Policies = begun.After(inv.Policies, len(begun.Steps))
	m := modelOf(t, inv)
	o.Timer = "pg-lockdown-timer"
	p, err := change.ProposeRehearsal(m, []policyset.Options{o})
	if err != nil {
		t.Fatal(err)
	}
	const want = `pod/web of namespace "shop" and 1 more would have no access to cluster "pg" when the rehearsal has ended by itself, and has now: leave out --confirm-within`
	if _, err := p.OnTrial(m, "10m"); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
