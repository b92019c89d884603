//go:build e2e

package kind_test

import (
	"context"
	"slices"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/lab"
)

// nothingEnforced switches Cilium's enforcement off, in the two ways that there are.
func nothingEnforced(t *testing.T, w *world) {
	w.it(t, "with enforcement, the cluster is locked", func(t *testing.T) {
		w.lockdown(t, "cluster-example", "--allow-pods", "role=backend")
		w.expectProven(t, labelledHere, theHost)
		w.expectPosture(t, "cluster-example", "LOCKED")
	})

	for _, c := range []struct{ sentence, on, off string }{
		{"an agent in audit mode lets everybody in; status says that nothing is enforced",
			`{"data":{"policy-audit-mode":"true"}}`, `{"data":{"policy-audit-mode":"false"}}`},
		{"an agent with enable-policy: never lets everybody in; status says that nothing is enforced",
			`{"data":{"enable-policy":"never"}}`, `{"data":{"enable-policy":"default"}}`},
	} {
		w.it(t, c.sentence, func(t *testing.T) {
			w.configureCilium(t, c.on)
			t.Cleanup(func() { w.configureCilium(t, c.off) })
			w.expectProven(t, everybody...)
			r := w.status(t, "cluster-example")
			if !slices.ContainsFunc(r.Findings, func(f finding) bool { return f.Code == "ENFORCEMENT_DISABLED" && f.Severity == "error" }) {
				t.Errorf("no error ENFORCEMENT_DISABLED in %+v", r.Findings)
			}
			if r.Posture == "LOCKED" || r.Posture == "PARTIAL" {
				t.Errorf("posture: %s", r.Posture)
			}
		})
	}

	w.it(t, "with enforcement again, the same policies lock the cluster", func(t *testing.T) {
		w.expectProven(t, labelledHere, theHost)
		w.expectPosture(t, "cluster-example", "LOCKED")
		w.unlock(t, "cluster-example")
	})
}

// configureCilium changes the agent's settings and restarts it, as they ask for.
func (w *world) configureCilium(t *testing.T, patch string) {
	t.Helper()
	for _, arguments := range [][]string{
		{"patch", "configmap/cilium-config", "--type=merge", "-p", patch},
		{"rollout", "restart", "daemonset/cilium"},
		{"rollout", "status", "daemonset/cilium", "--timeout=10m"},
	} {
		// Not with the test's context, which is over when the settings are put back.
		if _, err := w.lab.Kubectl(context.WithoutCancel(t.Context()), nil, append([]string{"-n", lab.CiliumNamespace}, arguments...)...); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("cilium-config: %s", patch)
}
