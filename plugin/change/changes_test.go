package change

import (
	"encoding/json"
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
)

// What is printed can be applied anywhere: it has what users write, and nothing of the server that the
// policy comes from.
func TestPlain(t *testing.T) {
	const stored = `{
		"metadata": {
			"name": "a", "namespace": "shop", "labels": {"l": "1"}, "annotations": {"n": "2"},
			"uid": "u", "resourceVersion": "7", "generation": 3, "creationTimestamp": "2026-01-02T10:10:00Z",
			"managedFields": [{"manager": "m", "operation": "Apply"}]
		},
		"spec": {"endpointSelector": {}, "ingress": [{}]},
		"status": {"conditions": [{"type": "Valid", "status": "True"}]}
	}`
	const want = `{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy",` +
		`"metadata":{"annotations":{"n":"2"},"labels":{"l":"1"},"name":"a","namespace":"shop"},` +
		`"spec":{"endpointSelector":{},"ingress":[{}]}}`
	var policy ciliumv2.CiliumNetworkPolicy
	if err := json.Unmarshal([]byte(stored), &policy); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(plain(&policy))
	if err != nil || strings.TrimSpace(string(got)) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
