package inventory

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Timer is a Job with whose end policies end, see package timer.
type Timer struct {
	Namespace, Name     string
	UID                 types.UID
	Labels, Annotations map[string]string
	// Completed is when the Job was called complete, by the controller's clock; zero as long as it is not.
	Completed time.Time
	// TTL is how long it lives from then on. Without a limit, it does not end by itself.
	TTL     time.Duration
	Limited bool
	// Ending is true from the moment in which it is being deleted.
	Ending bool
}

// Deadline is when the Job is deleted; false when that is not known.
func (t Timer) Deadline() (time.Time, bool) {
	if t.Completed.IsZero() || !t.Limited {
		return time.Time{}, false
	}
	return t.Completed.Add(t.TTL), true
}
