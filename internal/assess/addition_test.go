package assess_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Of an operator that was named and not seen, no label is known: what lets it in selects its namespace.
func TestWhatLetsInAnOperatorThatWasNotSeen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "database.yaml")
	if err := os.WriteFile(file, []byte(`
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: shop}
spec: {instances: 2, storage: {size: 1Gi}}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: peers-alone, namespace: shop}
spec: {endpointSelector: {}, ingress: [{fromEndpoints: [{}]}], egress: [{toEntities: [kube-apiserver]}]}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	inv, err := manifests.Load(t.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{file}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(inv, model.Options{OperatorNamespace: "operators"})
	if err != nil {
		t.Fatal(err)
	}
	remedy := ""
	for _, f := range assess.Evaluate(m).Items[0].Findings {
		if f.Code == v1alpha1.OperatorBlocked {
			remedy = f.Remedy.String()
		}
	}
	if !strings.Contains(remedy, `fromEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": "operators"}}]`) {
		t.Errorf("the remedy is %q", remedy)
	}
}
