package rollout

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// A request that has run out of time has failed, and a conflict is one also when it stays.
func TestRetryingReturnsTheLastError(t *testing.T) {
	timedOut := &url.Error{Op: "Delete", URL: "https://server", Err: fmt.Errorf("%w (Client.Timeout exceeded while awaiting headers)", context.DeadlineExceeded)}
	for name, tc := range map[string]struct {
		answers []error
		want    error
		tries   int
	}{
		"a request that timed out":        {[]error{timedOut}, timedOut, 1},
		"a conflict, then a timeout":      {[]error{conflict("a"), timedOut}, timedOut, 2},
		"a conflict that goes":            {[]error{conflict("a"), nil}, nil, 2},
		"a conflict that stays":           {[]error{conflict("a")}, conflict("a"), 5},
		"what is no conflict":             {[]error{errChanged}, errChanged, 1},
		"a caller whose time was over":    {[]error{context.Canceled}, context.Canceled, 1},
		"a caller whose deadline is over": {[]error{context.DeadlineExceeded}, context.DeadlineExceeded, 1},
	} {
		tries := 0
		err := DefaultPace().retrying(apierrors.IsConflict, func() error {
			tries++
			return tc.answers[min(tries, len(tc.answers))-1]
		})
		if tries != tc.tries || (err == nil) != (tc.want == nil) || err != nil && !errors.Is(err, tc.want) && err.Error() != tc.want.Error() {
			t.Errorf("%s: %d tries, %v", name, tries, err)
		}
	}
}
