package assess_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Pods that a CIDR may match keep a cluster from being called locked.
func TestLockedOnlyIfNobodyMayConnectUnseen(t *testing.T) {
	const policy = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: corp, namespace: shop}\n" +
		"spec: {endpointSelector: {matchLabels: {cnpg.io/cluster: orders}}, ingress: [{fromEndpoints: [{matchLabels: {cnpg.io/cluster: orders}}, {matchLabels: {io.kubernetes.pod.namespace: cnpg-system}}]}, {fromCIDR: [10.0.0.0/8], toPorts: [{ports: [{port: '5432'}]}]}]}\n"
	const settings = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {policy-cidr-match-mode: MODE}\n"
	for mode, want := range map[string]v1alpha1.Posture{`""`: v1alpha1.PostureLocked, "nodes": v1alpha1.PostureLocked, "pods": v1alpha1.PostureUnknown, "nodes pods": v1alpha1.PostureUnknown} {
		file := filepath.Join(t.TempDir(), "corp.yaml")
		if err := os.WriteFile(file, []byte(policy+strings.Replace(settings, "MODE", mode, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := model.New(fixture.Load(t, append(fixture.Shop(), file)...), model.Options{Names: []string{"orders"}, OperatorNamespace: "cnpg-system"})
		if err != nil {
			t.Fatal(err)
		}
		if r := assess.Evaluate(m).Items[0]; r.Posture != want {
			t.Errorf("mode %s: %s, want %s: %+v", mode, r.Posture, want, r.Findings)
		}
	}
}
