package explain_test

import (
	"net/netip"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// addressed gives addresses to the endpoint of web and to a pod on its node's network.
func addressed(inv *inventory.Inventory) {
	key := types.NamespacedName{Namespace: "shop", Name: "web"}
	web := inv.Endpoints[key]
	web.Addresses = []netip.Addr{netip.MustParseAddr("10.244.1.9"), netip.MustParseAddr("fd00::9")}
	inv.Endpoints[key] = web
	inv.Pods = append(inv.Pods, inventory.Pod{
		Namespace: "shop", Name: "agent", HostNetwork: true, HostIP: "192.0.2.3",
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.3"), netip.MustParseAddr("2001:db8::3")},
	})
	for i := range inv.Pods {
		if p := &inv.Pods[i]; p.Name == "pg-1" {
			p.Addresses = []netip.Addr{netip.MustParseAddr("10.244.1.5")}
		}
	}
}

// Policies know pods and nodes by more than their addresses.
func TestAddressesOfPodsAndNodesAreNotOutside(t *testing.T) {
	for source, want := range map[string]string{
		"10.244.1.9":         "10.244.1.9 is the address of pod shop/web: ask about shop/pod/web",
		"::ffff:10.244.1.9":  "10.244.1.9 is the address of pod shop/web: ask about shop/pod/web",
		"fd00::9":            "fd00::9 is the address of pod shop/web: ask about shop/pod/web",
		"10.244.1.5/32":      "10.244.1.5 is the address of pod shop/pg-1: ask about shop/pod/pg-1",
		"192.0.2.1":          "192.0.2.1 is the address of a node: ask about host for the instances on it, about remote-node for the others",
		"2001:db8::3":        "2001:db8::3 is the address of a node: ask about host for the instances on it, about remote-node for the others",
		"10.244.1.10":        "",
		"192.0.2.4":          "",
		"2001:db8:ffff::/48": "",
	} {
		_, err := fixture.Explain(t, fixture.World(t, addressed), fixture.Database(), source, explain.Query{})
		if got := text(err); got != want {
			t.Errorf("%s: %s, want %q", source, got, want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestPrefixesWithPodsAndNodesAreNoted(t *testing.T) {
	for source, want := range map[string]string{
		"10.244.0.0/16": "10.244.0.0/16 has addresses of pods, such as 10.244.1.5 of shop/pod/pg-1: the answer is not about them, ask about the pods",
		"192.0.2.0/24":  "192.0.2.0/24 has addresses of nodes, such as 192.0.2.1: the answer is not about them, ask about host and remote-node",
		"10.0.0.0/24":   "",
	} {
		e, err := fixture.Explain(t, fixture.World(t, addressed), fixture.Database(), source, explain.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(e.Notes, "; "); got != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}

// Where pods can't be seen, nobody can tell whose an address is.
func TestAddressWithoutPodsToCompare(t *testing.T) {
	inv := fixture.World(t)
	inv.Missing = append(inv.Missing, inventory.Missing{Resource: "pods", Scope: inventory.Except("shop"), Message: "pods are forbidden"})
	e, err := fixture.Explain(t, inv, fixture.Database(), "203.0.113.7", explain.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Notes) != 1 || !strings.Contains(e.Notes[0], "can't be told: pods are forbidden") {
		t.Errorf("notes %q", e.Notes)
	}
}
