package v1alpha1

import (
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// Severity of a finding.
type Severity string

const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// Finding is something that somebody should know or do.
type Finding struct {
	Code     FindingCode `json:"code"`
	Severity Severity    `json:"severity"`
	// Message is one sentence.
	Message string `json:"message"`
	// Remedy is one command or one sentence; empty when there is nothing to do.
	Remedy command.Text `json:"remedy,omitzero"`
	// At are the places that it is about: fields of policies, documents of manifests. Of manifests, the Cluster is the place of
	// what has no other.
	At []Location `json:"at,omitempty"`
}

// Equal tells whether a finding says the same.
func (f Finding) Equal(other Finding) bool {
	return f.Code == other.Code && f.Severity == other.Severity && f.Message == other.Message && f.Remedy.String() == other.Remedy.String()
}

// FindingCode is stable: scripts may match on it.
type FindingCode string

// LacksEvidence is true for the codes that say what could not be seen, and not what is wrong.
func (c FindingCode) LacksEvidence() bool {
	return c == EvidenceMissing || c == NotRendered || c == DuplicateObject || c == MeshBypass
}

// IsAboutFlow is true for codes of findings about a required flow that is denied.
func (c FindingCode) IsAboutFlow() bool { return strings.HasSuffix(string(c), "_BLOCKED") }

const (
	PolicyInvalid          FindingCode = "POLICY_INVALID"
	PolicyIgnoredField     FindingCode = "POLICY_IGNORED_FIELD"
	EnforcementDisabled    FindingCode = "ENFORCEMENT_DISABLED"
	NotManagedByCilium     FindingCode = "NOT_MANAGED_BY_CILIUM"
	NoDefaultDeny          FindingCode = "NO_DEFAULT_DENY"
	OperatorBlocked        FindingCode = "OPERATOR_BLOCKED"
	ReplicationBlocked     FindingCode = "REPLICATION_BLOCKED"
	IsolationCheckBlocked  FindingCode = "ISOLATION_CHECK_BLOCKED"
	PoolerBlocked          FindingCode = "POOLER_BLOCKED"
	WorldCanConnect        FindingCode = "WORLD_CAN_CONNECT"
	OperatorNotFound       FindingCode = "OPERATOR_NOT_FOUND"
	WrongOperatorNamespace FindingCode = "WRONG_OPERATOR_NAMESPACE"
	MoreThanTheOperator    FindingCode = "MORE_THAN_THE_OPERATOR"
	SetIncomplete          FindingCode = "SET_INCOMPLETE"
	SetDrifted             FindingCode = "SET_DRIFTED"
	OrphanedPolicy         FindingCode = "ORPHANED_POLICY"
	BystandersDenied       FindingCode = "BYSTANDERS_DENIED"
	EvidenceMissing        FindingCode = "EVIDENCE_MISSING"
	// What instances, jobs and poolers can't reach, and who can't reach what depends on them.
	APIServerBlocked   FindingCode = "API_SERVER_BLOCKED"
	DNSBlocked         FindingCode = "DNS_BLOCKED"
	ObjectStoreBlocked FindingCode = "OBJECT_STORE_BLOCKED"
	ExternalBlocked    FindingCode = "EXTERNAL_BLOCKED"
	DependantBlocked   FindingCode = "DEPENDANT_BLOCKED"
	WebhookBlocked     FindingCode = "WEBHOOK_BLOCKED"
	MetricsBlocked     FindingCode = "METRICS_BLOCKED"
	// NotRendered and DuplicateObject are missing evidence of manifests: a template or what stands for something else,
	// and an object that is there twice with different content.
	NotRendered     FindingCode = "NOT_RENDERED"
	DuplicateObject FindingCode = "DUPLICATE_OBJECT"
	// MeshBypass: a service mesh carries connections past the policies, so that they don't say who can connect.
	MeshBypass            FindingCode = "MESH_BYPASS"
	StatusPortExposed     FindingCode = "STATUS_PORT_EXPOSED"
	SelectorMatchesNobody FindingCode = "SELECTOR_MATCHES_NOBODY"
	UnexpectedPeer        FindingCode = "UNEXPECTED_PEER"
	// ProxyRules: Cilium's proxy has rules for what is sent to PostgreSQL, which it can't read.
	ProxyRules FindingCode = "PROXY_RULES"
	// AccessOverdue: the Kubernetes cluster did not end what should have ended.
	AccessOverdue FindingCode = "ACCESS_OVERDUE"
	// VerdictContradicted: the data path does not do what the engine says of it.
	VerdictContradicted FindingCode = "VERDICT_CONTRADICTED"
	// EngineVersion: the agents have another version than the engine, which matters for this cluster.
	EngineVersion FindingCode = "ENGINE_VERSION"
)
