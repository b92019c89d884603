//go:build e2e

package kind_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"
)

// watching follows status --watch while the test runs.
type watching struct {
	// postures are by cluster, one map for each report.
	postures chan map[string]string
}

// watch runs status --watch until the test ends.
func (w *world) watch(t *testing.T) watching {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := command(ctx, "", "status", "--watch", "-o", "json")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := watching{make(chan map[string]string, 1000)}
	go func() {
		defer close(seen.postures)
		for documents := json.NewDecoder(out); ; {
			var list reportList
			if documents.Decode(&list) != nil {
				return // It has ended.
			}
			now := map[string]string{}
			for _, r := range list.Items {
				now[r.Metadata.Name] = r.Posture
			}
			seen.postures <- now
		}
	}()
	t.Cleanup(func() {
		cancel()
		for range seen.postures {
			continue
		}
		_ = cmd.Wait() // It was interrupted.
	})
	return seen
}

// expect waits until the cluster is shown with the posture.
func (s watching) expect(t *testing.T, cluster, posture string) {
	t.Helper()
	begun := time.Now()
	limit := time.After(patience)
	for {
		select {
		case now, ok := <-s.postures:
			if !ok {
				t.Fatal("status --watch has ended")
			}
			if now[cluster] == posture {
				t.Logf("status --watch shows %s %s after %s", cluster, posture, time.Since(begun).Round(10*time.Millisecond))
				return
			}
		case <-limit:
			t.Fatalf("status --watch does not show that %s is %s", cluster, posture)
		}
	}
}
