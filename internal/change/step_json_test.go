package change_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
)

// A journal that is stored today is read by the programs to come: its form changes by additions only.
func TestAStoredStep(t *testing.T) {
	step := fixture.Lockdown(t, nil, fixture.Options(t, example, fixture.Flags())).Steps[1]
	step.After.UID, step.After.ResourceVersion, step.After.Generation = "b09dd78d", "2134", 1
	step.After.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "somebody"}}
	text, err := json.Marshal(step)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	const want = `{
  "action": "create",
  "policy": {
    "kind": "CiliumNetworkPolicy",
    "namespace": "default",
    "name": "cluster-example-default-deny"
  },
  "why": "default deny of ingress",
  "clusters": [
    {
      "name": "cluster-example",
      "namespace": "default"
    }
  ],
  "after": {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {
      "annotations": {
        "cnpg-netpol/scope": "cluster",
        "cnpg-netpol/set": "{\"scope\":\"cluster\"}"
      },
      "generation": 1,
      "labels": {
        "app.kubernetes.io/managed-by": "kubectl-cnpg-netpol",
        "cnpg-netpol/cluster": "cluster-example",
        "cnpg-netpol/policy": "default-deny"
      },
      "name": "cluster-example-default-deny",
      "namespace": "default",
      "resourceVersion": "2134",
      "uid": "b09dd78d"
    },
    "spec": {
      "description": "Default deny all ingress traffic to the pods of the cluster cluster-example",
      "endpointSelector": {
        "matchLabels": {
          "cnpg.io/cluster": "cluster-example"
        }
      },
      "ingress": [
        {}
      ]
    }
  }
}`
	if got.String() != want {
		t.Errorf("%s\nwant\n%s", got.String(), want)
	}
}

// What is no journal says where.
func TestAStepThatCannotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		`{"action": 1}`: "action",
		`{"action": "create", "policy": {"name": "deny"}, "after": {"spec": 1}}`: `step for policy "deny"`,
	} {
		var s change.Step
		if err := json.Unmarshal([]byte(text), &s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}
