//go:build e2e

package kind_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// The verdicts, of the data path as of the plugin.
const (
	allowed = "allowed"
	denied  = "denied"
)

// client is one class of client.
type client struct {
	// what it is, in words.
	what string
	// namespace and pod say where psql runs; empty for the client outside the cluster.
	namespace, pod string
	// source is what explain calls it.
	source string
}

// The classes of clients that the policies of the document tell apart.
var (
	labelledHere  = client{"same namespace, role=backend", "default", "labelled", "default/pod/labelled"}
	plainHere     = client{"same namespace, no label", "default", "plain", "default/pod/plain"}
	labelledThere = client{"other namespace, role=backend", "other", "labelled", "other/pod/labelled"}
	plainThere    = client{"other namespace, no label", "other", "plain", "other/pod/plain"}
	inBackend     = client{"namespace backend, no label", "backend", "plain", "backend/pod/plain"}
	theHost       = client{"host", "other", "host", "host"}
	outside       = client{"outside, through a NodePort", "", "", "world"}

	everybody    = []client{labelledHere, plainHere, labelledThere, plainThere, inBackend, theHost, outside}
	allInCluster = []client{labelledHere, plainHere, labelledThere, plainThere, inBackend, theHost}
)

// Where clients connect to: services of the namespace default.
const (
	toPrimary = "cluster-example-rw.default"
	toPooler  = "pooler-example.default"
	toOrders  = "orders-rw.default"
)

// connect connects as an application does, runs a query, and says whether the data path let it. It
// is denied only when nothing answers; any other failure is an error of the test.
func (w *world) connect(ctx context.Context, c client, host string) (string, error) {
	if c.pod == "" {
		return w.connectFromOutside(ctx)
	}
	r := w.exec(ctx, c.namespace, c.pod, "psql", "-h", host, "-Atqc", "select 'hello'")
	switch {
	case r.err == nil && r.out == "hello":
		return allowed, nil
	case strings.Contains(r.errors, "timeout expired"), strings.Contains(r.errors, "timed out"):
		return denied, nil
	}
	return "", fmt.Errorf("psql -h %s in %s/%s: %w: %s %s", host, c.namespace, c.pod, r.err, r.out, r.errors)
}

// connectFromOutside connects from where the tests run, which is outside of the Kubernetes cluster.
func (w *world) connectFromOutside(ctx context.Context) (string, error) {
	limited, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	err := hello(limited, "postgres://app:app@"+w.outside+"/app?sslmode=disable")
	switch {
	case err == nil:
		return allowed, nil
	case limited.Err() != nil && ctx.Err() == nil:
		return denied, nil
	}
	return "", fmt.Errorf("connection to %s: %w", w.outside, err)
}

func hello(ctx context.Context, address string) error {
	connection, err := pgconn.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }() // the answer counts
	_, err = connection.Exec(ctx, "select 'hello'").ReadAll()
	return err
}

// expectAccess fails unless, within seconds, exactly these clients can connect.
func (w *world) expectAccess(t *testing.T, host string, of []client, want ...client) {
	t.Helper()
	var mutex sync.Mutex
	var group sync.WaitGroup
	seen := map[string]string{}
	limit, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, c := range of {
		expected := denied
		if slices.Contains(want, c) {
			expected = allowed
		}
		group.Go(func() {
			// The agent needs a moment for a policy; what holds at the end counts.
			verdict, err := w.connect(limit, c, host)
			for limit.Err() == nil && (err != nil || verdict != expected) {
				time.Sleep(300 * time.Millisecond)
				verdict, err = w.connect(limit, c, host)
			}
			mutex.Lock()
			defer mutex.Unlock()
			seen[c.what] = verdict
			if verdict != expected {
				t.Errorf("%s to %s: want %s, got %s %v", c.what, host, expected, verdict, err)
			}
		})
	}
	group.Wait()
	t.Logf("psql to %s: %s", host, summary(seen))
}

// summary is who gets in and who does not.
func summary(verdicts map[string]string) string {
	lists := map[string][]string{}
	for _, what := range slices.Sorted(maps.Keys(verdicts)) {
		lists[verdicts[what]] = append(lists[verdicts[what]], what)
	}
	return fmt.Sprintf("allowed [%s], denied [%s]", strings.Join(lists[allowed], "; "), strings.Join(lists[denied], "; "))
}

// expectExplained fails unless explain says that exactly these clients can connect.
func (w *world) expectExplained(t *testing.T, cluster string, of []client, want ...client) {
	t.Helper()
	begun := time.Now()
	var failures []error
	for _, c := range of {
		expected := denied
		if slices.Contains(want, c) {
			expected = allowed
		}
		verdict, err := explain(t.Context(), c.source, cluster)
		failures = append(failures, err)
		if err == nil {
			failures = append(failures, differs("explain "+c.source+" "+cluster, expected, verdict))
		}
	}
	if err := errors.Join(failures...); err != nil {
		t.Error(err)
		return
	}
	t.Logf("explain says the same of each (%s)", time.Since(begun).Round(100*time.Millisecond))
}

// expectProven is expectAccess and expectExplained: the data path is the proof of the verdict.
func (w *world) expectProven(t *testing.T, want ...client) {
	t.Helper()
	w.expectAccess(t, toPrimary, everybody, want...)
	w.expectExplained(t, "cluster-example", everybody, want...)
}
