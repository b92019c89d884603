package words

import (
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Rule says what a finding code means, whatever the case at hand is. Its texts are Markdown of which nothing but code is used;
// plugin/docs/findings.md is the table of them.
type Rule struct {
	Code v1alpha1.FindingCode
	// Severity is that of most findings of the code, with the exceptions in words: "error, or info for …".
	Severity string
	// Meaning is what holds where there is such a finding, and Remedy what helps in general.
	Meaning, Remedy string
}

// Level is the severity of most findings of the code.
func (r Rule) Level() v1alpha1.Severity {
	level, _, _ := strings.Cut(r.Severity, ",")
	return v1alpha1.Severity(level)
}

// Title is the code as a heading: "API server blocked".
func (r Rule) Title() string {
	title := strings.ToLower(strings.ReplaceAll(string(r.Code), "_", " "))
	for _, name := range []string{"API", "DNS", "Cilium"} {
		title = strings.ReplaceAll(title, strings.ToLower(name), name)
	}
	return strings.ToUpper(title[:1]) + title[1:]
}

// Rules are those of all finding codes.
func Rules() []Rule {
	return []Rule{
		{v1alpha1.PolicyInvalid, "error",
			"Cilium or, for manifests, the API server refuses the policy, or it can't be read: it enforces nothing, whatever it says",
			"Correct it (`ingress: [{}]` for `ingress: []`) or remove it"},
		{v1alpha1.PolicyIgnoredField, "error, or info for `enableDefaultDeny` in a direction without rules",
			"A field is in no schema and is dropped, or has no effect, so the policy says something else than its text",
			"Move or remove the field"},
		{v1alpha1.EnforcementDisabled, "error",
			"Cilium runs in audit mode, or with `enable-policy: never`",
			"Change Cilium's configuration"},
		{v1alpha1.NotManagedByCilium, "error",
			"A pod has no Cilium endpoint, or a pooler is on its node's network: no policy is enforced there",
			"Restart the pod; remove `hostNetwork`"},
		{v1alpha1.NoDefaultDeny, "error",
			"Pods of the cluster are open to everybody",
			"`lockdown`"},
		{v1alpha1.OperatorBlocked, "error",
			"The operator can't reach the instances; the cluster may call itself healthy for minutes",
			"`lockdown`, or correct the policy that is named"},
		{v1alpha1.ReplicationBlocked, "error",
			"Instances can't reach each other's PostgreSQL",
			"`lockdown`, or correct the policy that is named"},
		{v1alpha1.IsolationCheckBlocked, "error",
			"Instances can't check on each other",
			"`lockdown`, or correct the policy that is named"},
		{v1alpha1.PoolerBlocked, "error",
			"Poolers can't reach the instances",
			"`lockdown`, or correct the policy that is named"},
		{v1alpha1.APIServerBlocked, "error",
			"Instances, jobs or poolers can't reach the API server: the database fails within minutes, whatever its phase says",
			"The addition to the policy that is named"},
		{v1alpha1.DNSBlocked, "error",
			"They can't resolve names",
			"The addition to the policy that is named"},
		{v1alpha1.ObjectStoreBlocked, "error",
			"Instances or jobs can't reach the store of their backups, or where the credentials for it come from",
			"The addition to the policy that is named"},
		{v1alpha1.ExternalBlocked, "error",
			"Instances or jobs can't reach an external cluster, or an LDAP server",
			"The addition to the policy that is named"},
		{v1alpha1.DependantBlocked, "error",
			"Another cluster has this one as its external cluster, and can't reach it",
			"The addition to the policy that is named"},
		{v1alpha1.WebhookBlocked, "error",
			"The API server can't reach the operator's webhooks, or the operator can't reach the API server",
			"The addition to the policy that is named"},
		{v1alpha1.MetricsBlocked, "warning",
			"Who scrapes can't reach the metrics",
			"`lockdown` with `--allow-metrics`, or the addition that is named"},
		{v1alpha1.WorldCanConnect, "error, or warning for a part of the world, and for clients that come through a Service as a node",
			"A rule lets in addresses outside the Kubernetes cluster; ranges that leave nobody out are the world",
			"Narrow the rule that is named; `explain world CLUSTER` shows it"},
		{v1alpha1.OperatorNotFound, "warning",
			"No operator was found, or none where `--operator-namespace` says",
			"`--operator-namespace`"},
		{v1alpha1.WrongOperatorNamespace, "error",
			"A rule that is meant for an operator (to port 8000, or by its labels) lets in a namespace where none runs, and shuts out the one that runs elsewhere",
			"`lockdown`"},
		{v1alpha1.MoreThanTheOperator, "warning",
			"A rule to port 8000 lets in the operator's whole namespace, and not the operator alone",
			"Select the operator's pods; `lockdown` with the same flags, where the rule is lockdown's"},
		{v1alpha1.SetIncomplete, "warning",
			"A policy that lockdown manages is missing",
			"The lockdown command that is shown"},
		{v1alpha1.SetDrifted, "warning",
			"A policy that lockdown manages was changed",
			"`diff` shows how; the lockdown command that is shown"},
		{v1alpha1.AccessOverdue, "error",
			"A lockdown that nobody has confirmed, or access that was granted for a time, should have ended and is there: no kube-controller-manager runs, or somebody has changed the Job that is its timer",
			"The command that is shown"},
		{v1alpha1.VerdictContradicted, "error",
			"A connection that was tried with a client's identity (`explain --probe`, `lockdown --prove`, `test --probe`) came through where the engine says denied, or was dropped where it says allowed",
			"Compare the version of Cilium's agent with that of the engine (`version`), and look for policies that could not be read"},
		{v1alpha1.EngineVersion, "error, or warning for settings and kinds",
			"The agents have another version of Cilium than the engine, and treat a policy, a setting or a kind that concerns the cluster otherwise: verdicts that depend on it are unknown",
			"Write the policy so that all versions read it alike, or update the agents"},
		{v1alpha1.OrphanedPolicy, "warning",
			"Policies are kept for a cluster that does not exist",
			"`unlock`"},
		{v1alpha1.BystandersDenied, "warning",
			"A policy for the database shut out the clients of other applications",
			"Narrow its `endpointSelector`"},
		{v1alpha1.UnexpectedPeer, "warning",
			"Pods carry the cluster's label and are neither instances nor poolers nor jobs: rules for peers let them in",
			"Remove the label"},
		{v1alpha1.StatusPortExposed, "warning",
			"Others than operator and peers reach port 8000, whose control endpoints are open before CloudNativePG 1.30 (GHSA-7qwx-x8ff-3px9)",
			"Limit the rules to 5432, or upgrade"},
		{v1alpha1.ProxyRules, "warning",
			"A rule for the content of connections (`rules`, `serverNames`, TLS or a listener in `toPorts`) applies to port 5432: Cilium's proxy reads HTTP and DNS and no PostgreSQL. Required flows through it are unknown",
			"Take it out of `toPorts`, or limit it to other ports"},
		{v1alpha1.SelectorMatchesNobody, "info",
			"A selector asks for a label that no identity has, or for what contradicts itself",
			"Correct it"},
		{v1alpha1.MeshBypass, "error",
			"A service mesh (Istio, Linkerd) carries connections past the policies: its port is open to somebody to whom 5432 is not. The posture is `UNKNOWN`",
			"Restrict the mesh's port, or leave the mesh"},
		{v1alpha1.EvidenceMissing, "error, or warning where the verdicts hold all the same",
			"Something could not be read",
			"The permission or installation that is named"},
		{v1alpha1.NotRendered, "error, or warning where the verdicts hold all the same",
			"Manifests hold a template, a placeholder, something encrypted, or stand for what is not among them",
			"Render them with the command that is named, and pass the result with `-f -`"},
		{v1alpha1.DuplicateObject, "error",
			"The same object is there twice in the manifests with different content, or one database in two stages",
			"Read one of the two"},
	}
}
