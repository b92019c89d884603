package policyset

import (
	"slices"
	"strings"
)

const (
	// FieldManager is the owner under which policies are applied (server-side apply), and the
	// value of LabelManagedBy.
	FieldManager = "kubectl-cnpg-netpol"
	// LabelManagedBy marks every policy of the set; its value is FieldManager.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// LabelCluster names the CloudNativePG cluster that the policy belongs to. On the shared
	// default deny, it is the first, by name, of the clusters that need it.
	LabelCluster = "cnpg-netpol/cluster"
	// LabelOperator is in the place of LabelCluster on the policies of the operator's set; its value is "true".
	LabelOperator = "cnpg-netpol/operator"
	// LabelPolicy is the policy's Role.
	LabelPolicy = "cnpg-netpol/policy"
	// LabelUserPrefix and a cluster's name are the key of a label on the shared default deny, one for
	// each cluster that needs it: `kubectl get cnp -l users.cnpg-netpol/NAME` finds it, and
	// unlocking one cluster leaves it for the others. Labels and not one list in an annotation,
	// because the API server can select by them.
	LabelUserPrefix = "users.cnpg-netpol/"
	// AnnotationScope holds the Scope, on the policies that it changes (1 to 3).
	AnnotationScope = "cnpg-netpol/scope"
	// AnnotationOperatorNamespaces holds the values of --operator-namespace, joined by commas. It is
	// missing when the namespaces were detected: they may be detected anew then.
	AnnotationOperatorNamespaces = "cnpg-netpol/operator-namespaces"
	// AnnotationRehearsedSince holds RehearsedSince in RFC 3339, on policy 2 or 3. A lockdown has none, so that the one
	// that ends a rehearsal takes it away. Where egress alone is rehearsed, AnnotationSet of its policies says so.
	AnnotationRehearsedSince = "cnpg-netpol/rehearsed-since"
)

const (
	// AnnotationThroughPoolers is on the policies that --through-poolers changes, and on the one for operator and peers,
	// which is always there.
	AnnotationThroughPoolers = "cnpg-netpol/through-poolers"
	// yes is the value of annotations that are there or not.
	yes = "true"
)

// userValue is the value of the labels under LabelUserPrefix; only their presence counts.
const userValue = "true"

// Role is what a policy of the set is for; it is the value of LabelPolicy.
type Role string

const (
	// DefaultDeny is the document's policy 1: what nothing else allows is denied.
	DefaultDeny Role = "default-deny"
	// InternalAccess is policy 3, which contains 2: operator and peers, to 8000 and 5432.
	InternalAccess Role = "internal-access"
	// OperatorAccess is policy 2: the operator, to 8000 and nothing else.
	OperatorAccess Role = "operator-access"
	// PostgresAccess is any of policies 4 to 7: clients, to 5432.
	PostgresAccess Role = "postgres-access"
	// MetricsAccess is beyond the document: pods of a namespace to the metrics ports.
	MetricsAccess Role = "metrics-access"
	// KubectlCNPGAccess is beyond the document: API server and nodes to 8000.
	KubectlCNPGAccess Role = "kubectl-cnpg-access"
	// EgressDefaultDeny is beyond the document: what nothing else lets the cluster's pods open is denied.
	EgressDefaultDeny Role = "default-deny-egress"
	// EgressAccess is what the cluster's pods may open under it: what they need, and what flags name.
	EgressAccess Role = "egress"
	// WebhookAccess is beyond the document: who asks the operator about each change of a cluster.
	WebhookAccess Role = "webhook-access"
	// PluginAccess is beyond the document: the operator, to its CNPG-I plugins.
	PluginAccess Role = "plugin-access"
	// GrantedAccess is for policies of grants: access that ends by itself, whatever ports it is to. Lockdown leaves them alone.
	GrantedAccess Role = "granted-access"
)

// IsManaged tells from a live policy's labels whether lockdown manages it for the cluster. The
// namespace is the caller's to compare. A policy that others manage, or that was made for another
// cluster, must be neither changed nor removed.
func IsManaged(labels map[string]string, cluster string) bool {
	if labels[LabelManagedBy] != FieldManager || labels[LabelPolicy] == "" {
		return false
	}
	if users := Users(labels); len(users) > 0 {
		return slices.Contains(users, cluster)
	}
	return Owner(labels) == cluster
}

// Owner is the cluster that a policy belongs to, by its labels, or OperatorSet. The shared default deny has Users.
func Owner(labels map[string]string) string {
	if labels[LabelOperator] != "" {
		return OperatorSet
	}
	return labels[LabelCluster]
}

// ownerLabel is the label that tells whose set a policy is of, and its value.
func ownerLabel(cluster string) (key, value string) {
	if cluster == OperatorSet {
		return LabelOperator, yes
	}
	return LabelCluster, cluster
}

// IsOurs tells from a live policy's labels whether lockdown manages it, for whichever cluster. The
// shared default deny of ScopeNamespace may be adopted by one more cluster when this is true.
func IsOurs(labels map[string]string) bool {
	return labels[LabelManagedBy] == FieldManager && labels[LabelPolicy] != ""
}

// Users are the clusters that need a shared default deny, in order; none for any other policy.
func Users(labels map[string]string) []string {
	var users []string
	for key := range labels {
		if name, ok := strings.CutPrefix(key, LabelUserPrefix); ok {
			users = append(users, name)
		}
	}
	slices.Sort(users)
	return users
}
