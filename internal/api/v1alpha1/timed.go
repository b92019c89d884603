package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Timed is something that lockdown or grant has applied and that ends by itself, with the Job that is its timer.
type Timed struct {
	// Name is the Job's, in the namespace of the cluster.
	Name string    `json:"name"`
	Kind TimedKind `json:"kind"`
	// Policies are those that the Kubernetes cluster deletes then.
	Policies []PolicyReference `json:"policies"`
	// Until is when, by the server's clock; missing when it is not known.
	Until *metav1.Time `json:"until,omitempty"`
	// Remaining is how long that was from the moment of the report on; negative when it should have ended.
	Remaining *metav1.Duration `json:"remaining,omitempty"`
	// Message says why Until is missing.
	Message string `json:"message,omitempty"`
	// Overdue is true when it should have ended and is there.
	Overdue bool `json:"overdue,omitempty"`
	// Then is the cluster's posture when this has ended, all else staying as it is.
	Then Posture `json:"then,omitempty"`
	// Clients are who is let in, as flags of lockdown; only for a grant.
	Clients []string `json:"clients,omitempty"`
	// RequestedBy is the user who asked for a grant, as the server knew them, and Reason what they gave as one.
	RequestedBy string `json:"requestedBy,omitempty"`
	Reason      string `json:"reason,omitempty"`
}

// TimedKind is what ends by itself.
type TimedKind string

const (
	// TimedLockdown is a default deny that nobody has confirmed.
	TimedLockdown TimedKind = "lockdown"
	// TimedRehearsal is a lockdown that is rehearsed, all of it, and that nobody has confirmed.
	TimedRehearsal TimedKind = "rehearsal"
	// TimedGrant is access for a time.
	TimedGrant TimedKind = "grant"
)
