//go:build e2e

package kind_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// documentFolder has the document's seven policies, to the letter.
const documentFolder = "../../internal/policyset/testdata/document"

const (
	policy1 = "1-default-deny.yaml"
	policy2 = "2-cnpg-operator-access.yaml"
	policy3 = "3-cnpg-cluster-internal-access.yaml"
	policy4 = "4-postgres-access-backend-label.yaml"
	policy5 = "5-postgres-access-backend-any-ns.yaml"
	policy6 = "6-postgres-access-backend-namespace.yaml"
	policy7 = "7-postgres-access-cluster-wide.yaml"
)

// documentLiterally applies what the document prints. What comes of it is recorded in the project's
// facts about Cilium; status has to say exactly that.
func documentLiterally(t *testing.T, w *world) {
	w.it(t, "before any policy, everybody connects, and status says OPEN", func(t *testing.T) {
		w.expectProven(t, everybody...)
		w.expectPosture(t, "cluster-example", "OPEN", "NO_DEFAULT_DENY")
	})

	w.it(t, "policy 1 (ingress: []) is refused by Cilium and blocks nobody; status says OPEN and POLICY_INVALID", func(t *testing.T) {
		w.applyDocument(t, policy1)
		condition := w.kubectl(t, "wait", "--for=condition=Valid=False", "cnp/default-deny", "--timeout=10m")
		t.Log("Cilium: " + strings.TrimSpace(condition))
		w.expectProven(t, everybody...)
		r := w.expectPosture(t, "cluster-example", "OPEN", "NO_DEFAULT_DENY", "POLICY_INVALID")
		for _, p := range r.Policies {
			if p.Name == "default-deny" && p.Valid {
				t.Error("status calls the policy default-deny valid")
			}
		}
		w.removeDocument(t, policy1)
	})

	w.it(t, "policy 2 lets the operator in and cuts off replication, poolers and the other cluster's clients; status says BROKEN", func(t *testing.T) {
		w.applyDocument(t, policy2)
		w.expectProven(t, theHost)
		w.expectAccess(t, toOrders, []client{labelledHere, plainHere}) // nobody
		w.expectOperatorSees(t, "cluster-example")
		w.expectNoStreaming(t)
		r := w.status(t, "cluster-example")
		if err := differs("posture", "BROKEN", r.Posture); err != nil {
			t.Error(err)
		}
		r.expectFlow(t, "operator", allowed, "cnpg-operator-access")
		r.expectFlow(t, "replication", denied, "cnpg-operator-access")
		r.expectFlow(t, "pooler", denied, "cnpg-operator-access")
		w.removeDocument(t, policy2)
		w.expectStreaming(t, 1)
	})

	w.it(t, "policy 3 keeps operator and replication, locks clients out, and the other cluster's clients too; status says LOCKED, and names the bystanders and the operator's neighbours", func(t *testing.T) {
		w.applyDocument(t, policy3)
		w.expectProven(t, theHost)
		w.expectAccess(t, toOrders, []client{labelledHere, plainHere}) // nobody
		w.expectBystander(t, denied)
		w.expectStreaming(t, 1)
		w.expectOperatorSees(t, "cluster-example")
		r := w.expectPosture(t, "cluster-example", "LOCKED", "BYSTANDERS_DENIED", "MORE_THAN_THE_OPERATOR")
		r.expectFlow(t, "operator", allowed, "cnpg-cluster-internal-access")
		r.expectFlow(t, "replication", allowed, "cnpg-cluster-internal-access")
	})

	for _, c := range []struct {
		sentence, file string
		want           []client
		posture        string
		findings       []string
	}{
		{"policy 4 lets role=backend of the cluster's namespace in", policy4,
			[]client{labelledHere, theHost}, "LOCKED", []string{"BYSTANDERS_DENIED", "MORE_THAN_THE_OPERATOR"}},
		{"policy 5 is refused by the server, or, where unknown fields are dropped, lets every pod of the cluster's namespace in, and no role=backend of another; status says POLICY_IGNORED_FIELD", policy5,
			[]client{labelledHere, plainHere, theHost}, "PARTIAL", []string{"BYSTANDERS_DENIED", "MORE_THAN_THE_OPERATOR", "POLICY_IGNORED_FIELD"}},
		{"policy 6 lets the namespace backend in", policy6,
			[]client{inBackend, theHost}, "LOCKED", []string{"BYSTANDERS_DENIED", "MORE_THAN_THE_OPERATOR"}},
		{"policy 7 lets every pod of the Kubernetes cluster in, and not the world, unless it comes as another node", policy7,
			allInCluster, "LOCKED", []string{"BYSTANDERS_DENIED", "MORE_THAN_THE_OPERATOR", "WORLD_CAN_CONNECT"}},
	} {
		w.it(t, c.sentence, func(t *testing.T) {
			if c.file == policy5 {
				w.expectRefused(t, c.file)
				w.kubectl(t, "apply", "--validate=ignore", "-f", filepath.Join(documentFolder, c.file))
			} else {
				w.applyDocument(t, c.file)
			}
			w.expectProven(t, c.want...)
			w.expectAccess(t, toPooler, allInCluster, c.want...)
			w.expectPosture(t, "cluster-example", c.posture, c.findings...)
			w.removeDocument(t, c.file)
		})
	}

	w.it(t, "policy 4 alone lets clients in and cuts off operator and replication; status says BROKEN", func(t *testing.T) {
		w.removeDocument(t, policy3)
		w.applyDocument(t, policy4)
		w.expectProven(t, labelledHere, theHost)
		w.expectNoStreaming(t)
		w.expectOperatorBlind(t, "cluster-example")
		r := w.status(t, "cluster-example")
		if err := differs("posture", "BROKEN", r.Posture); err != nil {
			t.Error(err)
		}
		r.expectFlow(t, "operator", denied, "postgres-access-backend-label")
		r.expectFlow(t, "replication", denied, "postgres-access-backend-label")
		r.expectFlow(t, "isolation-check", denied, "postgres-access-backend-label")
		w.removeDocument(t, policy4)
		w.expectStreaming(t, 1)
		w.waitHealthy(t, "cluster-example", 2)
	})
}

func (w *world) applyDocument(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(documentFolder, file))
	if err != nil {
		t.Fatal(err)
	}
	w.apply(t, string(content))
}

// expectRefused fails unless the server's strict validation refuses a policy of the document.
func (w *world) expectRefused(t *testing.T, file string) {
	t.Helper()
	_, err := w.lab.Kubectl(t.Context(), nil, "apply", "--server-side", "-f", filepath.Join(documentFolder, file))
	if err == nil {
		t.Fatalf("the server takes %s", file)
	}
	if !strings.Contains(err.Error(), "labelSelector") {
		t.Fatalf("the server does not speak of the unknown field: %v", err)
	}
	t.Log("strict validation refuses it: the field labelSelector is not in the schema")
}

func (w *world) removeDocument(t *testing.T, file string) {
	t.Helper()
	w.kubectl(t, "delete", "-f", filepath.Join(documentFolder, file))
	eventually(t, func(ctx context.Context) error {
		out, err := w.lab.Kubectl(ctx, nil, "get", "-f", filepath.Join(documentFolder, file), "--ignore-not-found")
		if err != nil {
			return err
		}
		return differs("what is left of "+file, "", strings.TrimSpace(string(out)))
	})
}
