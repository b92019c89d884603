package propose_test

import (
	"slices"
	"strings"
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/propose"
)

// What a lockdown of egress denies, the same lockdown with one more flag lets out; where none does, a policy of the user's own.
func TestTheSetThatDeniesLetsOut(t *testing.T) {
	const locked = "kubectl cnpg-netpol lockdown orders -n shop --operator-namespace=cnpg-system --egress"
	for name, tc := range map[string]struct {
		to, from string
		flags    policyset.FlagValues
		change   func(*inventory.Inventory)
		command  string
		manifest string
	}{
		"a name":                       {"external files.example.com:443", "", policyset.FlagValues{Egress: true}, nil, locked + " --allow-egress-fqdn=files.example.com:443", ""},
		"a name, where no proxy looks": {"external files.example.com:443", "", policyset.FlagValues{Egress: true}, func(inv *inventory.Inventory) { inv.Settings.L7Proxy = false }, "", ""},
		"an address":                   {"192.0.2.7:443", "", policyset.FlagValues{Egress: true}, nil, locked + " --allow-egress-cidr=192.0.2.7/32:443", ""},
		"a pod":                        {"shop/deployment/worker:8080", "", policyset.FlagValues{Egress: true}, nil, locked + " --allow-egress-pods=shop:app=worker:8080", ""},
		"beside other flags":           {"192.0.2.7:443", "", policyset.FlagValues{Egress: true, Allow: []string{"--allow-pods=role=backend"}}, nil, "--egress --allow-pods=role=backend --allow-egress-cidr=192.0.2.7/32:443", ""},
		"from a pooler":                {"192.0.2.7:443", "pooler/orders-rw", policyset.FlagValues{Egress: true}, nil, "", "192.0.2.7/32"},
		"what the set lacks":           {"api-server", "", policyset.FlagValues{Egress: true}, without("orders-egress-api-server"), locked, ""},
		"no set":                       {"192.0.2.7:443", "", policyset.FlagValues{}, fixture.Policy(`{"metadata":{"name":"own","namespace":"shop"},"spec":{"endpointSelector":{},"egress":[{}]}}`), "", "192.0.2.7/32"},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.Load(t, fixture.Shop()...)
			tc.flags.OperatorNamespaces = []string{"cnpg-system"}
			set, err := policyset.Parse(tc.flags)
			if err != nil {
				t.Fatal(err)
			}
			before, err := model.New(inv, model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			then, err := propose.Planned(before, assess.Surrounded(before, set, fixture.Orders()))
			if err != nil {
				t.Fatal(err)
			}
			inv.Policies = then.Inventory().Policies
			if tc.change != nil {
				tc.change(inv)
			}
			change, err := propose.ForOutbound(question(t, inv, tc.to, tc.from))
			if err != nil {
				t.Fatal(err)
			}
			if got := change.Command; tc.command == "" && !got.IsZero() || !strings.HasSuffix(got.String(), tc.command) {
				t.Errorf("command %q, want %q", got, tc.command)
			}
			if tc.manifest == "" && change.Manifest != "" || !strings.Contains(change.Manifest, tc.manifest) {
				t.Errorf("manifest %s, want %q", change.Manifest, tc.manifest)
			}
		})
	}
}

func without(policy string) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		inv.Policies = slices.DeleteFunc(inv.Policies, func(p inventory.Policy) bool { return p.Name == policy })
	}
}

// question asks whether the shop's orders reach a target.
func question(t *testing.T, inv *inventory.Inventory, to, from string) *explain.Outbound {
	t.Helper()
	target, err := explain.ParseTarget(to, "")
	if err != nil {
		t.Fatal(err)
	}
	sender, err := explain.ParseSender(from)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(inv.Clusters, func(c *cnpgv1.Cluster) bool { return c.Name == fixture.Orders().Name })
	destination, err := explain.Find(inv, inv.Clusters[at], target, sender)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(inv, model.Options{Namespace: "shop", Names: []string{"orders"}, Extra: destination.Extra()})
	if err != nil {
		t.Fatal(err)
	}
	o, err := explain.AskOutbound(m, fixture.Orders(), destination)
	if err != nil {
		t.Fatal(err)
	}
	if e := o.Explain(); e.Verdict != "denied" {
		t.Fatalf("the connection is %s", e.Verdict)
	}
	return o
}
