//go:build e2e

package kind_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// gateManifest is the CronJob of the documents.
const gateManifest = "../../plugin/docs/gate.yaml"

// gateImage is what the manifest names, and "make image" builds.
const gateImage = "cnpg-netpol:dev"

// gate runs the plugin as a job inside of the cluster, with the role that it prints.
func gate(t *testing.T, w *world) {
	if err := w.lab.Load(t.Context(), gateImage); err != nil {
		t.Fatalf("%v: make image builds it", err)
	}
	role, err := ask(t.Context(), "rbac", "view")
	if err != nil || role.code != 0 {
		t.Fatalf("rbac view: %v, %s", err, role.errors)
	}
	w.apply(t, role.out)
	w.kubectl(t, "apply", "-f", filepath.FromSlash(gateManifest))
	t.Cleanup(func() {
		for _, arguments := range [][]string{{"delete", "-f", gateManifest}, {"delete", "clusterrole", "cnpg-netpol-view"}} {
			if _, err := w.lab.Kubectl(context.WithoutCancel(t.Context()), nil, arguments...); err != nil {
				t.Error(err)
			}
		}
	})

	w.it(t, "a job inside of the cluster fails while a database is open, and its log says which", func(t *testing.T) {
		log := w.runGate(t, "open", "Failed")
		for _, want := range []string{"cluster-example", "OPEN", "NO_DEFAULT_DENY"} {
			if !strings.Contains(log, want) {
				t.Errorf("the log does not have %q:\n%s", want, log)
			}
		}
	})

	w.it(t, "it succeeds when all databases are locked", func(t *testing.T) {
		w.lockdown(t, "cluster-example", "--allow-pods", "role=backend")
		w.lockdown(t, "orders")
		log := w.runGate(t, "locked", "Complete")
		if strings.Count(log, "LOCKED") < 2 || strings.Contains(log, "EVIDENCE_MISSING") {
			t.Errorf("the log is\n%s", log)
		}
	})
}

// runGate starts the job at once, waits until it has ended as expected, and returns its log.
func (w *world) runGate(t *testing.T, name, condition string) string {
	t.Helper()
	w.kubectl(t, "-n", "cnpg-netpol", "create", "job", "--from=cronjob/gate", name)
	eventually(t, func(ctx context.Context) error {
		out, err := w.lab.Kubectl(ctx, nil, "-n", "cnpg-netpol", "get", "job", name,
			"-o", `jsonpath={.status.conditions[?(@.status=="True")].type}`)
		if err != nil {
			return err
		}
		if !strings.Contains(string(out), condition) {
			return fmt.Errorf("the job's conditions are %q, want %s", out, condition)
		}
		return nil
	})
	log := w.kubectl(t, "-n", "cnpg-netpol", "logs", "job/"+name)
	t.Logf("the job %s is %s:\n%s", name, condition, log)
	return log
}
