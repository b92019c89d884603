//go:build e2e

package kind_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
)

// probe tries something in a pod, ten times a second.
type probe struct {
	what string
	// path is the way that its packets take.
	path datapath.Path
	// stop ends the probe, after its last attempt has been told.
	stop func()

	mutex    sync.Mutex
	attempts []datapath.Attempt
	// starts are why it was started anew, or what it said that no probe says.
	starts []string
}

// probeConnections opens a connection every 100 ms.
func (w *world) probeConnections(t *testing.T, c client, to target) *probe {
	t.Helper()
	return w.startProbe(t, "new connections: "+c.what+" to "+to.host, c, to,
		"env", "PGCONNECT_TIMEOUT=5", "PGSSLMODE=disable", "bash", "-c", script(t, "probe-connections.sh"), to.host)
}

// probeSession asks something every 100 ms in one connection.
func (w *world) probeSession(t *testing.T, c client, to target) *probe {
	t.Helper()
	return w.startProbe(t, "an open connection: "+c.what+" to "+to.host, c, to,
		"env", "PGCONNECT_TIMEOUT=5", "bash", "-c", script(t, "probe-session.sh"), to.host)
}

// probeReplication looks at the replicas every 100 ms.
func (w *world) probeReplication(t *testing.T, cluster string, replicas int) *probe {
	t.Helper()
	instances := instancesOf(cluster)
	p := w.startProbe(t, "replication of "+cluster, client{namespace: "default", pod: w.primary(t, cluster)}, instances,
		"bash", "-c", script(t, "probe-replication.sh"), strconv.Itoa(replicas))
	// What it asks stays in the primary; what it asks about goes between the instances.
	p.path.From = w.addresses(t, "default", instances.selector)
	return p
}

func script(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// startProbe runs a command in a pod as follow does, and takes its lines for attempts.
func (w *world) startProbe(t *testing.T, what string, c client, to target, command ...string) *probe {
	t.Helper()
	path, err := w.path(t.Context(), c, "default", to.selector, postgres)
	if err != nil {
		t.Fatal(err)
	}
	p := &probe{what: what, path: path}
	p.stop = w.follow(t, c.where, p.add, p.restarted, 0, command...)
	w.expectProgress(t, p)
	return p
}

// add takes a line of a probe.
func (p *probe) add(line string) {
	a, err := datapath.ParseAttempt(line)
	if err != nil {
		p.restarted(err.Error())
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.attempts = append(p.attempts, a)
}

func (p *probe) restarted(why string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.starts = append(p.starts, why)
}

// since are the attempts that were begun from a time on.
func (p *probe) since(begun time.Time) []datapath.Attempt {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var out []datapath.Attempt
	for _, a := range p.attempts {
		if !a.Begun.Before(begun) {
			out = append(out, a)
		}
	}
	return out
}

// expectProgress waits until each probe has begun an attempt from now on, and got its answer: whoever
// has to wait for a busy machine gets there, and whoever is cut off does not.
func (w *world) expectProgress(t *testing.T, probes ...*probe) {
	t.Helper()
	begun := time.Now()
	for _, p := range probes {
		eventually(t, func(context.Context) error {
			attempts := p.since(begun)
			for _, a := range attempts {
				if a.Answered {
					return nil
				}
			}
			last := ""
			if len(attempts) > 0 {
				last = attempts[len(attempts)-1].Text
			}
			return fmt.Errorf("%s: no answer to %d attempts %s %v", p.what, len(attempts), last, p.starts)
		})
	}
}

// expectNeverDenied ends the probe, and fails if a packet of an attempt was denied. Attempts that
// decide nothing are told: expectProgress is what shows that there were enough of the others.
func (w *world) expectNeverDenied(t *testing.T, p *probe) {
	t.Helper()
	p.stop()
	attempts := p.since(time.Time{})
	undecided, failures := 0, 0
	var slowest time.Duration
	for _, a := range attempts {
		slowest = max(slowest, a.Ended.Sub(a.Begun))
		told := fmt.Sprintf("%s at %s after %s: %s", p.what, a.Begun.Format(clock), a.Ended.Sub(a.Begun), a.Text)
		switch w.verdict(a, p.path) {
		case datapath.Allowed:
		case datapath.Undecided:
			if undecided++; undecided <= 5 {
				t.Logf("undecided: %s", told)
			}
		case datapath.Denied:
			if failures++; failures <= 5 {
				t.Errorf("denied: %s", told)
			}
		}
	}
	for _, why := range p.starts {
		t.Logf("%s: started again: %s", p.what, why)
	}
	t.Logf("%s: %d attempts, %d denied, %d undecided, the slowest took %s",
		p.what, len(attempts), failures, undecided, slowest.Round(time.Millisecond))
}

const clock = "15:04:05.000"

// expectBlocked waits until an attempt that was begun after a time is denied, and tells how long that
// took.
func (w *world) expectBlocked(t *testing.T, p *probe, from time.Time) {
	t.Helper()
	eventually(t, func(context.Context) error {
		if first := w.firstDenied(p, from); first.IsZero() {
			return fmt.Errorf("%s: none of %d attempts was denied", p.what, len(p.since(from)))
		}
		return nil
	})
	t.Logf("%s: denied %s after lockdown had ended", p.what, w.firstDenied(p, from).Sub(from).Round(10*time.Millisecond))
}

// expectStaysBlocked fails if an attempt got in after the first one that was denied, until another time.
func (w *world) expectStaysBlocked(t *testing.T, p *probe, from, to time.Time) {
	t.Helper()
	p.stop()
	first := w.firstDenied(p, from)
	count := 0
	for _, a := range p.since(first) {
		if !a.Begun.Before(to) {
			break
		}
		count++
		if a.Answered && a.Ended.Before(to) {
			t.Errorf("%s: gets in at %s, %s after it was denied", p.what, a.Begun.Format(clock), a.Begun.Sub(first))
		}
	}
	t.Logf("%s: none of %d attempts gets in until unlock begins", p.what, count)
}

// firstDenied is when the first attempt was begun that was denied, of those that were begun after a time.
func (w *world) firstDenied(p *probe, from time.Time) time.Time {
	for _, a := range p.since(from) {
		if w.verdict(a, p.path) == datapath.Denied {
			return a.Begun
		}
	}
	return time.Time{}
}
