package change

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// LastChange is what was done to a cluster's set last.
type LastChange struct {
	Cluster types.NamespacedName
	Record  Record
}

// Left is a policy that an undo leaves as it is.
type Left struct {
	Cluster types.NamespacedName
	Policy  v1alpha1.PolicyReference
	// Why says in words what keeps it from going back.
	Why string
}

// Undo plans the way back to what was there before the last changes, as far as the policies are what these have left:
// what anybody has changed since stays as it is. Nothing is touched that lockdown does not manage for the clusters, but
// that it has taken over from somebody is given back.
func Undo(policies []inventory.Policy, changes []LastChange) (Plan, []Left) {
	u := undoing{live: index(policies), shared: map[types.NamespacedName]*ciliumv2.CiliumNetworkPolicy{}, sharers: map[types.NamespacedName][]types.NamespacedName{}}
	for _, c := range changes {
		for _, s := range c.Record.Steps {
			u.back(s, c.Cluster)
		}
	}
	u.joinShared()
	// What lets somebody in comes first, and default deny goes before what bears it.
	slices.SortStableFunc(u.there, func(a, b Step) int { return cmp.Compare(rankOf(a.After), rankOf(b.After)) })
	slices.SortStableFunc(u.gone, func(a, b Step) int { return cmp.Compare(rankOf(b.Before), rankOf(a.Before)) })
	return Plan{Steps: append(u.there, u.gone...)}, u.left
}

// undoing is a plan of Undo in the making.
type undoing struct {
	live map[types.NamespacedName]*ciliumv2.CiliumNetworkPolicy
	// there are the steps after which a policy of the set is there, and gone those after which it is not.
	there, gone []Step
	left        []Left
	// shared are the default denies that several clusters share, as they shall be, nil for none; sharers are the clusters
	// for whose sake.
	shared  map[types.NamespacedName]*ciliumv2.CiliumNetworkPolicy
	sharers map[types.NamespacedName][]types.NamespacedName
}

// back adds the way back from one step.
func (u *undoing) back(s Step, cluster types.NamespacedName) {
	key := types.NamespacedName{Namespace: s.Policy.Namespace, Name: s.Policy.Name}
	live := u.live[key]
	leave := func(why string) { u.left = append(u.left, Left{Cluster: cluster, Policy: s.Policy, Why: why}) }
	was := s.Before
	switch {
	case !undoable(s, cluster):
		leave("the record names it, and it is none that lockdown manages for the cluster")
	case isShared(s):
		if why := u.backShared(s, key, cluster); why != "" {
			leave(why)
		}
	case was != nil && policyset.IsGranted(was.Labels):
		leave("what was granted for a time has ended")
	case sameContent(live, was):
		switch {
		case endsWithTimer(was) && !endsWithTimer(live):
			leave("it was to end by itself, and is for good now")
		case was != nil && !endsWithTimer(was) && endsWithTimer(live):
			leave("it was for good, and ends by itself now: confirm keeps it")
		}
	case live == nil && s.After != nil:
		leave("somebody has removed it since")
	case !sameContent(live, s.After):
		leave("somebody has changed it since")
	case was == nil:
		u.gone = append(u.gone, Step{Action: v1alpha1.PolicyDelete, Policy: s.Policy, Why: "made by that change", Clusters: []types.NamespacedName{cluster}, Before: live})
	case live == nil && endsWithTimer(was):
		leave("it was to end by itself, and does not come back for good")
	case live == nil:
		u.there = append(u.there, Step{Action: v1alpha1.PolicyCreate, Policy: s.Policy, Why: "removed by that change", Clusters: []types.NamespacedName{cluster}, After: was})
	default:
		step := Step{Action: v1alpha1.PolicyUpdate, Policy: s.Policy, Clusters: []types.NamespacedName{cluster}, Before: live}
		if !s.Takeover {
			step.Why, step.After = "changed by that change", ownPart(was, live)
			u.there = append(u.there, step)
			return
		}
		after, err := givenBack(live, s.After, was)
		if err != nil {
			leave(err.Error())
			return
		}
		step.Why, step.After, step.Restore = "taken over by that change", after, true
		u.gone = append(u.gone, step)
	}
}

// backShared is the way back for the default deny that several clusters share: only this one's part of it. The text says
// why it stays.
func (u *undoing) backShared(s Step, key, cluster types.NamespacedName) string {
	now, begun := u.shared[key]
	if !begun {
		now = u.live[key]
	}
	had, has := s.Before != nil && policyset.IsManaged(s.Before.Labels, cluster.Name), s.After != nil && policyset.IsManaged(s.After.Labels, cluster.Name)
	needs, record := now != nil && policyset.IsManaged(now.Labels, cluster.Name), ""
	if had {
		record = policyset.SharedRecords(s.Before)[cluster.Name]
	}
	switch {
	case !had && !has, had && has && (!needs || policyset.SharedRecords(s.After)[cluster.Name] == record):
		return ""
	case now != nil && !policyset.IsUnchangedShared(now):
		return "somebody has changed it since"
	case had:
		now = policyset.Join(now, cluster, record).Object
	case !needs:
		return ""
	default:
		if released, stays := policyset.Release(now, cluster.Name); stays {
			now = released.Object
		} else {
			now = nil
		}
	}
	u.shared[key] = now
	u.sharers[key] = append(u.sharers[key], cluster)
	return ""
}

// joinShared adds the steps for the shared default denies.
func (u *undoing) joinShared() {
	for _, key := range slices.SortedFunc(maps.Keys(u.shared), compareKeys) {
		live, after := u.live[key], u.shared[key]
		if sameContent(live, after) {
			continue
		}
		s := Step{
			Action: actionOf(live, after), Policy: v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: key.Namespace, Name: key.Name},
			Why: "default deny of the namespace", Clusters: u.sharers[key], Before: live, After: after,
		}
		if after == nil {
			u.gone = append(u.gone, s)
		} else {
			u.there = append(u.there, s)
		}
	}
}

// undoable tells whether a step is one that lockdown could have made for the cluster. What is stored on a server may have
// been written by anybody.
func undoable(s Step, cluster types.NamespacedName) bool {
	if s.Policy.Namespace != cluster.Namespace {
		return false
	}
	ours := func(p *ciliumv2.CiliumNetworkPolicy) bool {
		return p == nil || policyset.IsManaged(p.Labels, cluster.Name) || policyset.IsOurs(p.Labels) && len(policyset.Users(p.Labels)) > 0
	}
	return ours(s.After) && (ours(s.Before) || s.Takeover && s.After != nil)
}

// isShared tells whether a step is about the default deny that several clusters share.
func isShared(s Step) bool {
	return !s.Takeover && (s.Before != nil && len(policyset.Users(s.Before.Labels)) > 0 || s.After != nil && len(policyset.Users(s.After.Labels)) > 0)
}

func endsWithTimer(p *ciliumv2.CiliumNetworkPolicy) bool {
	if p == nil {
		return false
	}
	_, timed := policyset.TimerOf(p)
	return timed
}

// ownPart is what the set owns of a former state, ending as the live policy does.
func ownPart(was, live *ciliumv2.CiliumNetworkPolicy) *ciliumv2.CiliumNetworkPolicy {
	out := policyset.ForGood(policyset.WithoutServerFields(was))
	others := func(key, _ string) bool { return !policyset.OwnsKey(key) }
	maps.DeleteFunc(out.Labels, others)
	maps.DeleteFunc(out.Annotations, others)
	if timed, ends := policyset.TimerOf(live); ends {
		out = policyset.EndingWith(out, timed)
	}
	return out
}

// givenBack is the live policy with the difference between two of its states undone. What others have added since
// stays.
func givenBack(live, from, to *ciliumv2.CiliumNetworkPolicy) (*ciliumv2.CiliumNetworkPolicy, error) {
	var texts [3][]byte
	for i, p := range []*ciliumv2.CiliumNetworkPolicy{live, from, to} {
		content, err := policyset.Unstructured(policyset.Policy{Object: policyset.WithoutServerFields(p)})
		if err != nil {
			return nil, err
		}
		if texts[i], err = json.Marshal(content.Object); err != nil {
			return nil, err
		}
	}
	patch, err := jsonpatch.CreateMergePatch(texts[1], texts[2])
	if err != nil {
		return nil, err
	}
	text, err := jsonpatch.MergePatch(texts[0], patch)
	if err != nil {
		return nil, err
	}
	out := &ciliumv2.CiliumNetworkPolicy{}
	return out, json.Unmarshal(text, out)
}

// rankOf is the place of a policy in the order in which a set is applied.
func rankOf(p *ciliumv2.CiliumNetworkPolicy) int {
	return policyset.Rank(policyset.Role(p.Labels[policyset.LabelPolicy]))
}

// Words say which change it was, for people: "lockdown --allow-pods=role=backend by alice at 2026-03-01 12:00:00 UTC".
func (r Record) Words() string {
	out := strings.Join(append([]string{r.Verb}, r.Flags...), " ")
	if r.By != "" {
		out += " by " + r.By
	}
	if r.At != nil {
		out += " at " + r.At.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	if r.State == RecordBegun {
		out += ", which was not seen to end"
	}
	return out
}

// WithUndone is the proposal with notes on which changes it undoes and what it leaves.
func (p Proposal) WithUndone(changes []LastChange, left []Left) Proposal {
	p.Previews = slices.Clone(p.Previews)
	for i, preview := range p.Previews {
		var notes []v1alpha1.ChangeNote
		for _, c := range changes {
			if c.Cluster == keyOfCluster(preview) {
				notes = append(notes, v1alpha1.ChangeNote{Subject: "Undoes", Message: c.Record.Words()})
			}
		}
		for _, l := range left {
			if l.Cluster == keyOfCluster(preview) {
				notes = append(notes, v1alpha1.ChangeNote{Subject: "Stays as it is", Message: l.String()})
			}
		}
		p.Previews[i].Notes = slices.Concat(notes, preview.Notes)
	}
	return p
}

// String names the policy and says why it stays.
func (l Left) String() string { return fmt.Sprintf("policy %q: %s", l.Policy.Name, l.Why) }
