//go:build e2e

package kind_test

import "testing"

// clientsOnly lets clients in and forgets operator and replicas.
const clientsOnly = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: clients-only, namespace: default}
spec:
  endpointSelector: {matchLabels: {cnpg.io/cluster: cluster-example}}
  ingress:
    - fromEndpoints: [{matchLabels: {role: backend}}]
      toPorts: [{ports: [{port: "5432", protocol: TCP}]}]
`

// unseenOutage is why the phase of a Cluster is no evidence.
func unseenOutage(t *testing.T, w *world) {
	w.it(t, "a policy cuts replication while the Cluster is called healthy; status says BROKEN with the policy's name", func(t *testing.T) {
		w.expectStreaming(t, 1)
		w.apply(t, clientsOnly)
		w.expectReplicationDenied(t)
		d, err := w.database(t.Context(), "cluster-example")
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("the phase of the Cluster is %q, with %d instances ready", d.Status.Phase, d.Status.ReadyInstances)
		if err := differs("phase", healthyPhase, d.Status.Phase); err != nil {
			t.Error(err)
		}
		w.expectStreaming(t, 0)
		r := w.expectPosture(t, "cluster-example", "BROKEN", "ISOLATION_CHECK_BLOCKED", "OPERATOR_BLOCKED", "POOLER_BLOCKED", "REPLICATION_BLOCKED")
		for _, name := range []string{"operator", "replication", "isolation-check", "pooler"} {
			r.expectFlow(t, name, denied, "clients-only")
		}
	})

	w.it(t, "lockdown beside it repairs the cluster: replicas stream again", func(t *testing.T) {
		w.lockdown(t, "cluster-example", "--allow-pods", "role=backend")
		w.expectStreaming(t, 1)
		w.expectPosture(t, "cluster-example", "LOCKED")
		w.expectProven(t, labelledHere, theHost)
	})
}
