package engine

import (
	"fmt"
	"maps"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Pods with very many labels are alike by their labels, whether they share them or have the same ones each.
func TestPodsWithManyLabels(t *testing.T) {
	many := map[string]string{}
	for i := range 1000 {
		many[fmt.Sprint("key-", i)] = "x"
	}
	other := maps.Clone(many)
	other["key-7"] = "y"
	ids, err := NewIdentities(inventory.DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	got, err := ids.Pods([]inventory.Pod{
		{Namespace: "a", Labels: many}, {Namespace: "a", Labels: many}, {Namespace: "a", Labels: maps.Clone(many)}, {Namespace: "a", Labels: other}, {Namespace: "b", Labels: many},
		{Namespace: "a", Labels: many, ServiceAccount: "s"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got[0] != got[1] || got[0] != got[2] {
		t.Error("the same labels are different identities")
	}
	for i := 3; i < len(got); i++ {
		if got[i] == got[0] {
			t.Errorf("pod %d is the same identity as the first", i)
		}
	}
}
