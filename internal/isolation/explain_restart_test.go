package isolation_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/isolation"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/rollout"
)

func shopDatabase() types.NamespacedName { return types.NamespacedName{Namespace: "shop", Name: "pg"} }

// lockedWorld is the managed world after a lockdown.
func lockedWorld(t *testing.T, flags policyset.FlagValues, changes ...func(*inventory.Inventory)) *inventory.Inventory {
	t.Helper()
	inv := managedWorld(t, changes...)
	options, err := policyset.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := rollout.Lockdown(inv.Policies, []policyset.Options{options.For(shopDatabase(), []string{"cnpg-system"})})
	if err != nil {
		t.Fatal(err)
	}
	inv.Policies = plan.After(inv.Policies, len(plan.Steps))
	return inv
}

// ciliumPolicy adds a CiliumNetworkPolicy.
func ciliumPolicy(text string) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		inv.Policies = append(inv.Policies, decode.NewDecoder().Policy(v1alpha1.CiliumNetworkPolicy, []byte(text), decode.PolicyOptions{}))
	}
}

// A pod that Cilium does not manage has to be restarted before any policy can let it in by its labels.
func TestWhyNotRestartsPodsThatCiliumDoesNotManage(t *testing.T) {
	const restart = "Restart shop/pod/web: Cilium does not manage it, so that no rule by labels knows it."
	for _, test := range []struct {
		name    string
		flags   policyset.FlagValues
		command string
	}{
		{name: "its labels are let in", flags: policyset.FlagValues{Allow: []string{"--allow-pods=app=web"}}},
		{name: "its labels are not", command: "kubectl cnpg-netpol lockdown pg -n shop --allow-pods=app=web"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inv := lockedWorld(t, test.flags, unmanagedPod("shop", "web"))
			e, err := explainIn(t, inv, shopDatabase(), "pod/web", isolation.Query{WhyNot: true})
			if err != nil {
				t.Fatal(err)
			}
			if e.Verdict != v1alpha1.VerdictDenied || e.Change == nil || e.Change.Steps[0] != restart || e.Change.Command != test.command || e.Change.Manifest != "" {
				t.Errorf("%s, %+v", e.Verdict, e.Change)
			}
		})
	}
}

// The agent at the source knows an instance that Cilium does not manage by its address only.
func TestEgressToAnInstanceThatCiliumDoesNotManage(t *testing.T) {
	inv := managedWorld(t, unmanagedPod("shop", "pg-2"), ciliumPolicy(`{"metadata":{"name":"web","namespace":"shop"},"spec":{
		"endpointSelector":{"matchLabels":{"app":"web"}},"egress":[{"toEndpoints":[{"matchLabels":{"cnpg.io/cluster":"pg"}}]}]}}`))
	e, err := explainIn(t, inv, shopDatabase(), "pod/web", isolation.Query{WhyNot: true})
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]v1alpha1.Verdict{}
	for _, a := range e.Answers {
		for _, target := range a.Targets {
			verdicts[target] = a.Egress.Verdict
		}
	}
	if verdicts["pg-1"] != v1alpha1.VerdictAllowed || verdicts["pg-2"] != v1alpha1.VerdictDenied {
		t.Errorf("egress %v", verdicts)
	}
	if e.Change == nil || len(e.Change.Steps) != 1 || !strings.HasPrefix(e.Change.Steps[0], "Restart shop/pod/pg-2: ") {
		t.Errorf("change %+v", e.Change)
	}
}

// Pods of the database that a proposal lets in are counted like all others.
func TestWhyNotCountsMembersThatAreLetIn(t *testing.T) {
	inv := managedWorld(t, ciliumPolicy(`{"metadata":{"name":"deny","namespace":"shop"},"spec":{
		"endpointSelector":{"matchLabels":{"cnpg.io/instanceName":"pg-1"}},"ingress":[{}]}}`))
	e, err := explainIn(t, inv, shopDatabase(), "namespace/shop", isolation.Query{WhyNot: true})
	if err != nil {
		t.Fatal(err)
	}
	if e.Change == nil || e.Change.LetsIn == nil {
		t.Fatalf("change %+v", e.Change)
	}
	sameWords(t, letsIn(e), "shop/pod/pg-2 shop/pod/web shop/pooler/pg-rw")
}
