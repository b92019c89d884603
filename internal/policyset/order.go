package policyset

import (
	"cmp"
	"slices"
)

// ApplyOrder returns the policies, of one cluster or of several, in the order in which they are to
// be applied. Every prefix of it leaves operator, replication and poolers working.
//
// "Allows first, default deny last" is not enough for that. Any rule for ingress brings default deny
// to the pods that it selects, so the first policy that arrives shuts out everybody whom it does
// not let in: a client policy alone would cut off operator and replicas. Hence:
//
//  1. internal-access: operator and peers in one object, so that there is no moment with the one
//     and without the other. (With OperatorOnly, operator-access stands here. Replication is denied
//     from then on, which is what was asked for; no order helps, and lockdown refuses it for a
//     cluster with replicas unless it is forced.)
//  2. clients, then metrics and kubectl cnpg: the sooner a client's policy comes after step 1, the
//     shorter it is shut out.
//  3. default-deny, which only states what the others have brought about, and keeps it when
//     they are removed.
//
// With ScopeNamespace, one cluster's internal-access selects the other clusters' pods too, without
// letting in their peers. When several clusters are locked together, NarrowFirst must be applied
// before.
func ApplyOrder(policies []Policy) []Policy {
	ordered := slices.Clone(policies)
	slices.SortStableFunc(ordered, func(a, b Policy) int {
		return cmp.Or(cmp.Compare(rank(a.Role), rank(b.Role)), cmp.Compare(a.Object.Namespace, b.Object.Namespace))
	})
	return ordered
}

// RemovalOrder is ApplyOrder backwards: default deny first, clients next, internal-access last.
// As long as one policy still selects the pods, default deny holds there, so what lets in operator
// and peers must be the last to go.
func RemovalOrder(policies []Policy) []Policy {
	ordered := ApplyOrder(policies)
	slices.Reverse(ordered)
	return ordered
}

// NarrowFirst returns stepping stones for several clusters of one namespace that are locked, or
// unlocked, together with ScopeNamespace; it is empty otherwise. They are the clusters'
// access policies narrowed to their own pods. Applied before the set itself, each cluster has its
// operator and peers let in before any other cluster's policy selects its pods; applied before a
// removal, each policy can go without its cluster being left to another's. A run that is interrupted
// after them is completed by the next, because they have the names of the set.
func NarrowFirst(policies []Policy) []Policy {
	wide := map[string]int{}
	for _, p := range policies {
		if isWideAccess(p) {
			wide[p.Object.Namespace]++
		}
	}
	var stones []Policy
	for _, p := range ApplyOrder(policies) {
		if !isWideAccess(p) || wide[p.Object.Namespace] < 2 {
			continue
		}
		stone := p
		stone.Object = p.Object.DeepCopy()
		stone.Object.Spec.EndpointSelector = clusterPods(p.Object.Labels[LabelCluster])
		stones = append(stones, stone)
	}
	return stones
}

// isWideAccess tells whether a policy lets in one cluster's own and selects everybody's pods.
func isWideAccess(p Policy) bool {
	return (p.Role == InternalAccess || p.Role == OperatorAccess) && p.Object.Spec.EndpointSelector.IsWildcard()
}

// rank is a role's place in ApplyOrder.
func rank(role Role) int {
	switch role {
	case InternalAccess:
		return 0
	case OperatorAccess:
		return 1
	case PostgresAccess:
		return 2
	case MetricsAccess:
		return 3
	case KubectlCNPGAccess:
		return 4
	default:
		return 5
	}
}
