package inventory

import (
	"slices"
	"testing"
)

func TestMissingCovers(t *testing.T) {
	for _, tc := range []struct {
		name  string
		scope Scope
		// covered are those of shop, web, and what has no namespace.
		covered []string
	}{
		{"everywhere", Scope{}, []string{"shop", "web", ""}},
		{"a namespace", Only("shop"), []string{"shop"}},
		{"all namespaces, as a request names them", Only(""), []string{"shop", "web", ""}},
		{"all but a namespace", Except("shop"), []string{"web", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			missing := Missing{Resource: "ciliumnetworkpolicies.cilium.io", Scope: tc.scope}
			var covered []string
			for _, namespace := range []string{"shop", "web", ""} {
				if missing.Covers(namespace) {
					covered = append(covered, namespace)
				}
			}
			if !slices.Equal(covered, tc.covered) {
				t.Errorf("covers %q, want %q", covered, tc.covered)
			}
			if got := missing.Plural(); got != "ciliumnetworkpolicies" {
				t.Errorf("plural %q", got)
			}
		})
	}
}

func TestMissingIsInOrder(t *testing.T) {
	want := []Missing{
		{Resource: "a", Scope: Except("shop")}, {Resource: "a", Scope: Only("shop"), Message: "1"}, {Resource: "a", Scope: Only("shop"), Message: "2"},
		{Resource: "a", Scope: Only("web")}, {Resource: "b"},
	}
	inv := Inventory{Missing: []Missing{want[4], want[3], want[2], want[1], want[0]}}
	inv.Finish()
	if !slices.EqualFunc(inv.Missing, want, Missing.Equal) {
		t.Errorf("got %+v", inv.Missing)
	}
}
