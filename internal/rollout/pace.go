package rollout

import (
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
)

// Pace is how long a Runner waits for what, and how often it tries.
type Pace struct {
	// Poll is how often the server is asked for what is waited for.
	Poll time.Duration
	// Stale is how long a refusal may be a leftover of the policy's former content: the condition does
	// not say which generation it is about.
	Stale time.Duration
	// Late is how long the server may take to do what it was asked for after the connection is gone.
	Late time.Duration
	// RollBack bounds putting things back. It has time of its own, because it often begins when the
	// caller's time is over.
	RollBack time.Duration
	// Conflicts is how a write is tried again of which the server says that the object has changed.
	Conflicts wait.Backoff
}

// DefaultPace suits people who wait: Cilium v1.20 writes its word within a second.
func DefaultPace() Pace {
	return Pace{
		Poll: 250 * time.Millisecond, Stale: 5 * time.Second, Late: 2 * time.Second, RollBack: 30 * time.Second,
		Conflicts: retry.DefaultRetry,
	}
}

// retrying does something again that fails for a reason that may pass. It returns the last error as it is: that of
// client-go's retry is nil when a request has run out of time, which it takes for its own.
func (p Pace) retrying(passes func(error) bool, do func() error) (last error) {
	_ = retry.OnError(p.Conflicts, passes, func() error {
		last = do()
		return last
	})
	return last
}
