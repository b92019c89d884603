//go:build e2e

package kind_test

import (
	"strings"
	"testing"
	"time"
)

// continuity watches the data path every 100 ms through the changes that lockdown and unlock make.
func continuity(t *testing.T, w *world) {
	const cluster = "cluster-example"

	w.it(t, "through lockdown, lockdown with other flags and scopes, and unlock, those who may never fail and lose no packet, and the others are blocked within 5 s", func(t *testing.T) {
		w.expectStreaming(t, 1, time.Minute)
		drops := w.watchDrops(t)
		probes := w.probeAllowed(t, cluster)
		blocked := w.probeConnections(t, plainHere, toPrimary, 2)

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
				// Time to see who still gets in.
				time.Sleep(6 * time.Second)
			}
			time.Sleep(2 * time.Second)
		}
		unlocking := time.Now()
		w.plugin(t, "unlock", "cluster-example", "orders", "--yes")
		time.Sleep(3 * time.Second)

		blocked.stop()
		blocked.expectBlocked(t, locked, unlocking)
		for _, p := range probes {
			p.expectNoFailure(t)
		}
		drops.expectNone(t)
		w.expectAccess(t, toPrimary, everybody, everybody...)
	})
}

// probeAllowed starts the probes of those who may connect whenever the namespace's role=backend may.
func (w *world) probeAllowed(t *testing.T, cluster string) []*probe {
	t.Helper()
	return []*probe{
		w.probeReplication(t, cluster, 1),
		w.probeConnections(t, labelledHere, toPrimary, 5),
		w.probeSession(t, labelledHere, toPooler),
		w.probeSession(t, labelledHere, toPrimary),
	}
}
