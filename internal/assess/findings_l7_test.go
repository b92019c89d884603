package assess_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Rules for content are named where they apply to PostgreSQL, and no required flow through the proxy is called allowed.
func TestRulesForContent(t *testing.T) {
	const web = "  - fromEndpoints: [{matchLabels: {app: web}}]\n"
	two := strings.Replace(small, "instances: 1", "instances: 2", 1)
	ports := func(port, content string) string {
		return "    toPorts: [{ports: [{port: \"" + port + "\", protocol: TCP}], " + content + "}]\n"
	}
	replica := func(content string) string {
		return small + policyOf("proxied", `{endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}, ingress: [{fromEndpoints: [{matchLabels: {cnpg.io/cluster: pg}}], toPorts: [{ports: [{port: "5432", protocol: TCP}], `+content+`}]}]}`)
	}
	tests := map[string]struct {
		manifests   string
		posture     v1alpha1.Posture
		has, hasNot []string
	}{
		"HTTP for a client": {
			manifests: small + rulesFor(web+ports("5432", "rules: {http: [{method: GET}]}")), posture: v1alpha1.PostureLocked,
			has: []string{`"PROXY_RULES","severity":"warning","message":"spec.ingress\[1\] of CiliumNetworkPolicy/db/pg sends connections to port 5432 of the database's pods through Cilium's proxy with rules for HTTP: the proxy takes what is sent for HTTP`},
		},
		"a range of ports that has PostgreSQL's": {
			manifests: small + rulesFor(web+`    toPorts: [{ports: [{port: "5000", endPort: 6000, protocol: TCP}], rules: {http: [{method: GET}]}}]`+"\n"), posture: v1alpha1.PostureLocked,
			has: []string{"PROXY_RULES.*rules for HTTP"},
		},
		"the name of a TLS handshake": {
			manifests: small + rulesFor(web+ports("5432", "serverNames: [pg.db.svc]")), posture: v1alpha1.PostureLocked,
			has: []string{"PROXY_RULES.*rules for TLS: the proxy waits for a TLS handshake.*sslnegotiation=direct"},
		},
		"a listener of somebody's own": {
			manifests: two + rulesFor("") + policyOf("out", `{endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}, egress: [{toEntities: [kube-apiserver, cluster]}, {toCIDR: [203.0.113.7/32], toPorts: [{ports: [{port: "5432", protocol: TCP}], listener: {envoyConfig: {kind: CiliumEnvoyConfig, name: mine}, name: l}}]}]}`),
			posture:   v1alpha1.PostureLocked,
			has:       []string{"PROXY_RULES.*a listener of its own: what that does to PostgreSQL's messages stands in the CiliumEnvoyConfig"},
		},
		"rules for another port": {
			manifests: small + rulesFor(web+ports("9187", "rules: {http: [{method: GET}]}")), posture: v1alpha1.PostureLocked, hasNot: []string{"PROXY_RULES"},
		},
		"rules for another port of the same rule": {
			manifests: small + rulesFor(web+`    toPorts: [{ports: [{port: "5432", protocol: TCP}]}, {ports: [{port: "9187", protocol: TCP}], rules: {http: [{method: GET}]}}]`+"\n"), posture: v1alpha1.PostureLocked, hasNot: []string{"PROXY_RULES"},
		},
		"no rules for content": {
			manifests: small + rulesFor(web+on5432), posture: v1alpha1.PostureLocked, hasNot: []string{"PROXY_RULES"},
		},
		"for other pods": {
			manifests: small + rulesFor("") + policyOf("web", `{endpointSelector: {matchLabels: {app: web}}, ingress: [{toPorts: [{ports: [{port: "5432", protocol: TCP}], rules: {http: [{}]}}]}]}`),
			posture:   v1alpha1.PostureLocked, hasNot: []string{"PROXY_RULES"},
		},
		"replication through the proxy": {
			manifests: strings.Replace(replica("rules: {http: [{method: GET}]}"), "instances: 1", "instances: 2", 1) +
				policyOf("rest", `{endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}, ingress: [{fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: cnpg-system}}, {matchLabels: {cnpg.io/cluster: pg}}], toPorts: [{ports: [{port: "8000"}]}]}]}`),
			posture: v1alpha1.PostureUnknown,
			has: []string{
				`"name":"replication".*"verdict":"unknown".*the connection passes Cilium's proxy, which has rules for HTTP by spec.ingress\[0\] of CiliumNetworkPolicy/db/proxied, and the engine does not say what becomes of what is sent`,
				"PROXY_RULES",
			},
		},
		"what the instances open": {
			manifests: two + rulesFor("") + policyOf("out", `{endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}, egress: [{toEntities: [kube-apiserver]}, {toEndpoints: [{matchLabels: {cnpg.io/cluster: pg}}], toPorts: [{ports: [{port: "5432", protocol: TCP}], rules: {http: [{method: GET}]}}, {ports: [{port: "8000", protocol: TCP}]}]}, {toEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}]}]}`),
			posture:   v1alpha1.PostureUnknown,
			has:       []string{`PROXY_RULES.*spec.egress\[1\] of CiliumNetworkPolicy/db/out sends connections to port 5432 that the database's pods open through`},
		},
		"an external cluster through the proxy": {
			manifests: strings.Replace(small, "storage: {size: 1Gi}", "storage: {size: 1Gi}, externalClusters: [{name: o, connectionParameters: {host: 203.0.113.7}}], replica: {enabled: true, source: o}", 1) + rulesFor("") +
				policyOf("out", `{endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}, egress: [{toEntities: [kube-apiserver]}, {toCIDR: [203.0.113.7/32], toPorts: [{ports: [{port: "5432", protocol: TCP}], serverNames: [o.example.com]}]}]}`),
			posture: v1alpha1.PostureUnknown,
			has:     []string{`"name":"external".*"verdict":"unknown".*rules for TLS by spec.egress\[1\]`},
		},
		"DNS is for the proxy": {
			manifests: two + rulesFor("") + policyOf("out", `{endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}, egress: [{toEntities: [kube-apiserver, cluster]}, {toEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}], toPorts: [{ports: [{port: "53", protocol: ANY}], rules: {dns: [{matchPattern: "*"}]}}]}]}`),
			posture:   v1alpha1.PostureLocked, hasNot: []string{"PROXY_RULES", `"verdict":"unknown"`},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			for _, report := range evaluate(t, tc.manifests) {
				if report.Metadata.Name != "pg" {
					continue
				}
				text, err := json.Marshal(report)
				if err != nil {
					t.Fatal(err)
				}
				if report.Posture != tc.posture {
					t.Errorf("posture %s, want %s: %s", report.Posture, tc.posture, text)
				}
				for _, pattern := range tc.has {
					if !regexp.MustCompile(pattern).Match(text) {
						t.Errorf("no %s in\n%s", pattern, text)
					}
				}
				for _, pattern := range tc.hasNot {
					if regexp.MustCompile(pattern).Match(text) {
						t.Errorf("%s in\n%s", pattern, text)
					}
				}
			}
		})
	}
}
