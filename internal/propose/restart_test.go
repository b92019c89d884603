package propose_test

import (
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

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
			inv := fixture.Locked(t, test.flags, fixture.Unmanaged("shop", "web"))
			e, err := explainWhyNot(t, inv, fixture.Database(), "pod/web", explain.Query{})
			if err != nil {
				t.Fatal(err)
			}
			if e.Verdict != v1alpha1.VerdictDenied || e.Change == nil || e.Change.Steps[0].String() != restart || e.Change.Command.String() != test.command || e.Change.Manifest != "" {
				t.Errorf("%s, %+v", e.Verdict, e.Change)
			}
		})
	}
}

// The agent at the source knows an instance that Cilium does not manage by its address only.
func TestEgressToAnInstanceThatCiliumDoesNotManage(t *testing.T) {
	inv := fixture.World(t, fixture.Unmanaged("shop", "pg-2"), fixture.Policy(`{"metadata":{"name":"web","namespace":"shop"},"spec":{
		"endpointSelector":{"matchLabels":{"app":"web"}},"egress":[{"toEndpoints":[{"matchLabels":{"cnpg.io/cluster":"pg"}}]}]}}`))
	e, err := explainWhyNot(t, inv, fixture.Database(), "pod/web", explain.Query{})
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
	if e.Change == nil || len(e.Change.Steps) != 1 || !strings.HasPrefix(e.Change.Steps[0].String(), "Restart shop/pod/pg-2: ") {
		t.Errorf("change %+v", e.Change)
	}
}

// Pods of the database that a proposal lets in are counted like all others.
func TestWhyNotCountsMembersThatAreLetIn(t *testing.T) {
	inv := fixture.World(t, fixture.Policy(`{"metadata":{"name":"deny","namespace":"shop"},"spec":{
		"endpointSelector":{"matchLabels":{"cnpg.io/instanceName":"pg-1"}},"ingress":[{}]}}`))
	e, err := explainWhyNot(t, inv, fixture.Database(), "namespace/shop", explain.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if e.Change == nil || e.Change.LetsIn == nil {
		t.Fatalf("change %+v", e.Change)
	}
	sameWords(t, letsIn(e), "shop/pod/pg-2 shop/pod/web shop/pooler/pg-rw")
}
