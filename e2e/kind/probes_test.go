//go:build e2e

package kind_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/tools/remotecommand"
)

// sample is one attempt of a probe.
type sample struct {
	begun, ended time.Time
	// problem is empty when the attempt succeeded.
	problem string
}

// probe repeats something in a pod, ten times a second.
type probe struct {
	what string
	// stop ends the probe, after its last attempt has been told.
	stop func()

	mutex   sync.Mutex
	samples []sample
	// lost says why the probe itself ended, or what it said that no probe says.
	lost string
}

// probeConnections opens a connection every 100 ms, and in each waits at most seconds for it.
func (w *world) probeConnections(t *testing.T, c client, host string, seconds int) *probe {
	t.Helper()
	return w.startProbe(t, "new connections: "+c.what+" to "+host, c.namespace, c.pod,
		"env", fmt.Sprintf("PGCONNECT_TIMEOUT=%d", seconds), "PGSSLMODE=disable", "bash", "-c", script(t, "probe-connections.sh"), host)
}

// probeSession asks something every 100 ms in one connection.
func (w *world) probeSession(t *testing.T, c client, host string) *probe {
	t.Helper()
	return w.startProbe(t, "an open connection: "+c.what+" to "+host, c.namespace, c.pod, "bash", "-c", script(t, "probe-session.sh"), host)
}

// probeReplication looks at the replicas every 100 ms.
func (w *world) probeReplication(t *testing.T, cluster string, replicas int) *probe {
	t.Helper()
	return w.startProbe(t, "replication of "+cluster, "default", w.primary(t, cluster),
		"bash", "-c", script(t, "probe-replication.sh"), strconv.Itoa(replicas))
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
func (w *world) startProbe(t *testing.T, what, namespace, pod string, command ...string) *probe {
	t.Helper()
	p := &probe{what: what}
	p.stop = w.follow(t, namespace, pod, p.add, p.lose, command...)
	eventually(t, 30*time.Second, func(context.Context) error {
		if p.count() == 0 {
			return fmt.Errorf("probe %q: no attempt yet", what)
		}
		return nil
	})
	return p
}

// follow runs a command in a pod and hands its lines on. The command gets the name of a file as its
// last argument, and ends when the file is there: nothing else ends a program in a pod when nobody
// listens to it any more. The function that it returns makes the file, and waits for the last line.
func (w *world) follow(t *testing.T, namespace, pod string, line, lose func(string), command ...string) (stop func()) {
	t.Helper()
	file := fmt.Sprintf("/dev/shm/stop-%d", time.Now().UnixNano())
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	stop = sync.OnceFunc(func() {
		defer cancel()
		r := w.exec(ctx, namespace, pod, "touch", file)
		select {
		case <-done:
		case <-time.After(15 * time.Second):
			lose(fmt.Sprintf("it does not end: %v", r.err))
		}
	})
	t.Cleanup(stop)
	read, write := io.Pipe()
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(read); lines.Scan(); {
			line(lines.Text())
		}
	}()
	go func() {
		err := w.stream(ctx, namespace, pod, append(command, file), remotecommand.StreamOptions{Stdout: write, Stderr: write})
		if err != nil {
			lose(fmt.Sprintf("it has ended: %v", err))
		}
		_ = write.Close() // never fails
	}()
	return stop
}

// add takes a line of a probe.
func (p *probe) add(line string) {
	fields := strings.SplitN(line, " ", 3)
	if len(fields) < 3 {
		p.lose("unexpected: " + line)
		return
	}
	begun, err := parseTime(fields[0])
	ended, err2 := parseTime(fields[1])
	if err != nil || err2 != nil {
		p.lose("unexpected: " + line)
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.samples = append(p.samples, sample{begun: begun, ended: ended, problem: fields[2]})
}

// parseTime reads bash's EPOCHREALTIME, which has six digits after the point.
func parseTime(text string) (time.Time, error) {
	micros, err := strconv.ParseInt(strings.NewReplacer(".", "", ",", "").Replace(text), 10, 64)
	return time.UnixMicro(micros), err
}

func (p *probe) lose(why string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.lost += why + "\n"
}

func (p *probe) count() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return len(p.samples)
}

// between are the attempts that were begun and ended in a time.
func (p *probe) between(from, to time.Time) []sample {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var out []sample
	for _, s := range p.samples {
		if !s.begun.Before(from) && s.ended.Before(to) {
			out = append(out, s)
		}
	}
	return out
}

// expectNoFailure ends the probe, and fails unless every attempt has succeeded.
func (p *probe) expectNoFailure(t *testing.T) {
	t.Helper()
	p.stop()
	if p.lost != "" {
		t.Errorf("%s: %s", p.what, p.lost)
	}
	failures := 0
	var slowest time.Duration
	for _, s := range p.samples {
		slowest = max(slowest, s.ended.Sub(s.begun))
		if s.problem != "" {
			failures++
			if failures <= 5 {
				t.Errorf("%s: failed at %s after %s: %s", p.what, s.begun.Format(clock), s.ended.Sub(s.begun), s.problem)
			}
		}
	}
	t.Logf("%s: %d attempts, %d failures, the slowest took %s", p.what, len(p.samples), failures, slowest.Round(time.Millisecond))
}

const clock = "15:04:05.000"

// expectBlocked fails unless the probe has no success from five seconds after a time on, until
// another time.
func (p *probe) expectBlocked(t *testing.T, from, to time.Time) {
	t.Helper()
	last := from
	attempts := p.between(from, to)
	if len(attempts) == 0 {
		t.Errorf("%s: no attempt between %s and %s", p.what, from.Format(clock), to.Format(clock))
	}
	for _, s := range attempts {
		if s.problem == "" && s.ended.After(last) {
			last = s.ended
		}
	}
	if last.After(from.Add(5 * time.Second)) {
		t.Errorf("%s: gets in %s after lockdown has ended", p.what, last.Sub(from))
	}
	t.Logf("%s: blocked %s after lockdown had ended, %d attempts", p.what, last.Sub(from).Round(10*time.Millisecond), len(attempts))
}
