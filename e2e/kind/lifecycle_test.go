//go:build e2e

package kind_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/lab"
)

// twoClusters locks and unlocks the two clusters of the namespace independently.
func twoClusters(t *testing.T, w *world) {
	here := []client{labelledHere, plainHere, labelledThere, inBackend, theHost}

	w.it(t, "status --watch follows a lockdown and an unlock", func(t *testing.T) {
		seen := w.watch(t)
		seen.expect(t, "orders", "OPEN")
		w.lockdown(t, "orders")
		seen.expect(t, "orders", "LOCKED")
		w.unlock(t, "orders")
		seen.expect(t, "orders", "OPEN")
	})

	w.it(t, "each cluster has clients of its own", func(t *testing.T) {
		w.lockdown(t, "cluster-example", "--allow-pods", "role=backend")
		w.lockdown(t, "orders", "--allow-namespace", "backend")
		w.expectAccess(t, toPrimary, here, labelledHere, theHost)
		w.expectAccess(t, toOrders, here, inBackend, theHost)
		w.expectExplained(t, "orders", here, inBackend, theHost)
		w.expectPosture(t, "cluster-example", "LOCKED")
		w.expectPosture(t, "orders", "LOCKED")
	})

	w.it(t, "unlocking one leaves the other locked", func(t *testing.T) {
		w.unlock(t, "cluster-example")
		w.expectAccess(t, toPrimary, here, here...)
		w.expectAccess(t, toOrders, here, inBackend, theHost)
		w.expectPosture(t, "orders", "LOCKED")
	})

	w.it(t, "with --scope namespace, they share the policy default-deny", func(t *testing.T) {
		w.plugin(t, "lockdown", "cluster-example", "orders", "--allow-pods", "role=backend", "--scope", "namespace", "--yes")
		w.lockdown(t, "orders", "--allow-namespace", "backend", "--scope", "namespace")
		w.expectAccess(t, toPrimary, here, labelledHere, theHost)
		w.expectAccess(t, toOrders, here, inBackend, theHost)
		w.expectOperatorSees(t, "cluster-example")
		w.expectOperatorSees(t, "orders")
		w.expectStreaming(t, 1)
	})

	w.it(t, "default-deny goes with the last cluster that needs it", func(t *testing.T) {
		w.unlock(t, "orders")
		w.kubectl(t, "get", "cnp", "default-deny")
		w.expectAccess(t, toPrimary, here, labelledHere, theHost)
		w.unlock(t, "cluster-example")
		if left := w.kubectl(t, "get", "cnp", "-A", "-o", "name"); left != "" {
			t.Errorf("policies are left: %s", left)
		}
		w.expectAccess(t, toPrimary, here, here...)
		w.expectAccess(t, toOrders, here, here...)
	})
}

// comingAndGoing deletes the cluster orders, makes it anew, and deletes it again.
func comingAndGoing(t *testing.T, w *world) {
	here := []client{labelledHere, plainHere, inBackend}

	w.it(t, "the policies of a deleted cluster stay, and status calls them orphaned", func(t *testing.T) {
		w.lockdown(t, "orders", "--allow-pods", "role=backend")
		w.deleteDatabase(t, "orders")
		var codes []string
		for _, f := range w.statusAll(t).Findings {
			codes = append(codes, f.Code)
		}
		if !slices.Contains(codes, "ORPHANED_POLICY") {
			t.Errorf("findings of the namespace: %v", codes)
		}
	})

	w.it(t, "a cluster that is created again is created under lockdown, and is locked", func(t *testing.T) {
		w.applyFile(t, "databases.yaml")
		w.waitHealthy(t, "orders", 1)
		w.expectAccess(t, toOrders, here, labelledHere)
		w.expectExplained(t, "orders", here, labelledHere)
		w.expectPosture(t, "orders", "LOCKED")
		w.expectOperatorSees(t, "orders")
	})

	w.it(t, "unlock removes the policies of a cluster that is gone", func(t *testing.T) {
		w.deleteDatabase(t, "orders")
		w.unlock(t, "orders")
		if left := w.kubectl(t, "get", "cnp", "-A", "-o", "name"); left != "" {
			t.Errorf("policies are left: %s", left)
		}
	})
}

func (w *world) deleteDatabase(t *testing.T, name string) {
	t.Helper()
	w.kubectl(t, "delete", "clusters.postgresql.cnpg.io", name, "--timeout=10m")
	eventually(t, func(ctx context.Context) error {
		out, err := w.lab.Kubectl(ctx, nil, "get", "pods,persistentvolumeclaims", "-l", "cnpg.io/cluster="+name, "-o", "name")
		if err != nil {
			return err
		}
		return differs("what is left of "+name, "", strings.TrimSpace(string(out)))
	})
}

// operatorElsewhere moves the operator to another namespace, as Helm and OLM may install it.
func operatorElsewhere(t *testing.T, w *world) {
	const elsewhere = "postgres-operators"
	defer func() {
		w.removePolicies(t)
		w.moveOperator(t, elsewhere, lab.OperatorNamespace)
		w.waitHealthy(t, "cluster-example", 2)
	}()

	w.it(t, "when the operator moves, a locked cluster is BROKEN: the old policies let the old namespace in", func(t *testing.T) {
		w.lockdown(t, "cluster-example", "--allow-pods", "role=backend")
		w.moveOperator(t, lab.OperatorNamespace, elsewhere)
		w.expectOperatorBlind(t, "cluster-example")
		r := w.status(t, "cluster-example")
		if err := differs("posture", "BROKEN", r.Posture); err != nil {
			t.Error(err)
		}
		if err := differs("required flow operator", denied, r.flow(t, "operator").Verdict); err != nil {
			t.Error(err)
		}
		var codes []string
		for _, f := range r.Findings {
			codes = append(codes, f.Code)
		}
		if !slices.Contains(codes, "WRONG_OPERATOR_NAMESPACE") {
			t.Errorf("findings: %v", codes)
		}
	})

	w.it(t, "lockdown finds the operator where it is and lets it in", func(t *testing.T) {
		w.lockdown(t, "cluster-example", "--allow-pods", "role=backend")
		r := w.expectPosture(t, "cluster-example", "LOCKED")
		r.expectFlow(t, "operator", allowed, "cluster-example-internal-access")
		w.waitHealthy(t, "cluster-example", 2)
		w.expectOperatorSees(t, "cluster-example")
		w.expectStreaming(t, 1)
		w.expectProven(t, labelledHere, theHost)
	})

	w.it(t, "a set for an operator that is somewhere else is refused", func(t *testing.T) {
		before := w.policies(t)
		a, err := ask(t.Context(), "lockdown", "cluster-example", "--allow-pods", "role=backend",
			"--operator-namespace", lab.OperatorNamespace, "--yes")
		if err != nil {
			t.Fatal(err)
		}
		if a.code != 1 {
			t.Errorf("exit code %d\n%s%s", a.code, a.out, a.errors)
		}
		t.Logf("exit code %d: %s", a.code, strings.TrimSpace(a.errors))
		if after := w.policies(t); after != before {
			t.Errorf("something was changed:\n%s", after)
		}
	})
}

// moveOperator uninstalls the operator and installs it in another namespace.
func (w *world) moveOperator(t *testing.T, from, to string) {
	t.Helper()
	if err := w.lab.UninstallCNPG(t.Context(), from); err != nil {
		t.Fatal(err)
	}
	if err := w.lab.InstallCNPG(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	t.Logf("the operator is in the namespace %s", to)
}
