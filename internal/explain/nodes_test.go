package explain_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// onAddress says on which node a pod runs.
func onAddress(namespace, name, node string) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		for i := range inv.Pods {
			if p := &inv.Pods[i]; p.Namespace == namespace && p.Name == name {
				p.HostIP = node
			}
		}
	}
}

// A pod on its node's network looks like the local host or like another node: which of them is asked
// only where it is not known.
func TestExplainFromANodesNetwork(t *testing.T) {
	elsewhere := onAddress("shop", "pg-2", "192.0.2.2")
	for _, test := range []struct {
		name    string
		changes []func(*inventory.Inventory)
		want    string
	}{
		{
			name: "on the node of one", changes: []func(*inventory.Inventory){fixture.OnNode("shop", "web", "192.0.2.1"), elsewhere},
			want: "web on the same node → pg-1 allowed; web on another node → pg-2 denied",
		},
		{
			name: "on no node of them", changes: []func(*inventory.Inventory){fixture.OnNode("shop", "web", "192.0.2.3"), elsewhere},
			want: "web on another node → pg-1,pg-2 denied",
		},
		{
			name: "on the node of both", changes: []func(*inventory.Inventory){fixture.OnNode("shop", "web", "192.0.2.1")},
			want: "web on the same node → pg-1,pg-2 allowed",
		},
		{
			name: "on an unknown node", changes: []func(*inventory.Inventory){fixture.OnNode("shop", "web", ""), elsewhere},
			want: "pod/web on the same node → pg-1,pg-2 allowed; pod/web on another node → pg-1,pg-2 denied",
		},
		{
			name: "an instance on an unknown node", changes: []func(*inventory.Inventory){fixture.OnNode("shop", "web", "192.0.2.1"), onAddress("shop", "pg-2", "")},
			want: "web on the same node → pg-1,pg-2 allowed; web on another node → pg-2 denied",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := fixture.Explain(t, fixture.Locked(t, policyset.FlagValues{}, test.changes...), fixture.Database(), "pod/web", explain.Query{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range e.Answers {
				got = append(got, fmt.Sprintf("%s → %s %s", strings.Join(a.Sources, ","), strings.Join(a.Targets, ","), a.Verdict))
			}
			if !slices.Equal(got, strings.Split(test.want, "; ")) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), test.want)
			}
		})
	}
}
