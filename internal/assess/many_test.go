package assess_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Additions are tried for many databases at once, and each brings identities of its own: those of the names that it
// opens. Each is what it is for the database alone.
func TestAdditionsForManyDatabases(t *testing.T) {
	const databases = 60
	denied := `apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: inside}
spec: {endpointSelector: {}, egress: [{toEntities: [cluster]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator, namespace: cnpg-system, labels: {app.kubernetes.io/name: cloudnative-pg}}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
  template: {metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}, spec: {containers: [{name: manager, image: operator}]}}
---
`
	var all strings.Builder
	all.WriteString(denied)
	alone := make([]string, databases)
	for i := range alone {
		database := fmt.Sprintf(`apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: team-%02d}
spec:
  instances: 2
  storage: {size: 1Gi}
  backup:
    barmanObjectStore:
      destinationPath: s3://backups/
      endpointURL: https://s3-%02d.example.com
      s3Credentials: {accessKeyId: {name: s3, key: id}, secretAccessKey: {name: s3, key: secret}}
---
`, i, i)
		all.WriteString(database)
		alone[i] = denied + database
	}
	reports := evaluated(t, all.String())
	if len(reports) != databases {
		t.Fatalf("%d reports", len(reports))
	}
	for i, r := range reports {
		remedy := blockedStore(t, r)
		if !strings.Contains(remedy, fmt.Sprintf(`toFQDNs: [{matchName: "s3-%02d.example.com"}]`, i)) {
			t.Errorf("%s: %s", r.Metadata.Namespace, remedy)
		}
		if i%20 == 0 {
			if want := blockedStore(t, evaluated(t, alone[i])[0]); remedy != want {
				t.Errorf("%s: among others %q, alone %q", r.Metadata.Namespace, remedy, want)
			}
		}
	}
}

func evaluated(t *testing.T, text string) []v1alpha1.IsolationReport {
	t.Helper()
	file := filepath.Join(t.TempDir(), "all.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := model.New(fixture.Load(t, file), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return assess.Evaluate(m).Items
}

// blockedStore is the remedy of the finding that the object store can't be reached.
func blockedStore(t *testing.T, r v1alpha1.IsolationReport) string {
	t.Helper()
	for _, f := range r.Findings {
		if f.Code == v1alpha1.ObjectStoreBlocked {
			return f.Remedy.String()
		}
	}
	t.Fatalf("%s has no such finding: %+v", r.Metadata.Namespace, r.Findings)
	return ""
}
