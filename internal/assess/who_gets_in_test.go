package assess_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// small is a database of one instance, its operator of a release, and a namespace.
const small = `
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: db}
spec: {instances: 1, storage: {size: 1Gi}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cnpg-controller-manager, namespace: cnpg-system, labels: {app.kubernetes.io/name: cloudnative-pg}}
spec: {template: {metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}, spec: {serviceAccountName: cnpg-manager, containers: [{name: manager, image: "cloudnative-pg:1.30.0"}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: db}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}}
`

// rulesFor is a policy for the database with these rules, besides those for operator and peers.
func rulesFor(ingress string) string {
	return `---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: pg, namespace: db}
spec:
  endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}
  ingress:
  - fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: cnpg-system}}, {matchLabels: {cnpg.io/cluster: pg}}]
    toPorts: [{ports: [{port: "5432", protocol: TCP}, {port: "8000", protocol: TCP}]}]
` + ingress
}

// policyOf is a policy of a name for pods of the namespace.
func policyOf(name, spec string) string {
	return "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: " + name + ", namespace: db}\nspec: " + spec + "\n"
}

const on5432 = "    toPorts: [{ports: [{port: \"5432\", protocol: TCP}]}]\n"

// Everybody who gets in is listed, and what that means is found.
func TestWhoGetsIn(t *testing.T) {
	const mesh = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {cluster-name: east, cluster-id: \"1\"}\n"
	west := func(more string) string {
		return mesh + rulesFor("  - fromEndpoints: [{matchLabels: {io.cilium.k8s.policy.cluster: west, io.kubernetes.pod.namespace: db, cnpg.io/cluster: pg-west}}]\n"+on5432) + more
	}
	ambient := func(labels, port string) string {
		return strings.Replace("---\napiVersion: v1\nkind: Namespace\nmetadata: {name: db, labels: {LABELS}}\n", "LABELS", labels, 1) +
			rulesFor("  - fromEntities: [cluster]\n    toPorts: [{ports: [{port: \""+port+"\", protocol: TCP}]}]\n")
	}
	service := func(kind, policy, rule string) string {
		return "---\napiVersion: v1\nkind: Service\nmetadata: {name: lb, namespace: db}\nspec: {type: " + kind + ", externalTrafficPolicy: " + policy +
			", selector: {cnpg.io/cluster: pg}, ports: [{port: 5432}]}\n" + rulesFor(rule)
	}
	nodes := "  - fromEntities: [remote-node]\n" + on5432
	release := func(tag, port string) string {
		return strings.Replace(small, "1.30.0", tag, 1) + rulesFor("  - fromEndpoints: [{matchLabels: {app: web}}]\n    toPorts: [{ports: [{port: \""+port+"\", protocol: TCP}]}]\n")
	}
	two := strings.Replace(small, "instances: 1", "instances: 2", 1)
	tests := map[string]struct {
		manifests string
		posture   v1alpha1.Posture
		// has and hasNot are regular expressions for the report as JSON.
		has, hasNot []string
	}{
		"entities that a rule lets in": {
			manifests: small + rulesFor("  - fromEntities: [ingress]\n"+on5432+"  - fromEntities: [unmanaged, init, health]\n"+on5432), posture: v1alpha1.PostureLocked,
			has: []string{`"entities":\["host","ingress","unmanaged","init","health"\]`, `"ingress":\[{"kind":"CiliumNetworkPolicy","namespace":"db","name":"pg"}\]`},
		},
		"entities that no rule names": {
			manifests: small + rulesFor(""), posture: v1alpha1.PostureLocked, has: []string{`"entities":\["host"\]`}, hasNot: []string{"ingress\"[],]", "unmanaged"},
		},
		"where everybody gets in, the usual entities say it": {
			manifests: small, posture: v1alpha1.PostureOpen, has: []string{`"entities":\["world","host","remote-node","kube-apiserver"\]`},
		},
		"the egress of the proxy behind Ingresses is shut": {
			manifests: small + rulesFor("  - fromEntities: [ingress, health]\n"+on5432) +
				"---\napiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: shut}\nspec: {endpointSelector: {matchLabels: {\"reserved:ingress\": \"\"}}, egress: [{}]}\n",
			posture: v1alpha1.PostureLocked, has: []string{`"entities":\["host","health"\]`},
		},
		"pods of another cluster of a mesh": {
			manifests: small + west(""), posture: v1alpha1.PostureLocked,
			has: []string{`"possible":\[{"cluster":"west","namespace":"db","labels":"cnpg.io/cluster=pg-west","policies":\[{"kind":"CiliumNetworkPolicy","namespace":"db","name":"pg"}\]}\]`},
		},
		"the own cluster by its name": {
			manifests: small + mesh + rulesFor("  - fromEndpoints: [{matchLabels: {io.cilium.k8s.policy.cluster: east, app: web}}]\n"+on5432), posture: v1alpha1.PostureLocked,
			has: []string{`"workload":"deployment/web"`}, hasNot: []string{"possible"},
		},
		"clients that are not in the manifests": {
			manifests: small + rulesFor("  - fromEndpoints: [{matchLabels: {app: api}, matchExpressions: [{key: tier, operator: Exists}]}]\n"+on5432), posture: v1alpha1.PostureLocked,
			has: []string{`"possible":\[{"namespace":"db","labels":"app=api,tier",`}, hasNot: []string{"SELECTOR_MATCHES_NOBODY"},
		},
		"clients that are not in the manifests, for another port": {
			manifests: small + rulesFor("  - fromEndpoints: [{matchLabels: {app: api}}]\n    toPorts: [{ports: [{port: \"9187\"}]}]\n"), posture: v1alpha1.PostureLocked,
			hasNot: []string{"possible"},
		},
		"a label that no identity has": {
			manifests: small + rulesFor("  - fromEndpoints: [{matchLabels: {k8s.io.kubernetes.pod.namespace.labels.tenant: a}}]\n"+on5432), posture: v1alpha1.PostureLocked,
			has: []string{
				"SELECTOR_MATCHES_NOBODY", `spec.ingress\[1\] of CiliumNetworkPolicy/db/pg can match nobody \(k8s.io.kubernetes.pod.namespace.labels.tenant=a\)`,
				"write io.cilium.k8s.namespace.labels.tenant",
			},
			hasNot: []string{"possible"},
		},
		"a label of a namespace, as it is written": {
			manifests: small + rulesFor("  - fromEndpoints: [{matchLabels: {io.cilium.k8s.namespace.labels.tenant: a}}]\n"+on5432), posture: v1alpha1.PostureLocked,
			has: []string{`"possible":\[{"labels":"io.cilium.k8s.namespace.labels.tenant=a"`}, hasNot: []string{"SELECTOR_MATCHES_NOBODY"},
		},
		"one finding for the rule that lets in a part of the world": {
			manifests: small + rulesFor("") + "---\napiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: probes}\n" +
				"spec: {endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}, ingress: [{fromCIDRSet: [{cidr: 169.254.0.0/16, except: [169.254.1.0/24]}]}]}\n", posture: v1alpha1.PostureLocked,
			has: []string{
				`a part of the world connect to ports 5432, 8000 and 9187 of the instances: spec.ingress\[0\] of CiliumClusterwideNetworkPolicy/probes lets in 169.254.0.0/16 except 169.254.1.0/24`,
			},
			hasNot: []string{"WORLD_CAN_CONNECT.*WORLD_CAN_CONNECT"},
		},
		"a rule for the world, and one for a part of it": {
			manifests: small + rulesFor("  - fromEntities: [world]\n  - fromCIDR: [10.20.0.0/16]\n"+on5432), posture: v1alpha1.PosturePartial,
			has: []string{
				`let everybody outside the Kubernetes cluster connect to [^:]*: spec.ingress\[1\] of CiliumNetworkPolicy/db/pg lets in world`,
				`let a part of the world connect to port 5432 of the instances: spec.ingress\[2\] of CiliumNetworkPolicy/db/pg lets in 10.20.0.0/16`,
			},
			hasNot: []string{`everybody outside the Kubernetes cluster connect to [^:]*: spec.ingress\[2\]`},
		},
		"halves are the world": {
			manifests: small + rulesFor("  - fromCIDR: [0.0.0.0/1, 128.0.0.0/1]\n"+on5432), posture: v1alpha1.PosturePartial,
			has: []string{`"severity":"error","message":"the policies let everybody outside`, `"entities":\["host","world"\]`}, hasNot: []string{"cidr:"},
		},
		"halves with an exception": {
			manifests: small + rulesFor("  - fromCIDRSet: [{cidr: 0.0.0.0/1, except: [10.0.0.0/8]}, {cidr: 128.0.0.0/1}]\n"+on5432), posture: v1alpha1.PosturePartial,
			has: []string{`lets in 0.0.0.0/1, 128.0.0.0/1 except 10.0.0.0/8`},
		},
		"halves for different ports": {
			manifests: small + rulesFor("  - fromCIDR: [0.0.0.0/1]\n"+on5432+"  - fromCIDR: [128.0.0.0/1]\n    toPorts: [{ports: [{port: \"9187\"}]}]\n"), posture: v1alpha1.PostureLocked,
			has:    []string{`"severity":"warning","message":"the policies let a part of the world connect to port 5432 of the instances: spec.ingress\[1\]`, `port 9187 of the instances: spec.ingress\[2\]`},
			hasNot: []string{`"entities":\[[^]]*"world"`},
		},
		"clients come as nodes": {
			manifests: small + service("LoadBalancer", "Cluster", nodes), posture: v1alpha1.PostureLocked,
			has: []string{
				`"services":\[{"namespace":"db","name":"lb","type":"LoadBalancer","externalTrafficPolicy":"Cluster","arriveAs":\["their own address","remote-node"\]}\]`,
				`Service db/lb \(LoadBalancer, externalTrafficPolicy: Cluster\) with the address of a node, and remote-node can connect to port 5432 of the instances \(CiliumNetworkPolicy/db/pg\)`,
			},
		},
		"nodes do not get in": {
			manifests: small + service("NodePort", "Cluster", ""), posture: v1alpha1.PostureLocked,
			has: []string{`"type":"NodePort"`}, hasNot: []string{"WORLD_CAN_CONNECT"},
		},
		"clients keep their addresses": {
			manifests: small + service("LoadBalancer", "Local", nodes), posture: v1alpha1.PostureLocked,
			has: []string{`"arriveAs":\["their own address"\]`}, hasNot: []string{"WORLD_CAN_CONNECT"},
		},
		"a Service that is not reached from outside": {
			manifests: small + service("ClusterIP", "Cluster", nodes), posture: v1alpha1.PostureLocked, hasNot: []string{`"services"`},
		},
		"a Service that the operator would make": {
			manifests: strings.Replace(small, "storage: {size: 1Gi}", "storage: {size: 1Gi}, managed: {services: {additional: [{selectorType: rw, serviceTemplate: {metadata: {name: out}, spec: {type: LoadBalancer}}}]}}", 1) + rulesFor(nodes),
			posture:   v1alpha1.PostureLocked, has: []string{"Service db/out"},
		},
		"an ambient mesh": {
			manifests: small + ambient("istio.io/dataplane-mode: ambient", "15008"), posture: v1alpha1.PostureUnknown,
			has: []string{"MESH_BYPASS", `port 15008 of pod \\"pg-1\\" on to PostgreSQL`},
		},
		"an ambient mesh whose port is shut": {
			manifests: small + ambient("istio.io/dataplane-mode: ambient", "15009"), posture: v1alpha1.PostureLocked, hasNot: []string{"MESH_BYPASS"},
		},
		"a port without a mesh": {
			manifests: small + ambient("team: a", "15008"), posture: v1alpha1.PostureLocked, hasNot: []string{"MESH_BYPASS"},
		},
		"sidecars": {
			manifests: small + ambient("istio-injection: enabled", "15006"), posture: v1alpha1.PostureUnknown, has: []string{"MESH_BYPASS.*Istio's sidecar"},
		},
		"Linkerd": {
			manifests: strings.Replace(small, "storage: {size: 1Gi}", "storage: {size: 1Gi}, inheritedMetadata: {annotations: {linkerd.io/inject: enabled}}", 1) + ambient("team: a", "4143"),
			posture:   v1alpha1.PostureUnknown, has: []string{"MESH_BYPASS.*Linkerd"},
		},
		"a pod with the cluster's label": {
			manifests: small + rulesFor("") + "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: admin, namespace: db}\nspec: {template: {metadata: {labels: {cnpg.io/cluster: pg}}, spec: {containers: [{name: a, image: a}]}}}\n",
			posture:   v1alpha1.PostureLocked, has: []string{`UNEXPECTED_PEER.*deployment/admin`, `"workload":"deployment/admin"`}, hasNot: []string{"BYSTANDERS_DENIED", `"name":"admin`},
		},
		"the status port, before 1.30":            {manifests: release("1.29.1", "8000"), posture: v1alpha1.PostureLocked, has: []string{"STATUS_PORT_EXPOSED.*the operator is 1.29.1: db/deployment/web"}},
		"the status port, of 1.30":                {manifests: release("1.30.0", "8000"), posture: v1alpha1.PostureLocked, hasNot: []string{"STATUS_PORT_EXPOSED"}},
		"the status port, of an unknown release":  {manifests: release("main", "8000"), posture: v1alpha1.PostureLocked, hasNot: []string{"STATUS_PORT_EXPOSED"}},
		"the status port, for operator and peers": {manifests: release("1.29.1", "5432"), posture: v1alpha1.PostureLocked, hasNot: []string{"STATUS_PORT_EXPOSED"}},
		"the primary for some, replicas for nobody": {
			manifests: two + rulesFor("") + policyOf("primary", `{endpointSelector: {matchLabels: {cnpg.io/instanceRole: primary}}, ingress: [{fromEndpoints: [{matchLabels: {app: web}}], toPorts: [{ports: [{port: "5432"}]}]}]}`),
			posture:   v1alpha1.PostureLocked,
			has:       []string{`"byPod":\[{"targets":\["pg-1"\].*deployment/web.*},{"targets":\["pg-2"\],"pods":1,`},
		},
		"a policy for the primary only": {
			manifests: two + policyOf("primary", `{endpointSelector: {matchLabels: {cnpg.io/instanceRole: primary}}, ingress: [{fromEndpoints: [{matchLabels: {cnpg.io/cluster: pg}}, {matchLabels: {io.kubernetes.pod.namespace: cnpg-system}}]}]}`),
			posture:   v1alpha1.PosturePartial,
			has:       []string{`{"targets":\["pg-1"\],"pods":1,"totalPods":2,.*"entities":\["host"\]},{"targets":\["pg-2"\],"everybody":true,"pods":2,`},
		},
		"policies that tell instances apart and let in the same": {
			manifests: two + rulesFor("") + policyOf("primary", `{endpointSelector: {matchLabels: {cnpg.io/instanceRole: primary}}, ingress: [{fromEndpoints: [{matchLabels: {cnpg.io/cluster: pg}}]}]}`),
			posture:   v1alpha1.PostureLocked, hasNot: []string{"byPod"},
		},
		"enableDefaultDeny without rules":           {manifests: small + rulesFor("") + policyOf("deny", "{endpointSelector: {}, enableDefaultDeny: {ingress: true, egress: true}, ingress: [{}], egress: []}"), posture: v1alpha1.PostureLocked, has: []string{`"POLICY_IGNORED_FIELD","severity":"info","message":"enableDefaultDeny.egress of CiliumNetworkPolicy/db/deny has no effect`}, hasNot: []string{"enableDefaultDeny.ingress"}},
		"enableDefaultDeny with rules":              {manifests: small + rulesFor("") + policyOf("deny", "{endpointSelector: {matchLabels: {app: web}}, enableDefaultDeny: {ingress: true}, ingress: [{}]}"), posture: v1alpha1.PostureLocked, hasNot: []string{"enableDefaultDeny"}},
		"a policy for the whole namespace":          {manifests: small + policyOf("all", "{endpointSelector: {}, ingress: [{fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: cnpg-system}}, {matchLabels: {io.kubernetes.pod.namespace: media}}, {}]}]}"), posture: v1alpha1.PostureLocked, hasNot: []string{"BYSTANDERS_DENIED"}},
		"a policy for the operator of a namespace":  {manifests: small + policyOf("operator", "{endpointSelector: {}, ingress: [{fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: cnpg-system}}]}]}"), posture: v1alpha1.PostureLocked, has: []string{"BYSTANDERS_DENIED.*deployment/web"}},
		"a policy about a database's port":          {manifests: small + policyOf("port", "{endpointSelector: {}, ingress: [{fromEndpoints: [{}, {matchLabels: {io.kubernetes.pod.namespace: cnpg-system}}], toPorts: [{ports: [{port: \"5432\"}, {port: \"8000\"}]}]}]}"), posture: v1alpha1.PostureLocked, has: []string{"BYSTANDERS_DENIED"}},
		"a tenant platform's policy and a database": {manifests: small + policyOf("tenant", "{endpointSelector: {}, ingress: [{fromEndpoints: [{}]}]}") + policyOf("operator", "{endpointSelector: {matchLabels: {cnpg.io/podRole: instance}}, ingress: [{fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: cnpg-system}}]}]}"), posture: v1alpha1.PostureLocked, hasNot: []string{"BYSTANDERS_DENIED"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "all.yaml")
			if err := os.WriteFile(file, []byte(tc.manifests), 0o600); err != nil {
				t.Fatal(err)
			}
			list := reports(t, file)
			at := slices.IndexFunc(list.Items, func(r v1alpha1.IsolationReport) bool { return r.Metadata.Name == "pg" })
			report := list.Items[at]
			for i := range report.Findings {
				report.Findings[i].At = nil // The file is called as the test.
			}
			text, err := json.Marshal(report)
			if err != nil {
				t.Fatal(err)
			}
			plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
			if report.Posture != tc.posture {
				t.Errorf("posture %s, want %s", report.Posture, tc.posture)
			}
			for _, pattern := range tc.has {
				if !regexp.MustCompile(pattern).MatchString(plain) {
					t.Errorf("no %s in\n%s", pattern, plain)
				}
			}
			for _, pattern := range tc.hasNot {
				if regexp.MustCompile(pattern).MatchString(plain) {
					t.Errorf("%s in\n%s", pattern, plain)
				}
			}
		})
	}
}
