package report_test

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// The reports below describe the cluster of the recordings: default/cluster-example with two
// instances and a pooler, and clients in default, other and backend.

const (
	operatorFrom = "operator (cnpg-system)"
	peersFrom    = "instances and join jobs"
)

func cnp(name string) v1alpha1.PolicyReference {
	return v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: "default", Name: name}
}

func client(namespace, workload string, pods int, policies ...v1alpha1.PolicyReference) v1alpha1.ClientAccess {
	return v1alpha1.ClientAccess{Client: v1alpha1.Client{Namespace: namespace, Workload: workload, Pods: pods}, Policies: policies}
}

func list(items ...v1alpha1.IsolationReport) v1alpha1.IsolationReportList {
	return v1alpha1.IsolationReportList{Items: items}
}

// flowsDecidedBy are the required flows, all with one verdict and the same policies.
func flowsDecidedBy(verdict v1alpha1.Verdict, policies ...v1alpha1.PolicyReference) []v1alpha1.RequiredFlow {
	flow := func(name, from string, port uint16) v1alpha1.RequiredFlow {
		return v1alpha1.RequiredFlow{Name: name, From: from, Port: port, Verdict: verdict, Policies: policies}
	}
	apiServer := flow("api-server", "API server", 8000)
	apiServer.Advisory = true
	return []v1alpha1.RequiredFlow{
		flow("operator", operatorFrom, 8000),
		flow("replication", peersFrom, 5432),
		flow("isolation-check", "instances", 8000),
		flow("pooler", "pooler cluster-example-pooler-rw", 5432),
		apiServer,
	}
}

func pods(denied bool) []v1alpha1.PodReport {
	return []v1alpha1.PodReport{
		{Name: "cluster-example-1", Role: v1alpha1.RolePrimary, IngressDefaultDeny: denied, Enforced: true},
		{Name: "cluster-example-2", Role: v1alpha1.RoleReplica, IngressDefaultDeny: denied, Enforced: true},
		{Name: "cluster-example-pooler-rw-68557bc5b5-r97lf", Role: v1alpha1.RolePooler, IngressDefaultDeny: denied, Enforced: true},
	}
}

func podNames() []string {
	return []string{"cluster-example-1", "cluster-example-2", "cluster-example-pooler-rw-68557bc5b5-r97lf"}
}

func everybody(target string) v1alpha1.Exposure {
	return v1alpha1.Exposure{
		Target: target, Port: 5432, Identities: 9, Pods: 11, Total: 11,
		Namespaces: []string{"backend", "default", "other"},
		Everybody:  true,
		Clients: []v1alpha1.ClientAccess{
			client("backend", "deployment/app", 3),
			client("default", "deployment/backend", 2),
			client("default", "deployment/frontend", 4),
			client("other", "pod/backend", 1),
			client("other", "pod/frontend", 1),
		},
		Entities: []string{"world", "host", "remote-node", "kube-apiserver"},
	}
}

func backendOnly(target string) v1alpha1.Exposure {
	return v1alpha1.Exposure{
		Target: target, Port: 5432, Identities: 1, Pods: 2, Total: 11,
		Namespaces: []string{"default"},
		Clients:    []v1alpha1.ClientAccess{client("default", "deployment/backend", 2, cnp("cluster-example-postgres-access-role-backend"))},
		Denied:     []v1alpha1.ClientAccess{client("default", "deployment/frontend", 4, cnp("cluster-example-default-deny"))},
		DeniedPods: 9, Entities: []string{"host"}, DeniedEntities: []string{"world", "remote-node", "kube-apiserver"},
	}
}

func open() v1alpha1.IsolationReport {
	return v1alpha1.IsolationReport{
		Metadata:      v1alpha1.Metadata{Namespace: "default", Name: "cluster-example"},
		Posture:       v1alpha1.PostureOpen,
		Pods:          pods(false),
		RequiredFlows: flowsDecidedBy(v1alpha1.VerdictAllowed),
		Exposure:      []v1alpha1.Exposure{everybody("instances"), everybody("pooler cluster-example-pooler-rw")},
		Findings: []v1alpha1.Finding{
			{Code: v1alpha1.NoDefaultDeny, Severity: v1alpha1.SeverityWarning,
				Message: "No policy puts the cluster's 3 pods into default deny, so every connection to them is allowed.",
				Remedy:  "kubectl cnpg-netpol lockdown cluster-example --namespace default"},
			{Code: v1alpha1.WorldCanConnect, Severity: v1alpha1.SeverityError,
				Message: "Anybody outside the Kubernetes cluster can connect to port 5432 of the instances and of pooler cluster-example-pooler-rw.",
				Remedy:  "kubectl cnpg-netpol lockdown cluster-example --namespace default"},
		},
	}
}

func lockdownPolicies() []v1alpha1.PolicyReport {
	policy := func(name string) v1alpha1.PolicyReport {
		return v1alpha1.PolicyReport{
			PolicyReference: cnp(name), SelectedPods: podNames(), Ingress: v1alpha1.EffectDefaultDeny,
			Egress: v1alpha1.EffectNone, Valid: true, ManagedBy: "kubectl-cnpg-netpol",
		}
	}
	return []v1alpha1.PolicyReport{
		policy("cluster-example-default-deny"),
		policy("cluster-example-internal-access"),
		policy("cluster-example-postgres-access-role-backend"),
	}
}

func locked() v1alpha1.IsolationReport {
	r := open()
	r.Posture = v1alpha1.PostureLocked
	r.Pods = pods(true)
	r.Policies = lockdownPolicies()
	r.RequiredFlows = flowsDecidedBy(v1alpha1.VerdictAllowed, cnp("cluster-example-internal-access"))
	r.RequiredFlows[4].Verdict = v1alpha1.VerdictDenied
	r.RequiredFlows[4].Policies = nil
	r.RequiredFlows[4].Message = "kubectl cnpg status goes through the API server and will fail."
	r.Exposure = []v1alpha1.Exposure{backendOnly("instances"), backendOnly("pooler cluster-example-pooler-rw")}
	r.Findings = []v1alpha1.Finding{{
		Code: v1alpha1.IsolationCheckBlocked, Severity: v1alpha1.SeverityInfo,
		Message: "kubectl cnpg status cannot reach port 8000 of the instances.",
		Remedy:  "kubectl cnpg-netpol lockdown cluster-example --namespace default --allow-pods role=backend --allow-kubectl-cnpg",
	}}
	return r
}

func noFindings() v1alpha1.IsolationReport {
	r := locked()
	r.Findings = nil
	r.Exposure = []v1alpha1.Exposure{{Target: "instances", Port: 5432, Total: 11}}
	return r
}

func partial() v1alpha1.IsolationReport {
	r := locked()
	r.Posture = v1alpha1.PosturePartial
	r.Pods[2].IngressDefaultDeny = false
	r.Policies[2].SelectedPods = podNames()[:2]
	r.Policies = append(r.Policies, v1alpha1.PolicyReport{
		PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.CiliumClusterwideNetworkPolicy, Name: "platform-egress"},
		SelectedPods:    podNames(), Ingress: v1alpha1.EffectNone, Egress: v1alpha1.EffectDefaultDeny, Valid: true, ManagedBy: "argocd",
	}, v1alpha1.PolicyReport{
		PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.ClusterNetworkPolicy, Name: "baseline"},
		SelectedPods:    podNames(), Ingress: v1alpha1.EffectRulesOnly, Egress: v1alpha1.EffectNone, Valid: true,
	})
	r.Exposure[1] = everybody("pooler cluster-example-pooler-rw")
	r.Findings = append([]v1alpha1.Finding{{
		Code: v1alpha1.SetDrifted, Severity: v1alpha1.SeverityWarning,
		Message: "CiliumNetworkPolicy cluster-example-postgres-access-role-backend is not as lockdown wrote it: spec.endpointSelector differs.",
		Remedy:  "kubectl cnpg-netpol lockdown cluster-example --namespace default --allow-pods role=backend",
	}}, r.Findings...)
	return r
}

func broken() v1alpha1.IsolationReport {
	r := locked()
	r.Posture = v1alpha1.PostureBroken
	allow := v1alpha1.PolicyReference{Kind: v1alpha1.NetworkPolicy, Namespace: "default", Name: "postgres-clients"}
	r.Policies = []v1alpha1.PolicyReport{{
		PolicyReference: allow, SelectedPods: podNames(), Ingress: v1alpha1.EffectDefaultDeny, Egress: v1alpha1.EffectNone, Valid: true, ManagedBy: "Helm",
	}}
	r.RequiredFlows = flowsDecidedBy(v1alpha1.VerdictDenied)
	r.RequiredFlows[0].Message = "the operator in cnpg-system cannot reach cluster-example-1 and cluster-example-2"
	r.RequiredFlows[1].Message = "cluster-example-2 cannot reach cluster-example-1"
	r.RequiredFlows[3] = v1alpha1.RequiredFlow{Name: "pooler", From: "pooler cluster-example-pooler-rw", Port: 5432, Verdict: v1alpha1.VerdictAllowed, Policies: []v1alpha1.PolicyReference{allow}}
	r.Findings = []v1alpha1.Finding{
		{Code: v1alpha1.OperatorBlocked, Severity: v1alpha1.SeverityError,
			Message: "The operator in namespace cnpg-system cannot reach port 8000 of 2 instances: it can neither read their status nor fail over.",
			Remedy:  "kubectl cnpg-netpol lockdown cluster-example --namespace default --allow-pods role=backend --operator-namespace cnpg-system"},
		{Code: v1alpha1.ReplicationBlocked, Severity: v1alpha1.SeverityError,
			Message: "Replicas cannot reach port 5432 of the primary: replication has stopped or stops at the next reconnect.",
			Remedy:  "kubectl cnpg-netpol lockdown cluster-example --namespace default --allow-pods role=backend"},
		{Code: v1alpha1.IsolationCheckBlocked, Severity: v1alpha1.SeverityWarning,
			Message: "Instances cannot reach port 8000 of each other, so the primary may think it is isolated and shut down.",
			Remedy:  "Let the pods of the cluster reach each other on port 8000, or switch the isolation check off in the Cluster's probes."},
	}
	return r
}

func unknown() v1alpha1.IsolationReport {
	r := open()
	r.Posture = v1alpha1.PostureUnknown
	r.Pods[0].Enforced = false
	r.RequiredFlows = flowsDecidedBy(v1alpha1.VerdictUnknown)
	r.RequiredFlows[0].Message = "the CloudNativePG operator was not found"
	r.Exposure = []v1alpha1.Exposure{{Target: "instances", Port: 5432, Total: 11, Unknown: 9}}
	r.Findings = []v1alpha1.Finding{{
		Code: v1alpha1.EvidenceMissing, Severity: v1alpha1.SeverityError,
		Message: `ciliumnetworkpolicies.cilium.io could not be read: user "dba" cannot list resource "ciliumnetworkpolicies" in API group "cilium.io" at the cluster scope.`,
		Remedy:  "Ask for the permission to list ciliumnetworkpolicies.cilium.io in all namespaces.",
	}}
	return r
}

// alsoOpen lacks the same evidence as unknown, and has a finding of its own.
func alsoOpen() v1alpha1.IsolationReport {
	r := unknown()
	r.Findings = append(r.Findings, open().Findings[1])
	return r
}

// documentLiteral is the recording live-document-literal: policy 1 is invalid, policy 5 lost its selector.
func documentLiteral() v1alpha1.IsolationReport {
	r := open()
	r.Posture = v1alpha1.PosturePartial
	r.Pods = pods(true)
	policy := func(name string, selected []string) v1alpha1.PolicyReport {
		return v1alpha1.PolicyReport{PolicyReference: cnp(name), SelectedPods: selected, Ingress: v1alpha1.EffectDefaultDeny, Egress: v1alpha1.EffectNone, Valid: true}
	}
	deny := policy("default-deny", podNames())
	deny.Valid, deny.Ingress = false, v1alpha1.EffectNone
	deny.Message = "rule must have at least one of Ingress, IngressDeny, Egress, EgressDeny"
	r.Policies = []v1alpha1.PolicyReport{
		policy("cnpg-cluster-internal-access", podNames()), deny,
		policy("postgres-access-backend-any-ns", podNames()), policy("postgres-access-backend-label", podNames()),
	}
	r.RequiredFlows = flowsDecidedBy(v1alpha1.VerdictAllowed, cnp("cnpg-cluster-internal-access"))
	r.RequiredFlows[3].Policies = []v1alpha1.PolicyReference{cnp("cnpg-cluster-internal-access"), cnp("postgres-access-backend-any-ns")}
	r.RequiredFlows = r.RequiredFlows[:4]
	exposure := v1alpha1.Exposure{
		Target: "instances", Port: 5432, Identities: 2, Pods: 2, Total: 11, Namespaces: []string{"default"},
		Clients:  []v1alpha1.ClientAccess{client("default", "pod/backend", 1), client("default", "pod/frontend", 1)},
		Entities: []string{"host"},
	}
	pooler := exposure
	pooler.Target = "pooler cluster-example-pooler-rw"
	r.Exposure = []v1alpha1.Exposure{exposure, pooler}
	r.Findings = []v1alpha1.Finding{
		{Code: v1alpha1.PolicyInvalid, Severity: v1alpha1.SeverityError,
			Message: "Cilium refuses CiliumNetworkPolicy default/default-deny, so it denies nothing: rule must have at least one of Ingress, IngressDeny, Egress, EgressDeny.",
			Remedy:  "kubectl cnpg-netpol lockdown cluster-example --namespace default --allow-pods role=backend"},
		{Code: v1alpha1.PolicyIgnoredField, Severity: v1alpha1.SeverityError,
			Message: "CiliumNetworkPolicy default/postgres-access-backend-any-ns has an empty selector in spec.ingress[0].fromEndpoints[0]: every pod of namespace default can connect.",
			Remedy:  "kubectl cnpg-netpol lockdown cluster-example --namespace default --allow-pods-any-namespace role=backend"},
		{Code: v1alpha1.BystandersDenied, Severity: v1alpha1.SeverityWarning,
			Message: "CiliumNetworkPolicy default/cnpg-cluster-internal-access puts 6 pods of namespace default that are no part of the cluster into default deny.",
			Remedy:  "kubectl cnpg-netpol lockdown cluster-example --namespace default --scope cluster"},
	}
	return r
}

func named(r v1alpha1.IsolationReport, namespace, name string) v1alpha1.IsolationReport {
	r.Metadata = v1alpha1.Metadata{Namespace: namespace, Name: name}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Remedy = strings.ReplaceAll(f.Remedy, "cluster-example --namespace default", name+" --namespace "+namespace)
		f.Message = strings.ReplaceAll(f.Message, "cluster-example", name)
	}
	return r
}

func manyClusters() v1alpha1.IsolationReportList {
	exposed := partial()
	exposed.Exposure = []v1alpha1.Exposure{everybody("instances")}
	exposed.Exposure[0].Total = 40
	return list(
		named(locked(), "billing", "invoices"),
		named(open(), "default", "cluster-example"),
		named(broken(), "payments", "ledger"),
		named(exposed, "shop", "orders"),
		named(unknown(), "shop", "search"),
		named(noFindings(), "warehouse", "stock"),
	)
}

// severalContexts are two contexts that answered, the same cluster in both, and one that did not.
func severalContexts() v1alpha1.IsolationReportList {
	here, there := open(), locked()
	here.Metadata.Context, there.Metadata.Context = "staging", "production"
	l := list(here, there)
	l.Errors = []v1alpha1.ContextError{{
		Context: "arn:aws:eks:eu-central-1:123456789012:cluster/far-away",
		Message: "the server did not answer in time: check the network, or raise --request-timeout",
	}}
	return l
}

// fromManifests is a cluster that has not been seen running, with more clients than a table names.
func fromManifests() v1alpha1.IsolationReport {
	r := open()
	for i := range r.Pods {
		r.Pods[i].Expected = true
	}
	var clients []v1alpha1.ClientAccess
	var namespaces []string
	for i, namespace := range []string{"analytics", "batch", "shop", "web"} {
		namespaces = append(namespaces, namespace)
		for j := range 4 + i {
			clients = append(clients, client(namespace, fmt.Sprintf("deployment/worker-%d", j+1), j+1))
		}
	}
	r.Exposure = []v1alpha1.Exposure{{
		Target: "instances", Port: 5432, Identities: 22, Pods: 64, Total: 80, Namespaces: namespaces, Clients: clients,
		Entities: []string{"cidr:10.20.0.0/16"}, Unknown: 1,
	}}
	return r
}
