package manifests

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Places have the line of their field, of what is there of it, or none.
func TestLocate(t *testing.T) {
	const policies = `# A comment.
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: one}
spec:
  endpointSelector:
    matchLabels: {cnpg.io/cluster: shop}
  ingress:
  - fromEndpoints: [{}]

  - fromEntities: &all
    - world
  egress: *all
---
apiVersion: v1
kind: List
items:
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata: {name: first}
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata:
    name: second
  spec:
    podSelector: {}
    ingress: []
`
	t.Chdir(t.TempDir())
	write(t, "deploy/policies.yaml", policies)
	write(t, "deploy/windows.yaml", "\xef\xbb\xbfapiVersion: v1\r\nkind: Namespace\r\nmetadata: {name: shop}\r\n---\r\napiVersion: networking.k8s.io/v1\r\nkind: NetworkPolicy\r\nmetadata: {name: third}\r\nspec:\r\n  podSelector: {}\r\n")
	write(t, "deploy/json.json", "{\"apiVersion\": \"networking.k8s.io/v1\",\n \"kind\": \"NetworkPolicy\", \"metadata\": {\"name\": \"fourth\"},\n \"spec\": {\n  \"podSelector\": {}}}\n")
	write(t, "base/kustomization.yaml", "namePrefix: live-\nnamespace: default\nresources: [policy.yaml]\n")
	write(t, "base/policy.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: fifth\nspec:\n  podSelector: {}\n")
	write(t, "deploy/list.json", "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"NetworkPolicy\", \"metadata\": {\"name\": \"sixth\"}},\n{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"NetworkPolicy\", \"metadata\": {\"name\": \"seventh\"},\n\"spec\": {}}]}\n")
	o := files("deploy/policies.yaml", "deploy/windows.yaml", "deploy/list.json", absolute("deploy/json.json"))
	o.Kustomizations = []string{"base"}
	inv, err := Load(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, field, file string
		line              int
	}{
		{"one", "spec.ingress[1].fromEntities[0]", "deploy/policies.yaml", 13},
		{"one", "spec.ingress[0]", "deploy/policies.yaml", 10},
		{"one", "spec.endpointSelector.matchLabels.cnpg.io/cluster", "deploy/policies.yaml", 8},
		{"one", "spec.egress[0]", "deploy/policies.yaml", 13},
		{"one", "spec.ingress[7].fromCIDR", "deploy/policies.yaml", 9},
		{"one", "spec.enableDefaultDeny.ingress", "deploy/policies.yaml", 6},
		{"one", "", "deploy/policies.yaml", 3},
		{"first", "spec", "deploy/policies.yaml", 19},
		{"second", "spec.ingress", "deploy/policies.yaml", 28},
		{"third", "spec.podSelector", "deploy/windows.yaml", 9},
		{"fourth", "spec.podSelector", "deploy/json.json", 4},
		{"seventh", "spec", "deploy/list.json", 4},
		{"seventh", "metadata.name", "deploy/list.json", 3},
		{"live-fifth", "spec.podSelector", "base/policy.yaml", 10},
		{"nobody", "spec", "deploy/gone.yaml", 0},
	} {
		at := v1alpha1.Location{Kind: "NetworkPolicy", Namespace: "default", Name: c.name, Field: c.field, File: c.file}
		if c.name == "one" {
			at.Kind = "CiliumNetworkPolicy"
		}
		if c.name == "fourth" {
			at.File, _ = filepath.Abs(at.File)
		}
		list := v1alpha1.IsolationReportList{Items: []v1alpha1.IsolationReport{{Findings: []v1alpha1.Finding{{At: []v1alpha1.Location{at}}}}}}
		Locate(context.Background(), inv, &list)
		if got := list.Items[0].Findings[0].At[0]; got.Line != c.line || got.File != c.file {
			t.Errorf("%s %s: %s:%d, want %s:%d", c.name, c.field, got.File, got.Line, c.file, c.line)
		}
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
