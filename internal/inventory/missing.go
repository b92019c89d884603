package inventory

import (
	"cmp"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// Missing is evidence that could not be had.
type Missing struct {
	// Resource is the plural name with its group ("ciliumnetworkpolicies.cilium.io").
	Resource string
	// Scope is where objects are missing.
	Scope Scope
	// Reason is NotInstalled, Forbidden, Failed, NotRendered, Ambiguous or TooLarge.
	Reason MissingReason
	// Message is one line in lower case that says what happened.
	Message string
	// Remedy is what to do about it.
	Remedy command.Text
	// At is where in the manifests; zero when it is no single place, and for live evidence.
	At Source
}

// ClientsResource is the resource of missing evidence that can only change who the clients of a database are.
const ClientsResource = "clients"

// Plural is the resource without its group: "ciliumnetworkpolicies".
func (m Missing) Plural() string {
	plural, _, _ := strings.Cut(m.Resource, ".")
	return plural
}

// Covers tells whether objects of the namespace are missing; an empty one stands for what has none.
func (m Missing) Covers(namespace string) bool { return m.Scope.covers(namespace) }

// Equal tells whether the same is missing for the same reason.
func (m Missing) Equal(other Missing) bool {
	return m.Resource == other.Resource && m.Scope == other.Scope && m.Reason == other.Reason && m.Message == other.Message &&
		m.Remedy.String() == other.Remedy.String()
}

func (m Missing) compare(other Missing) int {
	return cmp.Or(cmp.Compare(m.Resource, other.Resource), m.Scope.compare(other.Scope), cmp.Compare(m.Message, other.Message))
}

// Scope is everywhere, a namespace, or everywhere but a namespace. The zero value is everywhere.
type Scope struct {
	// Namespace is empty for everywhere.
	Namespace string
	// Except is true when the objects of Namespace are the only ones that are not missing.
	Except bool
}

// Only is the scope of one namespace; everywhere for an empty one, as in a request to the API server.
func Only(namespace string) Scope { return Scope{Namespace: namespace} }

// Except is the scope of all namespaces but one, which a user may read alone.
func Except(namespace string) Scope { return Scope{Namespace: namespace, Except: true} }

func (s Scope) covers(namespace string) bool {
	return s.Namespace == "" || (s.Namespace == namespace) != s.Except
}

// compare puts everywhere first, then what is missing but for a namespace.
func (s Scope) compare(other Scope) int {
	rank := func(s Scope) int {
		switch {
		case s.Namespace == "":
			return 0
		case s.Except:
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(rank(s), rank(other)), cmp.Compare(s.Namespace, other.Namespace))
}

// MissingReason is why evidence is missing.
type MissingReason string

// Local is true where what is missing is about single objects, which matter in their own namespace: a repository has thousands.
func (r MissingReason) Local() bool { return r == NotRendered || r == Ambiguous || r == TooLarge }

const (
	// NotInstalled: the server does not know the kind.
	NotInstalled MissingReason = "NotInstalled"
	// Forbidden: the user may not read it.
	Forbidden MissingReason = "Forbidden"
	// Failed: the request or the decoding failed.
	Failed MissingReason = "Failed"
	// NotRendered: what was read is a template, or stands for what was not read.
	NotRendered MissingReason = "NotRendered"
	// Ambiguous: the same object was read twice, and not with the same content.
	Ambiguous MissingReason = "Ambiguous"
	// TooLarge: it was read, and has more of something than is evaluated.
	TooLarge MissingReason = "TooLarge"
)
