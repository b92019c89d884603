package live

import (
	"net/http"
	"sync"
	"time"
)

// clock is the server's, as its answers tell it: the clock of this machine may be wrong.
type clock struct {
	mu sync.Mutex
	// date is what the last answer said, and when it came by a clock that nobody sets.
	date, came time.Time
}

// now is the server's time, to a second; zero as long as no answer has told it.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.date.IsZero() {
		return time.Time{}
	}
	return c.date.Add(time.Since(c.came))
}

// listenTo returns a transport that reads the date of every answer.
func (c *clock) listenTo(transport http.RoundTripper) http.RoundTripper {
	return listening{c, transport}
}

type listening struct {
	clock     *clock
	transport http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (l listening) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := l.transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		l.clock.mu.Lock()
		l.clock.date, l.clock.came = date, time.Now()
		l.clock.mu.Unlock()
	}
	return answer, nil
}

// WrappedRoundTripper is what client-go looks for to close idle connections.
func (l listening) WrappedRoundTripper() http.RoundTripper { return l.transport }
