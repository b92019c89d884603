package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// ClientListKind is the kind of what clients prints.
const ClientListKind = "ClientList"

// EvidenceKind is a way to know that somebody uses a database.
type EvidenceKind string

const (
	// EvidenceSessions are the sessions that the database and its poolers have open now.
	EvidenceSessions EvidenceKind = "sessions"
	// EvidenceFlows are connections that Hubble has seen.
	EvidenceFlows EvidenceKind = "flows"
	// EvidenceReferences are specs of workloads that name the database.
	EvidenceReferences EvidenceKind = "references"
)

// ClientList is who connects to a CloudNativePG cluster, who did, who refers to it, and who may.
type ClientList struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        Metadata `json:"metadata"`
	// Clients are those for whom there is evidence, those who use the cluster first.
	Clients []ObservedClient `json:"clients"`
	// MayConnect are workloads that policies let in now and for which there is no evidence, and MayConnectEntities
	// are those who are no pods. What Evidence does not cover, they may do all the same.
	MayConnect         []Client `json:"mayConnect"`
	MayConnectEntities []Entity `json:"mayConnectEntities"`
	// Evidence says what was looked at, and what it does not cover.
	Evidence []EvidenceReport `json:"evidence"`
	// Timed is what ends by itself, with those clients who lose access then; missing when nothing does.
	Timed []ObservedTimed `json:"timed,omitempty"`
	// Rehearsal is the lockdown that is rehearsed, and whom it would cut off; missing when none is.
	Rehearsal *ObservedRehearsal `json:"rehearsal,omitempty"`
	// Lockdown lets in those who use the cluster or refer to it, and as few others as its flags allow. It is
	// missing when nobody was seen to, and when there can't be one, which a note explains.
	Lockdown *ProposedLockdown `json:"lockdown,omitempty"`
	// Notes are sentences about what the list rests on.
	Notes []string `json:"notes"`
}

// ObservedTimed is something that ends by itself, and what that means for those for whom there is evidence.
type ObservedTimed struct {
	Timed `json:",inline"`
	// CutOff are clients that can connect now and can't when it has ended, by their names; sessions
	// that are open get no answer from then on.
	CutOff []string `json:"cutOff"`
}

// ObservedClient is a workload, or somebody who is no pod, with the evidence for it.
type ObservedClient struct {
	// Client has the number of pods that are there now; none for a workload that is gone or does not run.
	Client `json:",inline"`
	// Entity is who is no pod, and Address where the world connects from. With Address alone, a session is open from
	// it, and no pod and no node has it now: it is outside the Kubernetes cluster, or was a pod that is gone.
	Entity  Entity `json:"entity,omitempty"`
	Address string `json:"address,omitempty"`
	// Targets are what it was seen to connect to, or the instances when it was only seen to refer to the cluster.
	Targets []ObservedTarget `json:"targets"`
	// References are what its spec names: "Secret shop-db-app", "host shop-db-rw".
	References []string `json:"references"`
	// Verdict sums up those of Targets: denied when one of them is, else unknown when one of them is.
	Verdict Verdict `json:"verdict"`
	// Flag is the flag of lockdown that lets it in, as one argument ("--allow-pods=role=backend"); empty where
	// none does.
	Flag string `json:"flag,omitempty"`
	// DefaultDeny are the policies because of which what no rule allows is denied at the database; set when that
	// keeps it out.
	DefaultDeny []PolicyReference `json:"defaultDeny,omitempty"`
	// NearestMiss says what it lacks to be let in by a rule that is there: "has role=frontend, and not
	// role=backend". Empty where nothing is near.
	NearestMiss string `json:"nearestMiss,omitempty"`
}

// ObservedTarget is what is known of a client at one target.
type ObservedTarget struct {
	Target Target `json:"target"`
	Port   uint16 `json:"port"`
	// Sessions is the number of those that are open now, Users and Databases are PostgreSQL's, and Oldest is when
	// the oldest began.
	Sessions  int          `json:"sessions,omitempty"`
	Users     []string     `json:"users,omitempty"`
	Databases []string     `json:"databases,omitempty"`
	Oldest    *metav1.Time `json:"oldest,omitempty"`
	// Opened is the number of connections that were seen to be opened, Denied that of the attempts that were seen
	// to be dropped, DeniedAtSource those of them that the client's own side dropped, and Audited those that went
	// through although policies deny them.
	Opened         uint64 `json:"opened,omitempty"`
	Denied         uint64 `json:"denied,omitempty"`
	DeniedAtSource uint64 `json:"deniedAtSource,omitempty"`
	Audited        uint64 `json:"audited,omitempty"`
	// ByDefault are those of Opened that no policy let in, at pods that have policies but no default deny: the data
	// path's own word on what default deny would cut off.
	ByDefault uint64 `json:"byDefault,omitempty"`
	// Ongoing is true when traffic was seen on a connection whose beginning need not have been.
	Ongoing bool `json:"ongoing,omitempty"`
	// First and Last are the times of the first and the last event that was seen.
	First *metav1.Time `json:"first,omitempty"`
	Last  *metav1.Time `json:"last,omitempty"`
	// Verdict is the engine's, under the policies that are there now.
	Verdict Verdict `json:"verdict"`
}

// Used is true when a session is open or something was seen to go through.
func (t ObservedTarget) Used() bool {
	return t.Sessions > 0 || t.Opened > 0 || t.Ongoing || t.Audited > 0
}

// Used is true when one of the targets is.
func (c ObservedClient) Used() bool {
	for _, t := range c.Targets {
		if t.Used() {
			return true
		}
	}
	return false
}

// Denied is the number of attempts that were seen to be dropped.
func (c ObservedClient) Denied() uint64 {
	var n uint64
	for _, t := range c.Targets {
		n += t.Denied
	}
	return n
}

// Sessions is the number of those that are open now.
func (c ObservedClient) Sessions() int {
	n := 0
	for _, t := range c.Targets {
		n += t.Sessions
	}
	return n
}

// Name is the client in one word: "shop/deployment/web", "world 203.0.113.7".
func (c ObservedClient) Name() string {
	switch {
	case c.Entity == "" && c.Address != "":
		return "address " + c.Address
	case c.Entity == "":
		return c.Namespace + "/" + c.Workload
	case c.Address != "":
		return c.Entity.Short() + " " + c.Address
	}
	return c.Entity.Short()
}

// EvidenceReport is what an evidence rests on.
type EvidenceReport struct {
	Kind EvidenceKind `json:"kind"`
	// Source is where it comes from: a file, "hubble-relay", "specs of workloads".
	Source string `json:"source,omitempty"`
	// Events is the number of events that were read, whoever they are about.
	Events uint64 `json:"events,omitempty"`
	// From and To are the times of the first and the last event.
	From *metav1.Time `json:"from,omitempty"`
	To   *metav1.Time `json:"to,omitempty"`
	// Nodes have answered, and NodesAway have not.
	Nodes     []string `json:"nodes,omitempty"`
	NodesAway []string `json:"nodesAway,omitempty"`
	// Lost is the number of events that Hubble says it has lost.
	Lost uint64 `json:"lost,omitempty"`
	// Gaps are what is known to be missing; none does not mean that everything was seen.
	Gaps []string `json:"gaps"`
	// CannotSee is what this kind of evidence never has.
	CannotSee string `json:"cannotSee"`
	// Remedy is what would bring what is missing.
	Remedy command.Text `json:"remedy,omitzero"`
}

// ProposedLockdown is a command with what each part of it is for.
type ProposedLockdown struct {
	// Command is complete.
	Command command.Line `json:"command"`
	// Grants are its flags that let clients in.
	Grants []ProposedGrant `json:"grants"`
	// LeavesOut are clients that it does not let in.
	LeavesOut []LeftOutClient `json:"leavesOut"`
	// AlsoLetsIn are workloads that can connect with it and for which there is no evidence.
	AlsoLetsIn []Client `json:"alsoLetsIn"`
	// Refusals are the reasons for which lockdown would not go on without --force.
	Refusals []Refusal `json:"refusals"`
}

// ProposedGrant is a flag and the clients for which it is there.
type ProposedGrant struct {
	Flag    string   `json:"flag"`
	Clients []string `json:"clients"`
	// ReferencesOnly is true when nobody of them was seen to connect.
	ReferencesOnly bool `json:"referencesOnly,omitempty"`
}

// LeftOutClient is a client that the command does not let in.
type LeftOutClient struct {
	Client string `json:"client"`
	// Reason is a clause: "was denied 3 times, and nothing else tells that it uses the cluster".
	Reason string `json:"reason"`
	// Remedy is a flag or what else would let it in.
	Remedy command.Text `json:"remedy,omitzero"`
}
