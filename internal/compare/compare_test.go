package compare_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/compare"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

const operator = `apiVersion: apps/v1
kind: Deployment
metadata: {name: cnpg-controller-manager, namespace: cnpg-system, labels: {app.kubernetes.io/name: cloudnative-pg}}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
  template:
    metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}
    spec: {containers: [{name: manager, image: "cloudnative-pg:1.30.0"}]}
---
`

func cluster(name string) string {
	return fmt.Sprintf("apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: %s, namespace: db}\nspec: {instances: 2, storage: {size: 1Gi}}\n---\n", name)
}

func deployment(name, role string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: db}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template: {metadata: {labels: {app: %[1]s, role: %[2]s}}, spec: {containers: [{name: x, image: x}]}}
---
`, name, role)
}

// policy lets the operator, peers and pods of the role in; more are fields of the spec besides.
func policy(role, more string) string {
	return fmt.Sprintf(`apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: pg, namespace: db}
spec:
  endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}
  ingress:
  - fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: cnpg-system, app.kubernetes.io/name: cloudnative-pg}}, {matchLabels: {cnpg.io/cluster: pg}}]
  - fromEndpoints: [{matchLabels: {role: %s}}]
    toPorts: [{ports: [{port: "5432", protocol: TCP}]}]
%s---
`, role, more)
}

func compared(t *testing.T, before, after string) v1alpha1.StateComparison {
	t.Helper()
	load := func(name, text string) compare.State {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(operator+text), 0o600); err != nil {
			t.Fatal(err)
		}
		inv, _ := manifests.Load(t.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{dir}, Recursive: true}})
		if inv == nil {
			t.Fatal("no inventory")
		}
		return compare.State{Name: dir, Inventory: inv}
	}
	c, err := compare.States(load("before", before), load("after", after), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// short is a comparison in short.
func short(c v1alpha1.StateComparison) string {
	var out []string
	for _, one := range c.Clusters {
		out = append(out, fmt.Sprintf("%s %s %s>%s", one.Metadata.Name, one.Presence, one.Posture.Before, one.Posture.After))
		for _, f := range one.RequiredFlows {
			out = append(out, fmt.Sprintf("%s %s>%s", f.Name, f.Before, f.After))
		}
		for _, a := range one.Access.Loses {
			out = append(out, fmt.Sprintf("-%s%s", a.Entity, a.Workload))
		}
		for _, a := range one.Access.Gains {
			out = append(out, fmt.Sprintf("+%s%s", a.Entity, a.Workload))
		}
		for _, f := range one.Findings.New {
			out = append(out, "new "+string(f.Code))
		}
		for _, f := range one.Findings.Gone {
			out = append(out, "gone "+string(f.Code))
		}
		for _, d := range one.Unknown {
			out = append(out, fmt.Sprintf("unknown %t", d.Before))
		}
	}
	for _, f := range c.Findings.New {
		out = append(out, "new without a cluster "+string(f.Code))
	}
	return fmt.Sprintf("%s; %d unchanged", strings.Join(out, "; "), c.Unchanged)
}

func TestStates(t *testing.T) {
	const shut = "  egress: [{toEndpoints: [{}]}]\n"
	base := cluster("pg") + deployment("web", "client")
	for name, test := range map[string]struct{ before, after, want string }{
		"nothing": {base + policy("client", ""), base + policy("client", ""), "; 1 unchanged"},
		"a client loses access": {
			base + policy("client", ""), base + policy("nobody", ""), "pg both LOCKED>LOCKED; -deployment/web; 0 unchanged",
		},
		"another gains it": {
			base + deployment("etl", "etl") + policy("client", ""), base + deployment("etl", "etl") + policy("etl", ""),
			"pg both LOCKED>LOCKED; -deployment/web; +deployment/etl; 0 unchanged",
		},
		"a policy shuts out the API server": {
			base + policy("client", ""), base + policy("client", shut), "pg both LOCKED>BROKEN; api-server allowed>denied; dns allowed>denied; dns allowed>denied; " +
				"new API_SERVER_BLOCKED; new DNS_BLOCKED; 0 unchanged",
		},
		// Its policies let it in before it was there.
		"a new client that was let in": {base + policy("client", ""), base + deployment("new", "client") + policy("client", ""), "; 1 unchanged"},
		"a new client with its rule": {
			base + policy("client", ""), base + deployment("new", "new") + policy("new", ""), "pg both LOCKED>LOCKED; -deployment/web; +deployment/new; 0 unchanged",
		},
		"a client that goes with its rule": {
			base + deployment("old", "old") + policy("old", ""), base + policy("client", ""), "pg both LOCKED>LOCKED; -deployment/old; +deployment/web; 0 unchanged",
		},
		"a new database": {
			base + policy("client", ""), base + policy("client", "") + cluster("more"),
			"more added >OPEN; +host; +kube-apiserver; +remote-node; +world; +deployment/cnpg-controller-manager; +cluster/pg; +deployment/web; new NO_DEFAULT_DENY; 1 unchanged",
		},
		"one less": {
			base + policy("client", "") + cluster("more"), base + policy("client", ""),
			"more removed OPEN>; -host; -kube-apiserver; -remote-node; -world; -deployment/cnpg-controller-manager; -cluster/pg; -deployment/web; gone NO_DEFAULT_DENY; 1 unchanged",
		},
		"unknown before": {
			base + policy("client", "") + "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x, namespace: db}\nspec: {endpointSelector: {matchLabels: {a: '${B}'}}}\n",
			base + policy("client", ""), "pg both UNKNOWN>LOCKED; unknown true; 0 unchanged",
		},
		// Paths differ, and nothing else.
		"the same unknown on both sides": {
			base + policy("client", "") + "apiVersion: v1\nkind: Pod\nmetadata: {name: [x]}\n", base + policy("client", "") + "apiVersion: v1\nkind: Pod\nmetadata: {name: [x]}\n",
			"pg both UNKNOWN>UNKNOWN; unknown true; unknown false; 0 unchanged",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := short(compared(t, test.before, test.after)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
