package change

import (
	"fmt"
	"maps"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Plan are steps in the order in which they are made.
type Plan struct {
	Steps []Step `json:"steps"`
	// Conflicts are the policies of others that stand in the way, in words.
	Conflicts []string `json:"conflicts,omitempty"`
}

// Lockdown plans the sets that the options ask for, one for each cluster. Policies that are managed
// for these clusters and not asked for any more are removed at the end.
func Lockdown(policies []inventory.Policy, options []policyset.Options) (Plan, error) {
	live := index(policies)
	var desired []policyset.Policy
	owners := map[types.NamespacedName][]types.NamespacedName{}
	wanted := map[types.NamespacedName]bool{}
	for _, o := range options {
		wanted[o.Cluster] = true
	}
	for _, o := range options {
		o.SharedWith, o.SharedRecords = sharers(live, o, options)
		set, err := policyset.Build(o)
		if err != nil {
			return Plan{}, fmt.Errorf("%s: %w", Called(o.Cluster), err)
		}
		for _, p := range set {
			if len(owners[keyOf(p.Object)]) == 0 {
				desired = append(desired, p)
			}
			owners[keyOf(p.Object)] = append(owners[keyOf(p.Object)], o.Cluster)
		}
	}
	plan := Plan{Conflicts: collisions(desired, owners)}
	for _, p := range policyset.ApplyOrder(desired) {
		plan.apply(p, live[keyOf(p.Object)], owners[keyOf(p.Object)])
	}
	plan.remove(live, wanted, owners)
	plan.restate()
	return plan, nil
}

// restate makes a set that changes say on each of its policies what it is then. Those of an older version don't say it, and
// are left alone as long as nothing else changes.
func (plan *Plan) restate() {
	changing := map[types.NamespacedName]bool{}
	for _, s := range plan.Changing() {
		for _, c := range s.Clusters {
			changing[c] = true
		}
	}
	for i, s := range plan.Steps {
		if s.Action == v1alpha1.PolicyUnchanged && slices.ContainsFunc(s.Clusters, func(c types.NamespacedName) bool { return changing[c] }) &&
			len(policyset.Differences(s.Before, s.After)) > 0 {
			plan.Steps[i].Action = v1alpha1.PolicyUpdate
		}
		if plan.Steps[i].Action == v1alpha1.PolicyUpdate && s.After != nil && policyset.DiffersInRecords(s.Before, s.After) {
			plan.Steps[i].Why += "; its rules stay"
		}
	}
}

// collisions are the names that the sets of several clusters have in common. The shared default deny is one
// policy for all of them.
func collisions(desired []policyset.Policy, owners map[types.NamespacedName][]types.NamespacedName) []string {
	var out []string
	for _, p := range desired {
		of := owners[keyOf(p.Object)]
		if len(of) < 2 || len(policyset.Users(p.Object.Labels)) > 0 {
			continue
		}
		out = append(out, fmt.Sprintf("the sets of the clusters %q and %q in namespace %q would both have a policy named %q: lock one of them by another flag, or leave it out",
			of[0].Name, of[1].Name, p.Object.Namespace, p.Object.Name))
	}
	return out
}

// Unlock plans the removal of everything that is managed for the clusters, and of nothing else.
func Unlock(policies []inventory.Policy, clusters []types.NamespacedName) Plan {
	wanted := map[types.NamespacedName]bool{}
	for _, c := range clusters {
		wanted[c] = true
	}
	var plan Plan
	plan.remove(index(policies), wanted, nil)
	return plan
}

// apply adds the step that makes live as desired.
func (plan *Plan) apply(desired policyset.Policy, live *ciliumv2.CiliumNetworkPolicy, clusters []types.NamespacedName) {
	step := Step{
		Action: v1alpha1.PolicyCreate, Policy: desired.Reference(), Why: desired.Why, Clusters: clusters,
		Before: live, After: desired.Object,
	}
	switch {
	case live == nil:
	case !policyset.IsOurs(live.Labels) || !sameOwner(live, clusters):
		step.Action, step.Takeover = v1alpha1.PolicyUpdate, true
		whose := "this cluster"
		if IsOperator(clusters[0]) {
			whose = "the operator"
		}
		plan.Conflicts = append(plan.Conflicts, fmt.Sprintf(
			"a policy named %q exists in namespace %q and is not managed by lockdown for %s: rename it, remove it, or overwrite it with --force",
			live.Name, live.Namespace, whose))
	case policyset.IsOlder(live, desired.Object):
		step.Action = v1alpha1.PolicyUnchanged
	default:
		step.Action = v1alpha1.PolicyUpdate
	}
	if live != nil && desired.Role.Denies() {
		_, ended := policyset.TimerOf(live)
		if _, ends := policyset.TimerOf(desired.Object); ended && !ends {
			step.Why += ", from now on for good"
		}
	}
	plan.Steps = append(plan.Steps, step)
}

// sameOwner is true when lockdown manages the live policy for one of the clusters, and for the
// shared default deny, which every cluster of its namespace may join.
func sameOwner(live *ciliumv2.CiliumNetworkPolicy, clusters []types.NamespacedName) bool {
	return len(policyset.Users(live.Labels)) > 0 || slices.ContainsFunc(clusters, func(c types.NamespacedName) bool {
		return policyset.IsManaged(live.Labels, c.Name)
	})
}

// remove adds the removal of what is managed for the clusters and is not in keep.
func (plan *Plan) remove(live map[types.NamespacedName]*ciliumv2.CiliumNetworkPolicy, clusters map[types.NamespacedName]bool, keep map[types.NamespacedName][]types.NamespacedName) {
	var obsolete []policyset.Policy
	for _, key := range slices.SortedFunc(maps.Keys(live), compareKeys) {
		p := live[key]
		// What was granted for a time ends by itself, and not with another lockdown.
		if keep != nil && policyset.IsGranted(p.Labels) {
			continue
		}
		if len(keep[key]) == 0 && len(managedFor(p, clusters)) > 0 {
			obsolete = append(obsolete, policyset.Policy{Role: policyset.Role(p.Labels[policyset.LabelPolicy]), Object: p})
		}
	}
	for _, p := range policyset.RemovalOrder(obsolete) {
		owners := managedFor(p.Object, clusters)
		if released, stays := release(p.Object, owners); stays {
			plan.Steps = append(plan.Steps, Step{
				Action: v1alpha1.PolicyUpdate, Policy: released.Reference(), Why: "other clusters of the namespace need it", Clusters: owners,
				Before: p.Object, After: released.Object,
			})
			continue
		}
		plan.Steps = append(plan.Steps, Step{
			Action: v1alpha1.PolicyDelete, Policy: p.Reference(), Why: "not needed any more", Clusters: owners, Before: p.Object,
		})
	}
}

// release takes the clusters' marks off the shared default deny, and says whether others need it.
func release(live *ciliumv2.CiliumNetworkPolicy, clusters []types.NamespacedName) (released policyset.Policy, stays bool) {
	for _, c := range clusters {
		if released, stays = policyset.Release(live, c.Name); !stays {
			return released, false
		}
		live = released.Object
	}
	return released, stays
}

// managedFor are those of the clusters for which lockdown manages the policy.
func managedFor(p *ciliumv2.CiliumNetworkPolicy, clusters map[types.NamespacedName]bool) []types.NamespacedName {
	var out []types.NamespacedName
	for _, name := range append(policyset.Users(p.Labels), policyset.Owner(p.Labels)) {
		c := types.NamespacedName{Namespace: p.Namespace, Name: name}
		if clusters[c] && policyset.IsManaged(p.Labels, name) && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, compareKeys)
	return out
}

// sharers are the other clusters that need the namespace's shared default deny: those that have
// their mark on it, and those that are locked in the same run. Records are what it shall hold of their sets.
func sharers(live map[types.NamespacedName]*ciliumv2.CiliumNetworkPolicy, o policyset.Options, all []policyset.Options) (names []string, records map[string]string) {
	if o.Scope != policyset.ScopeNamespace {
		return nil, nil
	}
	records = map[string]string{}
	if shared := live[types.NamespacedName{Namespace: o.Cluster.Namespace, Name: policyset.SharedDefaultDenyName}]; shared != nil && policyset.IsOurs(shared.Labels) {
		names, records = policyset.Users(shared.Labels), policyset.SharedRecords(shared)
	}
	for _, other := range all {
		if other.Cluster.Namespace == o.Cluster.Namespace && other.Scope == policyset.ScopeNamespace {
			names = append(names, other.Cluster.Name)
			records[other.Cluster.Name] = policyset.Record(other.InEffect())
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == o.Cluster.Name }), records
}

// Changing are the steps that touch the server.
func (plan Plan) Changing() []Step {
	return slices.DeleteFunc(slices.Clone(plan.Steps), func(s Step) bool { return s.Action == v1alpha1.PolicyUnchanged })
}

// Settled are the policies that are there as they shall be.
func (plan Plan) Settled() []*ciliumv2.CiliumNetworkPolicy {
	var out []*ciliumv2.CiliumNetworkPolicy
	for _, s := range plan.Steps {
		if s.Action == v1alpha1.PolicyUnchanged {
			out = append(out, s.Before)
		}
	}
	return out
}

// For are the steps that concern one cluster.
func (plan Plan) For(cluster types.NamespacedName) []Step {
	var out []Step
	for _, s := range plan.Steps {
		if slices.Contains(s.Clusters, cluster) {
			out = append(out, s)
		}
	}
	return out
}

// byCluster are the steps that concern each cluster.
func (plan Plan) byCluster() map[types.NamespacedName][]Step {
	out := map[types.NamespacedName][]Step{}
	for _, s := range plan.Steps {
		for _, c := range s.Clusters {
			out[c] = append(out[c], s)
		}
	}
	return out
}

// After are the policies that there are after the first n of the plan's steps.
func (plan Plan) After(policies []inventory.Policy, n int) []inventory.Policy {
	return applied(policies, plan.Steps[:n])
}

func index(policies []inventory.Policy) map[types.NamespacedName]*ciliumv2.CiliumNetworkPolicy {
	out := map[types.NamespacedName]*ciliumv2.CiliumNetworkPolicy{}
	for i := range policies {
		if policies[i].Kind != v1alpha1.CiliumNetworkPolicy {
			continue
		}
		key := types.NamespacedName{Namespace: policies[i].Namespace, Name: policies[i].Name}
		if p, ok := policies[i].Object.(*ciliumv2.CiliumNetworkPolicy); ok {
			out[key] = p
			continue
		}
		// One that can't be read is there all the same.
		unreadable := &ciliumv2.CiliumNetworkPolicy{}
		unreadable.Namespace, unreadable.Name, unreadable.Labels = key.Namespace, key.Name, policies[i].Labels
		unreadable.UID, unreadable.ResourceVersion = policies[i].UID, policies[i].ResourceVersion
		out[key] = unreadable
	}
	return out
}
