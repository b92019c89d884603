//go:build e2e

package kind_test

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
)

// The verdicts, of the data path as of the plugin.
const (
	allowed = string(datapath.Allowed)
	denied  = string(datapath.Denied)
)

// attempt tries to connect once, with some seconds for the connection.
type attempt func(ctx context.Context, seconds int) (datapath.Attempt, error)

// longest is how many seconds an attempt gets at most. Who is denied waits for all of them, and on a
// machine with too much to do an answer may take some.
const longest = 32

// expectVerdict asks the data path until it answers as expected: the agent needs a moment for a policy,
// and what holds at the end counts. An attempt that decides nothing is made again, with twice the time.
func (w *world) expectVerdict(t *testing.T, what, want string, path func() (datapath.Path, error), try attempt) {
	seconds := 2
	_, err := repeat(t.Context(), func(ctx context.Context) error {
		way, err := path()
		if err != nil {
			return err
		}
		a, err := try(ctx, seconds)
		if err != nil {
			return fmt.Errorf("%s could not be tried: %w", what, err)
		}
		verdict := w.judge(ctx, a, way)
		if verdict == datapath.Undecided {
			seconds = min(2*seconds, longest)
			return fmt.Errorf("%s: want %s, undecided: no answer, and no packet denied: %s", what, want, a.Text)
		}
		return differs(what, want, string(verdict))
	})
	if err != nil {
		t.Error(err) // Others may run beside it.
	}
}

// verdict judges by the packets that are known to have been denied.
func (w *world) verdict(a datapath.Attempt, path datapath.Path) datapath.Verdict {
	if a.Answered {
		return datapath.Allowed
	}
	return datapath.Judge(a, path, w.drops.since(a.Begun))
}

// judge gives the agent's report of a denied packet a moment to get here.
func (w *world) judge(ctx context.Context, a datapath.Attempt, path datapath.Path) datapath.Verdict {
	for range 20 {
		if verdict := w.verdict(a, path); verdict != datapath.Undecided {
			return verdict
		}
		select {
		case <-ctx.Done():
			return datapath.Undecided
		case <-time.After(100 * time.Millisecond):
		}
	}
	return datapath.Undecided
}

// attemptIn runs a script of testdata in a pod, which prints one attempt.
func (w *world) attemptIn(ctx context.Context, c client, script string, arguments ...string) (datapath.Attempt, error) {
	r := w.exec(ctx, c.namespace, c.pod, append([]string{"bash", "-c", script}, arguments...)...)
	if r.err != nil {
		return datapath.Attempt{}, fmt.Errorf("in %s/%s: %w: %s %s", c.namespace, c.pod, r.err, r.out, r.errors)
	}
	return datapath.ParseAttempt(r.out)
}

// expectTCP asks the data path whether a client reaches a port, whoever listens there: it says
// something and must get a line that contains something.
func (w *world) expectTCP(t *testing.T, c client, namespace, selector string, port uint16, say, hear, want string) {
	t.Helper()
	what := fmt.Sprintf("%s to port %d of %s", c.what, port, selector)
	text := script(t, "attempt-tcp.sh")
	w.expectVerdict(t, what, want,
		func() (datapath.Path, error) { return w.path(t.Context(), c, namespace, selector, port) },
		func(ctx context.Context, seconds int) (datapath.Attempt, error) {
			to, err := w.addressesOf(ctx, namespace, selector)
			if err != nil || len(to) == 0 {
				return datapath.Attempt{}, fmt.Errorf("pods with %s: %v, %w", selector, to, err)
			}
			return w.attemptIn(ctx, c, text, to[0].String(), strconv.Itoa(int(port)), say, hear, strconv.Itoa(seconds))
		})
	t.Logf("%s: %s", what, want)
}

// path is the way from a client to pods.
func (w *world) path(ctx context.Context, c client, namespace, selector string, port uint16) (datapath.Path, error) {
	to, err := w.addressesOf(ctx, namespace, selector)
	if err != nil {
		return datapath.Path{}, err
	}
	p := datapath.Path{Identity: "world", To: to, Port: port}
	if c.pod != "" {
		pod, err := w.podAddress(ctx, c.namespace, c.pod)
		if err != nil {
			return datapath.Path{}, err
		}
		p.From = []netip.Addr{pod}
	}
	return p, nil
}
