package decode

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/schema"
)

// recordedPolicies are the CiliumNetworkPolicies of a live cluster, one of them with the annotation of
// kubectl apply that names a dropped field.
func recordedPolicies(t *testing.T) []json.RawMessage {
	t.Helper()
	var out []json.RawMessage
	for _, file := range []string{"live-document-literal.json", "live-locked.json"} {
		text, err := os.ReadFile("../testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var list struct{ Items []json.RawMessage }
		if err := json.Unmarshal(text, &list); err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			var kind struct{ Kind string }
			if err := json.Unmarshal(item, &kind); err == nil && kind.Kind == string(v1alpha1.CiliumNetworkPolicy) {
				out = append(out, item)
			}
		}
	}
	if len(out) < 5 {
		t.Fatalf("only %d recorded policies", len(out))
	}
	return out
}

func asList(t *testing.T, items []json.RawMessage) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"metadata": map[string]any{"continue": "more"}, "items": items})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAListOfPoliciesIsWhatItsPoliciesAre(t *testing.T) {
	items := append(recordedPolicies(t), json.RawMessage(`{"metadata":{"name":"new","namespace":"x"},"spec":{"endpointSelector":{},"ingress":[{}]}}`))
	d := NewDecoder()
	for _, kind := range []v1alpha1.PolicyKind{v1alpha1.CiliumNetworkPolicy, v1alpha1.CiliumClusterwideNetworkPolicy} {
		got, next, err := d.Policies(kind, asList(t, items))
		if err != nil || next != "more" {
			t.Fatalf("%s: next %q, error %v", kind, next, err)
		}
		var want []inventory.Policy
		for _, item := range items {
			want = append(want, d.Policy(kind, item, PolicyOptions{Stored: true}))
		}
		for i := range want {
			if !reflect.DeepEqual(want[i], got[i]) {
				t.Errorf("%s: in a list %+v, alone %+v", want[i].PolicyReference, got[i], want[i])
			}
		}
	}
}

func TestAListWithOneBadPolicyFailsAsAWhole(t *testing.T) {
	for name, bad := range map[string]string{
		"wrong type": `{"metadata":{"name":"bad"},"spec":[]}`,
		"no name":    `{"metadata":{},"spec":{"endpointSelector":{}}}`,
		"null":       `null`,
		"panics":     `{"metadata":{"name":"bad"},"spec":{"endpointSelector":{},"ingress":[{"icmps":[{"fields":[{}]}]}]}}`,
		"bad status": `{"metadata":{"name":"bad"},"spec":{"endpointSelector":{}},"status":{"conditions":{}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			items := append(recordedPolicies(t), json.RawMessage(bad))
			policies, next, err := NewDecoder().Policies(v1alpha1.CiliumNetworkPolicy, asList(t, items))
			if err == nil || policies != nil || next != "" || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("%d policies, next %q, error %v", len(policies), next, err)
			}
		})
	}
}

// An older server keeps fields that these types don't have. They are told, one policy at a time, so that nothing is
// decided as if they were not there, and nothing written that would lose them.
func TestFieldsOfAnotherVersionAreTold(t *testing.T) {
	kafka := json.RawMessage(`{"metadata":{"name":"kafka","namespace":"x","uid":"1"},"status":{"nodes":{"a":{}}},
		"spec":{"endpointSelector":{},"ingress":[{"toPorts":[{"ports":[{"port":"9092"}],"rules":{"kafka":[{"topic":"t"}]}}]}]}}`)
	const path = "spec.ingress[0].toPorts[0].rules.kafka"
	for _, kind := range []v1alpha1.PolicyKind{v1alpha1.CiliumNetworkPolicy, v1alpha1.CiliumClusterwideNetworkPolicy} {
		if _, _, err := NewDecoder().Policies(kind, asList(t, append(recordedPolicies(t), kafka))); err == nil {
			t.Errorf("%s: a list with fields of another version was read", kind)
		}
		p := NewDecoder().Policy(kind, kafka, PolicyOptions{Stored: true})
		if p.Object == nil || !slices.Equal(p.IgnoredFields, []string{path}) || !slices.Equal(p.Unmodelled, []string{path}) {
			t.Errorf("%s: %+v", kind, p)
		}
	}
	// What only the status has more is nobody's rule.
	other := json.RawMessage(`{"metadata":{"name":"other"},"status":{"nodes":{"a":{}}},"spec":{"endpointSelector":{},"ingress":[{}]}}`)
	if _, _, err := NewDecoder().Policies(v1alpha1.CiliumNetworkPolicy, asList(t, []json.RawMessage{other})); err != nil {
		t.Error(err)
	}
}

// Of a policy with more rules than are evaluated, only for whom it is is read: the engine says that it is unknown what it does.
func TestPoliciesWithTooManyRules(t *testing.T) {
	for rules, want := range map[int]int{2: 2, schema.MostRules: schema.MostRules, schema.MostRules + 1: 0} {
		text := `{"metadata": {"name": "p", "namespace": "db"}, "spec": {"endpointSelector": {}, "ingress": [` + strings.TrimSuffix(strings.Repeat(`{"from": 1},`, rules), ",") + `]}}`
		p := NewDecoder().Policy(v1alpha1.CiliumNetworkPolicy, []byte(text), PolicyOptions{})
		policy, ok := p.Object.(*ciliumv2.CiliumNetworkPolicy)
		if !ok || (p.TooMany == "") != (len(policy.Spec.Ingress) == rules) || (p.TooMany == "") != (rules <= schema.MostRules) || len(p.IgnoredFields) != want || p.Refused != "" || p.Unreadable != "" {
			t.Errorf("%d rules: %d fields are dropped, want %d; %q, %q", rules, len(p.IgnoredFields), want, p.Refused, p.Unreadable)
		}
	}
	for name, spec := range map[string]string{
		"ingress": `"spec": {"endpointSelector": {"matchLabels": {"a": "b"}}, "ingress": [RULES]}`, "egress": `"spec": {"endpointSelector": {"matchLabels": {"a": "b"}}, "egress": [RULES]}`,
		"ingressDeny": `"spec": {"endpointSelector": {"matchLabels": {"a": "b"}}, "ingressDeny": [RULES]}`, "egressDeny": `"spec": {"endpointSelector": {"matchLabels": {"a": "b"}}, "egressDeny": [RULES]}`,
		"specs": `"specs": [{"endpointSelector": {"matchLabels": {"a": "b"}}, "ingress": [RULES]}]`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, rule := range []string{`{}`, `null`} {
				text := `{"metadata": {"name": "p", "namespace": "db", "uid": "u", "labels": {"c": "d"}}, ` + strings.Replace(spec, "RULES", strings.TrimSuffix(strings.Repeat(rule+",", 250_000), ","), 1) + `}`
				list, _, err := NewDecoder().Policies(v1alpha1.CiliumNetworkPolicy, asList(t, []json.RawMessage{json.RawMessage(text)}))
				if err == nil {
					t.Errorf("%d policies were read at once", len(list))
				}
				for _, stored := range []bool{true, false} {
					p := NewDecoder().Policy(v1alpha1.CiliumNetworkPolicy, []byte(text), PolicyOptions{Stored: stored})
					policy, ok := p.Object.(*ciliumv2.CiliumNetworkPolicy)
					if !ok || !strings.HasPrefix(p.TooMany, "it has 25000") || p.Unreadable != "" || policy.Namespace != "db" || policy.UID != "u" || policy.Labels["c"] != "d" {
						t.Fatalf("stored %t: %q, %q", stored, p.TooMany, p.Unreadable)
					}
					rule := policy.Spec
					if rule == nil {
						rule = policy.Specs[0]
					}
					if rule.EndpointSelector.LabelSelector == nil || len(rule.Ingress) > 0 {
						t.Errorf("stored %t: the subject is %v", stored, rule.EndpointSelector)
					}
				}
			}
		})
	}
}
