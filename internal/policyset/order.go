package policyset

import (
	"cmp"
	"slices"
)

// ApplyOrder returns the policies, of one cluster or of several, in the order in which they are to
// be applied: what lets somebody in first, default deny last. Every prefix of it leaves operator,
// replication, poolers and clients working, as only the last policies deny anything.
//
// Among those that let out, what names take comes before the names.
//
// Where the agent's option enable-non-default-deny-policies is off, every policy brings default deny
// to the pods that it selects. Internal-access, which lets in operator and peers in one object, is
// the first one for that case: a client policy alone would cut them off.
func ApplyOrder(policies []Policy) []Policy {
	ordered := slices.Clone(policies)
	slices.SortStableFunc(ordered, func(a, b Policy) int {
		return cmp.Or(cmp.Compare(Rank(a.Role), Rank(b.Role)), cmp.Compare(a.Object.Namespace, b.Object.Namespace))
	})
	return ordered
}

// RemovalOrder is ApplyOrder backwards: default deny first, and internal-access last.
func RemovalOrder(policies []Policy) []Policy {
	ordered := ApplyOrder(policies)
	slices.Reverse(ordered)
	return ordered
}

// Rank is a role's place in ApplyOrder. Default deny, and whatever is no role of the set, comes last.
func Rank(role Role) int {
	roles := append(append([]Role{InternalAccess, OperatorAccess, WebhookAccess, PluginAccess}, clientRoles()...), GrantedAccess)
	if at := slices.Index(roles, role); at >= 0 {
		return at
	}
	return len(roles)
}

// clientRoles are the roles of the policies of clients, in the order of Definitions.
func clientRoles() []Role {
	var roles []Role
	for _, d := range Definitions() {
		if !slices.Contains(roles, d.Role) {
			roles = append(roles, d.Role)
		}
	}
	return roles
}

func isClient(role Role) bool { return slices.Contains(clientRoles(), role) }
