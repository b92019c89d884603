//go:build e2e

package kind_test

import (
	"strings"
	"testing"
	"time"
)

// continuity watches the data path through the changes that lockdown and unlock make.
func continuity(t *testing.T, w *world) {
	const cluster = "cluster-example"

	w.it(t, "through lockdown, lockdown with other flags and scopes, and unlock, no packet of those who may is denied, and the others are blocked and stay blocked", func(t *testing.T) {
		w.expectStreaming(t, 1)
		begun := time.Now()
		senders := w.senders(t)
		probes := w.probeAllowed(t, cluster)
		blocked := w.probeConnections(t, plainHere, toPrimary)

		var locked time.Time
		for i, step := range []string{
			"lockdown cluster-example --allow-pods role=backend",
			"lockdown cluster-example --allow-pods-any-namespace role=backend",
			"lockdown cluster-example orders --allow-pods role=backend --scope namespace",
			"lockdown cluster-example orders --allow-pods role=backend --allow-namespace backend",
		} {
			w.plugin(t, strings.Fields(step+" --yes")...)
			if i == 0 {
				locked = time.Now()
				w.expectBlocked(t, blocked, locked)
			}
			w.expectProgress(t, probes...)
		}
		unlocking := time.Now()
		w.plugin(t, "unlock", "cluster-example", "orders", "--yes")
		w.expectProgress(t, append(probes, blocked)...)

		w.expectStaysBlocked(t, blocked, locked, unlocking)
		for _, p := range probes {
			w.expectNeverDenied(t, p)
		}
		w.expectNoneLost(t, begun, senders)
		w.expectAccess(t, toPrimary, everybody, everybody...)
	})
}

// probeAllowed starts the probes of those who may connect whenever the namespace's role=backend may.
func (w *world) probeAllowed(t *testing.T, cluster string) []*probe {
	t.Helper()
	return []*probe{
		w.probeReplication(t, cluster, 1),
		w.probeConnections(t, labelledHere, toPrimary),
		w.probeSession(t, labelledHere, toPooler),
		w.probeSession(t, labelledHere, toPrimary),
	}
}
