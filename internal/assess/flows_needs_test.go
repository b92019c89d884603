package assess_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// base is an operator and a database of two instances, as manifests.
const base = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cnpg-controller-manager, namespace: cnpg-system, labels: {app.kubernetes.io/name: cloudnative-pg}}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
  template:
    metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}
    spec: {serviceAccountName: cnpg-manager, containers: [{name: manager, image: cloudnative-pg}]}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: db}
spec: {instances: 2, storage: {size: 1Gi}SPEC}
---
`

// cnp is a policy for the database that lets the operator and the instances in, with this egress.
func cnp(egress string) string {
	return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: pg, namespace: db}
spec:
  endpointSelector: {matchLabels: {cnpg.io/cluster: pg}}
  ingress:
  - fromEndpoints: [{matchLabels: {cnpg.io/cluster: pg}}, {matchLabels: {io.kubernetes.pod.namespace: cnpg-system}}]
  egress: [{toEndpoints: [{matchLabels: {cnpg.io/cluster: pg}}]}` + egress + `]
---
`
}

const (
	toAPIServer = ", {toEntities: [kube-apiserver]}"
	toDNS       = `, {toEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}], toPorts: [{ports: [{port: "53", protocol: ANY}]RULES}]}`
	toStore     = ", {toFQDNs: [{matchName: objects.example.com}]}"
	backup      = ", backup: {barmanObjectStore: {destinationPath: s3://b/p, endpointURL: https://objects.example.com, s3Credentials: {accessKeyId: {name: s, key: i}, secretAccessKey: {name: s, key: k}}}}"
)

func resolved(rules string) string { return strings.ReplaceAll(toDNS, "RULES", rules) }

func evaluate(t *testing.T, text string) []v1alpha1.IsolationReport {
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

// What a database needs to reach is required, and what blocks it comes with an addition that the engine has tried.
func TestWhatDatabasesNeed(t *testing.T) {
	const proxied = `, rules: {dns: [{matchPattern: "*"}]}`
	for name, tc := range map[string]struct {
		spec, policies string
		posture        v1alpha1.Posture
		codes          []v1alpha1.FindingCode
		remedy         string
	}{
		"everything": {backup, cnp(toAPIServer + resolved(proxied) + toStore), v1alpha1.PostureLocked, nil, ""},
		"no API server": {"", cnp(resolved("")), v1alpha1.PostureBroken, []v1alpha1.FindingCode{v1alpha1.APIServerBlocked},
			`Add to the egress of CiliumNetworkPolicy/db/pg: {toEntities: ["kube-apiserver"]}.`},
		"an API server's port":       {"", cnp(`, {toEntities: [kube-apiserver], toPorts: [{ports: [{port: "6443", protocol: TCP}]}]}` + resolved("")), v1alpha1.PostureLocked, nil, ""},
		"an API server by addresses": {"", cnp(", {toCIDR: [10.0.0.0/8]}" + resolved("")), v1alpha1.PostureUnknown, nil, ""},
		"no DNS": {"", cnp(toAPIServer), v1alpha1.PostureBroken, []v1alpha1.FindingCode{v1alpha1.DNSBlocked},
			`Add to the egress of CiliumNetworkPolicy/db/pg: {toEndpoints: [{matchLabels: {k8s-app: "kube-dns", "k8s:io.kubernetes.pod.namespace": "kube-system"}}], toPorts: [{ports: [{port: "53", protocol: "UDP"}, {port: "53", protocol: "TCP"}]}]}.`},
		"no object store": {backup, cnp(toAPIServer + resolved(proxied)), v1alpha1.PostureBroken, []v1alpha1.FindingCode{v1alpha1.ObjectStoreBlocked},
			`Add to the egress of CiliumNetworkPolicy/db/pg: {toPorts: [{ports: [{port: "443", protocol: "TCP"}]}], toFQDNs: [{matchName: "objects.example.com"}]}.`},
		"a name that Cilium does not see resolved": {backup, cnp(toAPIServer + resolved("") + toStore), v1alpha1.PostureBroken, []v1alpha1.FindingCode{v1alpha1.ObjectStoreBlocked}, `rules: {dns: [{matchPattern: "*"}]}}]} and {toPorts: [{ports: [{port: "443", protocol: "TCP"}]}], toFQDNs: [{matchName: "objects.example.com"}]}.`},
		"a store that can't be told":               {", plugins: [{name: other.example.com}]", cnp(toAPIServer + resolved("")), v1alpha1.PostureUnknown, nil, ""},
		"a store that can't be told, and no egress": {", plugins: [{name: other.example.com}]",
			strings.Replace(cnp(""), "  egress: [{toEndpoints: [{matchLabels: {cnpg.io/cluster: pg}}]}]\n", "", 1), v1alpha1.PostureLocked, nil, ""},
		"the operator's own": {"", cnp(toAPIServer+resolved("")) + `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: operator, namespace: cnpg-system}
spec:
  endpointSelector: {}
  ingress: [{fromEntities: [world]}]
  egress: [{toEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: db}}]}]
`, v1alpha1.PostureBroken, []v1alpha1.FindingCode{v1alpha1.WebhookBlocked},
			`Add to the egress of CiliumNetworkPolicy/cnpg-system/operator: {toEntities: ["kube-apiserver"]}.`},
	} {
		t.Run(name, func(t *testing.T) {
			r := evaluate(t, strings.Replace(base, "SPEC", tc.spec, 1)+tc.policies)[0]
			if r.Posture != tc.posture {
				t.Errorf("posture %s, want %s: %v", r.Posture, tc.posture, r.RequiredFlows)
			}
			var codes []v1alpha1.FindingCode
			remedies := ""
			for _, f := range r.Findings {
				if f.Severity == v1alpha1.SeverityError {
					codes = append(codes, f.Code)
					remedies += f.Remedy.String() + "\n"
				}
			}
			if !slices.Equal(codes, tc.codes) {
				t.Errorf("findings %v, want %v", r.Findings, tc.codes)
			}
			if !strings.Contains(remedies, tc.remedy) || tc.remedy == "" && remedies != "" {
				t.Errorf("remedies %s, want %s", remedies, tc.remedy)
			}
		})
	}
}

// A pooler alone may be what is cut off, and who is cut off is told.
func TestWhoIsCutOff(t *testing.T) {
	r := evaluate(t, strings.Replace(base, "SPEC", "", 1)+`apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: rw, namespace: db}
spec: {cluster: {name: pg}, instances: 1, type: rw, pgbouncer: {poolMode: session}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: pooler, namespace: db}
spec:
  podSelector: {matchLabels: {cnpg.io/poolerName: rw}}
  policyTypes: [Egress]
  egress: [{to: [{podSelector: {matchLabels: {cnpg.io/cluster: pg}}}], ports: [{port: 5432}]}]
`)[0]
	i := slices.IndexFunc(r.RequiredFlows, func(f v1alpha1.RequiredFlow) bool { return f.Name == v1alpha1.FlowAPIServer })
	if f := r.RequiredFlows[i]; f.Verdict != v1alpha1.VerdictDenied || !slices.Equal(f.CutOff, []string{"rw-1"}) || f.To != "the API server" ||
		f.From != "instances, jobs and pooler rw" {
		t.Errorf("got %+v", f)
	}
	if i := slices.IndexFunc(r.Findings, func(f v1alpha1.Finding) bool { return f.Code == v1alpha1.APIServerBlocked }); i < 0 ||
		r.Findings[i].Remedy.String() != `Add to namespace "db" a CiliumNetworkPolicy with spec: {endpointSelector: {matchLabels: {cnpg.io/cluster: "pg"}}, egress: [{toEntities: ["kube-apiserver"]}], enableDefaultDeny: {ingress: false, egress: false}}.` {
		t.Errorf("got %v", r.Findings)
	}
}

// An import that the other database does not let in is told at both.
func TestDependants(t *testing.T) {
	reports := evaluate(t, strings.Replace(base, "SPEC", "", 1)+cnp(toAPIServer+resolved(""))+`apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: dst, namespace: new}
spec:
  instances: 1
  storage: {size: 1Gi}
  bootstrap: {initdb: {import: {type: microservice, databases: [app], source: {externalCluster: pg}}}}
  externalClusters: [{name: pg, connectionParameters: {host: pg-rw.db.svc, user: postgres}}]
`)
	for i, code := range []v1alpha1.FindingCode{v1alpha1.DependantBlocked, v1alpha1.ExternalBlocked} {
		r := reports[i]
		found := slices.IndexFunc(r.Findings, func(f v1alpha1.Finding) bool { return f.Code == code })
		const remedy = `Add to the ingress of CiliumNetworkPolicy/db/pg: {fromEndpoints: [{matchLabels: {cnpg.io/cluster: "dst", "k8s:io.kubernetes.pod.namespace": "new"}}], toPorts: [{ports: [{port: "5432", protocol: "TCP"}]}]}.`
		if r.Posture != v1alpha1.PostureBroken || found < 0 || r.Findings[found].Remedy.String() != remedy {
			t.Errorf("%s: %s, %v", r.Metadata.Name, r.Posture, r.Findings)
		}
	}
}

// Where the operator's egress is shut as well, lockdown would refuse: both ends are named.
func TestRemedyOfBothEnds(t *testing.T) {
	r := evaluate(t, strings.Replace(base, "SPEC", "", 1)+`apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: pg, namespace: db}
spec: {endpointSelector: {}, ingress: [{fromEndpoints: [{matchLabels: {cnpg.io/cluster: pg}}]}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: operator, namespace: cnpg-system}
spec: {endpointSelector: {}, egress: [{toEntities: [kube-apiserver]}]}
`)[0]
	i := slices.IndexFunc(r.Findings, func(f v1alpha1.Finding) bool { return f.Code == v1alpha1.OperatorBlocked })
	if i < 0 {
		t.Fatalf("got %v", r.Findings)
	}
	const egress, ingress = "Add to the egress of CiliumNetworkPolicy/cnpg-system/operator: {toEndpoints", "Add to the ingress of CiliumNetworkPolicy/db/pg: {fromEndpoints"
	if remedy := r.Findings[i].Remedy.String(); !strings.Contains(remedy, egress) || !strings.Contains(remedy, ingress) || strings.Contains(remedy, "lockdown") {
		t.Errorf("got %s", remedy)
	}
}

// Whether metrics are scraped is told, and breaks nothing.
func TestMetrics(t *testing.T) {
	r := evaluate(t, strings.Replace(base, "SPEC", ", monitoring: {enablePodMonitor: true}", 1)+cnp(toAPIServer+resolved(""))+`apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: watch, labels: {app.kubernetes.io/name: vmagent}}
spec: {containers: [{name: main, image: main}]}
`)[0]
	i := slices.IndexFunc(r.RequiredFlows, func(f v1alpha1.RequiredFlow) bool { return f.Name == v1alpha1.FlowMetrics })
	if f := r.RequiredFlows[i]; f.Verdict != v1alpha1.VerdictDenied || !f.Advisory || r.Posture != v1alpha1.PostureLocked {
		t.Errorf("%s, %+v", r.Posture, f)
	}
	if len(r.Findings) != 1 || r.Findings[0].Code != v1alpha1.MetricsBlocked || !strings.Contains(r.Findings[0].Remedy.String(), `app.kubernetes.io/name: "vmagent"`) {
		t.Errorf("got %v", r.Findings)
	}
}

// The recording was taken two minutes after a policy for egress without the API server: the database had no ready
// instance by then.
func TestEgressThatWasCutLive(t *testing.T) {
	r := onlyReport(t, "../inventory/testdata/live-egress-cut.json")
	i := slices.IndexFunc(r.Findings, func(f v1alpha1.Finding) bool { return f.Code == v1alpha1.APIServerBlocked })
	if r.Posture != v1alpha1.PostureBroken || i < 0 || !strings.Contains(r.Findings[i].Remedy.String(), `{toEntities: ["kube-apiserver"]}`) {
		t.Errorf("%s, %v", r.Posture, r.Findings)
	}
}
