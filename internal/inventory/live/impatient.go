package live

import (
	"net/http"
)

// impatient ends a request with its context, whatever the transport is waiting for: a credential plugin of the
// kubeconfig is run before the request is made, and client-go waits for it without regard to the context.
type impatient struct{ http.RoundTripper }

type answer struct {
	response *http.Response
	err      error
}

// RoundTrip implements http.RoundTripper.
func (t impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	done := make(chan answer, 1)
	go func() {
		response, err := t.RoundTripper.RoundTrip(r) //nolint:bodyclose // Whoever gets the answer closes it.
		done <- answer{response, err}
	}()
	select {
	case a := <-done:
		return a.response, a.err
	case <-r.Context().Done():
		go func() {
			if a := <-done; a.response != nil {
				_ = a.response.Body.Close() // Nobody is there to hear of it.
			}
		}()
		return nil, r.Context().Err()
	}
}
