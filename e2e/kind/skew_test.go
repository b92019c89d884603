//go:build e2e

package kind_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// skewed is a kubeconfig that leads to the server by way of a proxy that shifts time: to whoever asks by it, the server's clock,
// and with it every time that it has written, is ahead of the clock of this machine. That is all that somebody can notice of two
// clocks that differ. What is sent to the server is shifted back, but for built-in kinds, which the plugin sends as protobuf: of
// these, the Job of a timer has no time in it.
func (w *world) skewed(t *testing.T, by time.Duration) string {
	t.Helper()
	return w.proxiedWith(t,
		func(r *http.Request) {
			// What can be read can be shifted.
			r.Header.Set("Accept", "application/json")
			r.Header.Set("Accept-Encoding", "identity")
			if r.Body == nil || r.Body == http.NoBody || strings.Contains(r.Header.Get("Content-Type"), "protobuf") {
				return
			}
			content, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			content = shift(content, -by)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
		},
		func(r *http.Response) error {
			if date, err := http.ParseTime(r.Header.Get("Date")); err == nil {
				r.Header.Set("Date", date.Add(by).UTC().Format(http.TimeFormat))
			}
			if !strings.Contains(r.Header.Get("Content-Type"), "json") {
				return nil
			}
			content, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			content = shift(content, by)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
			r.Header.Set("Content-Length", strconv.Itoa(len(content)))
			return nil
		})
}

// times are those that Kubernetes writes.
var times = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\b`)

// shift moves all times in a text.
func shift(text []byte, by time.Duration) []byte {
	return times.ReplaceAllFunc(text, func(found []byte) []byte {
		at, err := time.Parse(time.RFC3339Nano, string(found))
		if err != nil {
			return found
		}
		layout := time.RFC3339
		if dot := bytes.IndexByte(found, '.'); dot >= 0 {
			layout = "2006-01-02T15:04:05." + strings.Repeat("0", len(found)-dot-2) + "Z07:00"
		}
		return []byte(at.Add(by).Format(layout))
	})
}

// expectDeadline compares when the timer of a lockdown ends, by the server itself, with how long that should be from now on.
func (w *world) expectDeadline(t *testing.T, from, to time.Duration) {
	t.Helper()
	if left := time.Until(w.deadline(t)); left < from || left > to {
		t.Errorf("it ends %s from now, want %s to %s", left.Round(time.Second), from, to)
	}
}

// clocks looks at what ends by itself where the clocks of the plugin's machine and of the server differ.
func (w *world) clocks(t *testing.T, ahead time.Duration) {
	t.Helper()
	kubeconfig := w.skewed(t, ahead)
	ask := func(code int, want string, arguments ...string) string {
		t.Helper()
		a, err := askWith(t.Context(), kubeconfig, arguments...)
		if err != nil || a.code != code || !strings.Contains(a.out+a.errors, want) {
			t.Errorf("$ kubectl cnpg-netpol %s: exit code %d, want %d and %q: %v\n%s%s", strings.Join(arguments, " "), a.code, code, want, err, a.out, a.errors)
		}
		return a.errors
	}
	said := ask(0, "ends by itself at ", "lockdown", "cluster-example", "--allow-pods", "role=backend", "--yes", "--confirm-within", soon, "--timeout", soon)
	w.expectDeadline(t, 15*time.Second, 31*time.Second)
	// What the plugin tells is what the server would.
	_, text, _ := strings.Cut(said, "ends by itself at ")
	at, err := time.Parse("2006-01-02 15:04:05", text[:min(len(text), len("2006-01-02 15:04:05"))])
	if off := at.Sub(w.deadline(t)) - ahead; err != nil || off.Abs() > 2*time.Second {
		t.Errorf("off by %s: %v\n%s", off, err, said)
	}
	ask(0, "Ends by itself", "status", "cluster-example", "--fail-on", "error")
	ask(0, "unless it is confirmed before", "confirm", "cluster-example", "--extend", "1m")
	w.expectDeadline(t, 60*time.Second, 91*time.Second)
	ask(0, "is LOCKED", "lockdown", "cluster-example", "--allow-pods", "role=backend", "--yes", "--confirm-within", soon, "--timeout", soon)
	w.expectDeadline(t, 15*time.Second, 31*time.Second)
	w.expectEnds(t)
	ask(1, "nothing to confirm", "confirm", "cluster-example")

	ask(0, "is LOCKED", "lockdown", "cluster-example", "--allow-pods", "role=backend", "--yes", "--confirm-within", soon, "--timeout", soon)
	ask(0, "is confirmed, and stays", "confirm", "cluster-example")
	ask(0, "", "grant", "cluster-example", "--allow-namespace", "backend", "--for", soon, "--yes")
	ask(0, "Access granted", "status", "cluster-example", "--fail-on", "error")
	took := w.grantEnds(t)
	if took > 2*time.Minute {
		t.Errorf("the grant has ended after %s", took)
	}
	if !w.exists(t, defaultDeny) {
		t.Error("confirmed, and gone")
	}
	w.unlock(t, "cluster-example")
}
