package plugin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// TestHardSituations are situations that no other test holds: what is written into a file, the command, and what has to
// be told. The table in plugin/docs/limits.md names them.
func TestHardSituations(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join("testdata", "missing.yaml"))
	operator := `
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator, namespace: cnpg-system, labels: {app.kubernetes.io/name: cloudnative-pg}}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
  template: {metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}, spec: {containers: [{name: manager, image: operator}]}}
---
`
	database := func(name string) string {
		return "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: " + name + ", namespace: db}\nspec: {instances: 2, storage: {size: 1Gi}}\n---\n"
	}
	settings := func(namespace, enforcement string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: " + namespace + "}\ndata: {enable-policy: " + enforcement + "}\n---\n"
	}
	policy := func(name, spec string) string {
		return "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: " + name + ", namespace: db}\nspec: " + spec + "\n---\n"
	}
	ours := func(name, spec string) string {
		return "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: pg-" + name + ", namespace: db, annotations: {cnpg-netpol/scope: cluster, cnpg-netpol/set: '{\"scope\":\"cluster\"}'}, " +
			"labels: {app.kubernetes.io/managed-by: kubectl-cnpg-netpol, cnpg-netpol/cluster: pg, cnpg-netpol/policy: " + name + "}}\nspec: " + spec + "\n---\n"
	}
	locked := ours("internal-access", "{enableDefaultDeny: {ingress: false}, endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}, ingress: [{"+
		"fromEndpoints: [{matchLabels: {app.kubernetes.io/name: cloudnative-pg, io.kubernetes.pod.namespace: cnpg-system}}, {matchLabels: {cnpg.io/cluster: pg, io.kubernetes.pod.namespace: db}}], "+
		"toPorts: [{ports: [{port: \"8000\", protocol: TCP}, {port: \"5432\", protocol: TCP}]}]}]}") +
		ours("default-deny", "{endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}, ingress: [{}]}")
	operatorEgress := "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: operator-egress, namespace: cnpg-system}\nspec: {endpointSelector: {}, egress: [{toEntities: [kube-apiserver]}]}\n---\n"
	invalid := ""
	for i := range 300 {
		invalid += policy(fmt.Sprintf("bad-%03d", i), "{endpointSelector: {}, ingress: [{fromCIDR: [nonsense]}]}")
	}
	many := ""
	for i := range 50 {
		many += database(fmt.Sprint("pg", i))
	}
	ranges := make([]string, 40)
	for i := range ranges {
		ranges[i] = fmt.Sprintf("192.0.%d.0/24", i)
	}
	backends := "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: db, labels: {app: web}}\nspec: {containers: [{name: a, image: a}]}\n---\n"
	for name, tc := range map[string]struct {
		files string
		args  string
		code  int
		want  []string
		not   []string
	}{
		"11: nothing is enforced after a lockdown": {
			operator + database("pg") + settings("kube-system", "never"), "diff pg -n db -o table", 1,
			[]string{"Posture  OPEN (stays)", "Not LOCKED: Cilium enforces no policies (enable-policy: never)"}, nil,
		},
		"11: another policy lets in the world": {
			operator + database("pg") + policy("wide", "{endpointSelector: {}, ingress: [{fromEntities: [world]}]}"), "diff pg -n db -o table", 1,
			[]string{"→ PARTIAL", "Not LOCKED: the policies let everybody outside the Kubernetes cluster connect", "CiliumNetworkPolicy/db/wide lets in world"}, nil,
		},
		"17: one broken document and 50 clusters": {
			operator + many + "a: [\n---\n", "status -A", 2,
			[]string{"error: the postures of 50 clusters, \"pg0\" in namespace \"db\" among them, are unknown: "}, []string{"pg1\" in namespace"},
		},
		"17: one broken document and one cluster": {
			operator + database("pg") + "a: [\n---\n", "status -A", 2,
			[]string{"error: the posture of cluster \"pg\" in namespace \"db\" is unknown: ", "all.yaml document 3: not valid YAML"}, nil,
		},
		"15: --why-not where something else is denied": {
			operator + operatorEgress + database("pg") + backends + locked, "explain pod/web pg -n db --why-not", 1,
			[]string{"First let the cluster have what it needs, for lockdown refuses as long as something of it is not", "allowed (operator)", "lockdown pg -n db --allow-pods=app=web"}, nil,
		},
		"hundreds of policies that are refused": {
			operator + database("pg") + database("pg2") + invalid, "status -A", 0, []string{"POLICY_INVALID", "and 295 more POLICY_INVALID (-o wide shows all)", "bad-004"}, []string{"bad-005"},
		},
		"hundreds of policies in detail": {
			operator + database("pg") + invalid, "status pg -n db", 0, []string{"and 250 more (-o wide shows all)", "bad-049"}, []string{"bad-050"},
		},
		"all of them when it is wide": {
			operator + database("pg") + invalid, "status pg -n db -o wide", 0, []string{"bad-005", "bad-299"}, []string{"(-o wide shows all)"},
		},
		"21: an application's cilium-config": {
			operator + database("pg") + settings("kube-system", "default") + settings("shop", "never"), "status -A", 0,
			[]string{"OPEN"}, []string{"ENFORCEMENT_DISABLED"},
		},
		"a gate on a folder without a cluster": {
			operator, "status -A --fail-on error", 2, []string{"error: --fail-on has nothing to judge: there is no CloudNativePG cluster in the manifests"}, nil,
		},
		"parts of the world hide no workload": {
			operator + database("pg") + backends + policy("some", "{endpointSelector: {}, ingress: [{fromCIDR: ["+strings.Join(ranges, ", ")+"]}, {fromEndpoints: [{}]}]}"),
			"diff pg -n db -o table", 1, []string{"more parts of the world", "pod/web"}, []string{"192.0.39.0"},
		},
		"all of them for programs": {
			operator + database("pg") + backends + policy("some", "{endpointSelector: {}, ingress: [{fromCIDR: ["+strings.Join(ranges, ", ")+"]}, {fromEndpoints: [{}]}]}"),
			"diff pg -n db -o json", 1, []string{"cidr:192.0.0.0/24", "cidr:192.0.39.0/24", "pod/web"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "all.yaml")
			if err := os.WriteFile(file, []byte(tc.files), 0o600); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr strings.Builder
			code := Main(t.Context(), append(strings.Fields(tc.args), "-f", file), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr})
			told := stdout.String() + stderr.String()
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			for _, want := range tc.want {
				if !strings.Contains(told, want) {
					t.Errorf("%q is missing in\n%s", want, told)
				}
			}
			if strings.HasPrefix(name, "17") && strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("more than a line on stderr:\n%s", stderr.String())
			}
			for _, not := range tc.not {
				if strings.Contains(told, not) {
					t.Errorf("%q is in\n%s", not, told)
				}
			}
		})
	}
}
