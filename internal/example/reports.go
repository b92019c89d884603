package example

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// The recordings are of default/cluster-example on a kind cluster: two instances, a pooler, and clients in
// default, other and backend.
const (
	recordings = "../../inventory/testdata/"
	beside     = "../../example/testdata/"
	// lockdown is the set of the same cluster, for pods with role=backend.
	lockdown = "../../explain/testdata/lockdown.yaml"
)

// Open is the recording without policies.
func Open(t *testing.T) v1alpha1.IsolationReportList { return assessed(t, recordings+"live-open.json") }

// Locked is the same after lockdown.
func Locked(t *testing.T) v1alpha1.IsolationReportList {
	return assessed(t, recordings+"live-open.json", lockdown)
}

// Recorded is the recording that was locked on the server, by policies without a manager.
func Recorded(t *testing.T) v1alpha1.IsolationReportList {
	return assessed(t, recordings+"live-locked.json")
}

// DocumentLiteral is the recording with CloudNativePG's policies as they are printed: one is invalid, one
// has lost its selector.
func DocumentLiteral(t *testing.T) v1alpha1.IsolationReportList {
	return assessed(t, recordings+"live-document-literal.json")
}

// Partial is locked but for the pooler, which somebody has taken out.
func Partial(t *testing.T) v1alpha1.IsolationReportList {
	return assessed(t, recordings+"live-open.json", beside+"drifted.yaml")
}

// Broken has policies for its clients only.
func Broken(t *testing.T) v1alpha1.IsolationReportList {
	return assessed(t, recordings+"live-open.json", beside+"blocking.yaml")
}

// Unknown has an operator that may go where Services lead, which were not read.
func Unknown(t *testing.T) v1alpha1.IsolationReportList {
	return assessed(t, recordings+"live-open.json", beside+"services.yaml")
}

// Roles lets others reach the primary than the replica.
func Roles(t *testing.T) v1alpha1.IsolationReportList {
	return assessed(t, recordings+"live-open.json", beside+"roles.yaml")
}

// Several are databases in every state but UNKNOWN.
func Several(t *testing.T) v1alpha1.IsolationReportList {
	return assessed(t, recordings+"live-open.json", beside+"more-clusters.yaml")
}

// WithoutOperator are databases of manifests that lack the operator: all have the same finding.
func WithoutOperator(t *testing.T) v1alpha1.IsolationReportList {
	return assessed(t, beside+"more-clusters.yaml")
}

// Contexts are two contexts that answered, the same cluster in both, and one that did not.
func Contexts(t *testing.T) v1alpha1.IsolationReportList {
	here, there := Open(t), Locked(t)
	here.Items[0].Metadata.Context, there.Items[0].Metadata.Context = "staging", "production"
	return v1alpha1.IsolationReportList{Items: append(here.Items, there.Items...), Errors: []v1alpha1.ContextError{{
		Context: "arn:aws:eks:eu-central-1:123456789012:cluster/far-away",
		Message: "the server did not answer in time: check the network, or raise --request-timeout",
	}}}
}

// Crowded is a database of manifests with more clients, and more workloads that are denied, than are shown one
// by one.
func Crowded(t *testing.T) v1alpha1.IsolationReportList { return assessed(t, crowd(t, 14, 30, 16)) }

// Overcrowded has more clients than a report on very many databases names.
func Overcrowded(t *testing.T) v1alpha1.IsolationReportList {
	list := assessed(t, crowd(t, 60, 55, 3))
	e := &list.Items[0].Exposure[0]
	e.Clients, e.MoreClients = e.Clients[:v1alpha1.MaxClients], len(e.Clients)-v1alpha1.MaxClients
	return list
}

// crowd writes manifests: so many workloads in each of two namespaces that may connect, and others that may
// not.
func crowd(t *testing.T, one, two, denied int) string {
	t.Helper()
	text := bytes.NewBufferString(`apiVersion: v1
kind: Namespace
metadata: {name: default}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: cluster-example, namespace: default}
spec: {instances: 2, storage: {size: 1Gi}}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: clients, namespace: default}
spec:
  endpointSelector: {matchLabels: {cnpg.io/cluster: cluster-example}}
  ingress:
  - fromEndpoints:
    - {matchLabels: {io.kubernetes.pod.namespace: cnpg-system}}
    - {matchLabels: {cnpg.io/cluster: cluster-example}}
  - fromEndpoints: [{matchLabels: {client: "yes"}, matchExpressions: [{key: io.kubernetes.pod.namespace, operator: Exists}]}]
    toPorts: [{ports: [{port: "5432", protocol: TCP}]}]
`)
	add := func(namespace, client string, count int) {
		for i := range count {
			fmt.Fprintf(text, `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker-%02d, namespace: %s}
spec:
  replicas: %d
  selector: {matchLabels: {app: worker-%02d}}
  template:
    metadata: {labels: {app: worker-%02d, client: %q}}
    spec: {containers: [{name: worker, image: worker}]}
`, i+1, namespace, i%3+1, i+1, i+1, client)
		}
	}
	add("analytics", "yes", one)
	add("web", "yes", two)
	add("default", "no", denied)
	path := filepath.Join(t.TempDir(), "crowd.yaml")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
