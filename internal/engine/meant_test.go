package engine_test

import (
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// A refused policy is a finding of the databases that it was meant for, and of no others.
func TestWhomARefusedPolicyWasMeantFor(t *testing.T) {
	const refused = "\nstatus: {conditions: [{type: Valid, status: \"False\", message: an older Cilium does not like it}]}"
	for _, tc := range []struct {
		name, policy string
		want         bool
	}{
		{"an invalid rule for the database", `{kind: CiliumNetworkPolicy, apiVersion: cilium.io/v2, metadata: {name: x}, spec: {endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}, ingress: []}}`, true},
		{"an invalid rule for others", `{kind: CiliumNetworkPolicy, apiVersion: cilium.io/v2, metadata: {name: x}, spec: {endpointSelector: {matchLabels: {app: web}}, ingress: []}}`, false},
		{"an invalid rule for nodes", `{kind: CiliumClusterwideNetworkPolicy, apiVersion: cilium.io/v2, metadata: {name: x}, spec: {nodeSelector: {}, ingress: []}}`, false},
		{"nothing that says for whom", `{kind: CiliumNetworkPolicy, apiVersion: cilium.io/v2, metadata: {name: x}}`, true},
		{"refused by the agents only, for the database", `
kind: CiliumNetworkPolicy
apiVersion: cilium.io/v2
metadata: {name: x}
spec: {endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}, ingress: [{}]}` + refused, true},
		{"refused by the agents only, for others", `
kind: CiliumNetworkPolicy
apiVersion: cilium.io/v2
metadata: {name: x}
spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{}]}` + refused, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := smallWorldWith(tc.policy)
			ids, err := engine.NewIdentities(w.settings)
			if err != nil {
				t.Fatal(err)
			}
			pods, err := ids.Pods([]inventory.Pod{{Namespace: "db", Labels: map[string]string{"cnpg.io/cluster": "pg"}}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			read, err := engine.Read(w.settings, w.read(t))
			if err != nil {
				t.Fatal(err)
			}
			if read[0].Valid || read[0].WouldSelect(pods[0]) != tc.want {
				t.Errorf("valid: %t, meant for the database: %t, want %t", read[0].Valid, !tc.want, tc.want)
			}
		})
	}
}
