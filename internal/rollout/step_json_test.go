package rollout

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// A journal that is stored today is read by the programs to come: its form changes by additions only.
func TestAStoredStep(t *testing.T) {
	u := newUnreliable()
	journal, err := u.carryOut(t, lockdown(t, nil, options(t, example, flags())))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(journal.Steps[1])
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
        "cnpg-netpol/scope": "cluster"
      },
      "labels": {
        "app.kubernetes.io/managed-by": "kubectl-cnpg-netpol",
        "cnpg-netpol/cluster": "cluster-example",
        "cnpg-netpol/policy": "default-deny"
      },
      "name": "cluster-example-default-deny",
      "namespace": "default",
      "resourceVersion": "2",
      "uid": "cluster-example-default-deny"
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
		var s Step
		if err := json.Unmarshal([]byte(text), &s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}
