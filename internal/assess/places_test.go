package assess_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Findings of manifests say where they are to be corrected: the field of the policy, or the Cluster.
func TestPlaces(t *testing.T) {
	t.Chdir(t.TempDir())
	const database = `apiVersion: v1
kind: Namespace
metadata: {name: db}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: db}
spec: {instances: 1, storage: {size: 1Gi}}
`
	policies := `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: shut, namespace: db}
spec: {endpointSelector: {}, egress: [{toEndpoints: [{}]}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: open, namespace: db}
specs: [{endpointSelector: {}, ingress: [{fromEntities: [cluster]}, {fromEntities: [world]}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: typo, namespace: db}
spec: {endpointSelector: {}, ingress: [{fromEndpoint: [{}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: refused, namespace: db}
spec: {podSelector: {}, ingress: [{ports: [{port: 70000}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: [web]}
`
	for name, text := range map[string]string{"database.yaml": database, "policies.yaml": policies} {
		if err := os.WriteFile(filepath.Clean(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := map[v1alpha1.FindingCode]string{}
	inv, err := manifests.Load(t.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{"database.yaml", "policies.yaml"}}})
	if inv == nil {
		t.Fatal(err)
	}
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range assess.Evaluate(m).Items[0].Findings {
		for _, at := range f.At {
			got[f.Code] += fmt.Sprintf("%s/%s/%s %s %s:%d;", at.Kind, at.Namespace, at.Name, at.Field, at.File, at.Document)
		}
	}
	for code, want := range map[v1alpha1.FindingCode]string{
		v1alpha1.APIServerBlocked:   "CiliumNetworkPolicy/db/shut spec.egress policies.yaml:1;",
		v1alpha1.WorldCanConnect:    "CiliumNetworkPolicy/db/open specs[0].ingress[1] policies.yaml:2;",
		v1alpha1.PolicyIgnoredField: "CiliumNetworkPolicy/db/typo spec.ingress[0].fromEndpoint policies.yaml:3;",
		v1alpha1.PolicyInvalid:      "NetworkPolicy/db/refused spec.ingress[0].ports[0].port policies.yaml:4;",
		v1alpha1.OperatorNotFound:   "Cluster/db/pg  database.yaml:2;",
		v1alpha1.EvidenceMissing:    "//  policies.yaml:5;",
	} {
		if got[code] != want {
			t.Errorf("%s is at %q, want %q", code, got[code], want)
		}
	}
}
