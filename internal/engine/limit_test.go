package engine_test

import (
	"fmt"
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// A selector that is too long makes unknown what the policy's namespace does, whatever the kind and wherever it stands.
func TestTooLongSelectorIsUnknown(t *testing.T) {
	long := object{}
	for i := range 257 {
		long[fmt.Sprint("k", i)] = "v"
	}
	var expressions list
	for i := range 300 {
		expressions = append(expressions, object{"key": fmt.Sprint("k", i), "operator": "DoesNotExist"})
	}
	meta := object{"name": "long", "namespace": "db"}
	for name, tc := range map[string]struct {
		kind   v1alpha1.PolicyKind
		into   any
		object object
		want   string
	}{
		"a peer":          {v1alpha1.CiliumNetworkPolicy, &ciliumv2.CiliumNetworkPolicy{}, object{"metadata": meta, "spec": object{"endpointSelector": object{}, "ingress": list{object{"fromEndpoints": list{object{"matchLabels": long}}}}}}, "257"},
		"a subject":       {v1alpha1.CiliumNetworkPolicy, &ciliumv2.CiliumNetworkPolicy{}, object{"metadata": meta, "specs": list{object{"endpointSelector": object{"matchExpressions": expressions}, "ingress": list{object{}}}}}, "300"},
		"out of the pods": {v1alpha1.CiliumClusterwideNetworkPolicy, &ciliumv2.CiliumClusterwideNetworkPolicy{}, object{"metadata": object{"name": "long"}, "spec": object{"endpointSelector": object{}, "egressDeny": list{object{"toEndpoints": list{object{"matchLabels": long, "matchExpressions": expressions}}}}}}, "557"},
		"a NetworkPolicy": {v1alpha1.NetworkPolicy, &slim_networkingv1.NetworkPolicy{}, object{"metadata": meta, "spec": object{"podSelector": object{"matchLabels": long}}}, "257"},
	} {
		t.Run(name, func(t *testing.T) {
			decode(tc.object, tc.into)
			namespace := "db"
			if tc.kind == v1alpha1.CiliumClusterwideNetworkPolicy {
				namespace = ""
			}
			read, err := engine.Read(inventory.DefaultSettings(), []inventory.Policy{{
				PolicyReference: v1alpha1.PolicyReference{Kind: tc.kind, Namespace: namespace, Name: "long"}, Object: tc.into,
			}})
			if err != nil {
				t.Fatal(err)
			}
			want := "one of its selectors has " + tc.want + " labels and expressions, and more than 256 are not evaluated"
			if p := read[0]; p.Valid || p.Unreadable != want {
				t.Errorf("valid %t, %q, want %q", p.Valid, p.Unreadable, want)
			}
		})
	}
}

// One policy that would take too long makes unknown what it is for, and nothing else.
func TestTooLargePolicyIsUnknown(t *testing.T) {
	var selectors list
	for i := range 3000 {
		selectors = append(selectors, object{"matchLabels": object{"app": fmt.Sprint(i)}, "matchExpressions": list{object{"key": "io.kubernetes.pod.namespace", "operator": "Exists"}}})
	}
	large := &ciliumv2.CiliumNetworkPolicy{}
	decode(object{"metadata": object{"name": "large", "namespace": "db"}, "spec": object{
		"endpointSelector": object{"matchLabels": object{"app": "large"}}, "ingress": list{object{"fromEndpoints": selectors}},
	}}, large)
	settings := inventory.DefaultSettings()
	read, err := engine.Read(settings, []inventory.Policy{{
		PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: "db", Name: "large"}, Object: large,
	}})
	if err != nil {
		t.Fatal(err)
	}
	ids, err := engine.NewIdentities(settings)
	if err != nil {
		t.Fatal(err)
	}
	pods := []inventory.Pod{
		{Namespace: "db", Name: "large", Labels: map[string]string{"app": "large"}},
		{Namespace: "db", Name: "other", Labels: map[string]string{"app": "other"}},
	}
	for i := range 3000 {
		pods = append(pods, inventory.Pod{Namespace: "web", Name: fmt.Sprint(i), Labels: map[string]string{"app": fmt.Sprint(i)}})
	}
	known, err := ids.Pods(pods, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(ids, read)
	if err != nil {
		t.Fatal(err)
	}
	if d := e.Decide(known[5], known[0], 5432); d.Verdict != v1alpha1.VerdictUnknown || !strings.Contains(d.Ingress.Reason, "3000 selectors") {
		t.Errorf("at whom the policy is for: %s, %q", d.Verdict, d.Ingress.Reason)
	}
	if d := e.Decide(known[5], known[1], 5432); d.Verdict != v1alpha1.VerdictAllowed {
		t.Errorf("at another pod: %s, %q", d.Verdict, d.Ingress.Reason)
	}
	if whole := e.Policies()[0].Whole(); !whole.Valid || !whole.Enforced() {
		t.Errorf("as it was read, it is not whole: %+v", whole.PolicyReference)
	}
}
