//go:build e2e

package kind_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/lab"
)

// operatorLocked locks down the operator, which goes on looking after its databases.
func operatorLocked(t *testing.T, w *world) {
	const (
		cluster  = "cluster-example"
		operator = "app.kubernetes.io/name=cloudnative-pg"
	)
	flags := []string{"lockdown", "--operator", "--egress", "--allow-metrics", "other", "--yes"}
	// The webhook speaks TLS, and says so to who does not.
	expectWebhook := func(t *testing.T, c client, want string) {
		t.Helper()
		w.expectTCP(t, c, lab.OperatorNamespace, operator, 9443, `GET / HTTP/1.0\r\n\r\n`, "HTTP/1.0 400", want)
	}
	expectMetrics := func(t *testing.T, c client, want string) {
		t.Helper()
		w.expectTCP(t, c, lab.OperatorNamespace, operator, 8080, `GET /metrics HTTP/1.0\r\n\r\n`, "200 OK", want)
	}
	works := func(t *testing.T) {
		t.Helper()
		eventually(t, func(ctx context.Context) error { return w.webhookAnswers(ctx, cluster) })
		w.expectOperatorSees(t, cluster)
		w.expectPosture(t, cluster, "LOCKED")
	}

	w.it(t, "before, everybody reaches the operator's webhook and metrics", func(t *testing.T) {
		w.lockdown(t, cluster, "--allow-pods", "role=backend", "--egress")
		for _, c := range []client{plainHere, plainThere} {
			expectWebhook(t, c, allowed)
			expectMetrics(t, c, allowed)
		}
	})

	w.it(t, "lockdown --operator --egress: nobody but the API server and who may scrape reaches it, and it looks after its databases", func(t *testing.T) {
		w.plugin(t, flags...)
		expectWebhook(t, plainHere, denied)
		expectWebhook(t, plainThere, denied)
		expectMetrics(t, plainHere, denied)
		expectMetrics(t, plainThere, allowed)
		works(t)
		w.scale(t, cluster, 3)
		w.expectStreaming(t, 2)
		w.scale(t, cluster, 2)
		w.expectStreaming(t, 1)
	})

	w.it(t, "the operator starts anew under its set", func(t *testing.T) {
		w.kubectl(t, "-n", lab.OperatorNamespace, "delete", "pod", "-l", operator)
		w.kubectl(t, "-n", lab.OperatorNamespace, "rollout", "status", "deployment", "--timeout=10m")
		works(t)
	})

	w.it(t, "without the way to the API server, the webhook goes; status says so, and lockdown --operator puts it back", func(t *testing.T) {
		begun := time.Now()
		w.kubectl(t, "-n", lab.OperatorNamespace, "delete", "cnp", "cnpg-operator-egress-api-server")
		r := w.expectPosture(t, cluster, "BROKEN", "WEBHOOK_BLOCKED")
		w.expectDenied(t, "the operator to the API server", datapath.Path{
			From: w.addresses(t, lab.OperatorNamespace, operator), To: w.nodeAddresses(t), Port: 6443,
		}, begun)
		eventually(t, func(ctx context.Context) error {
			if err := w.webhookAnswers(ctx, cluster); err == nil {
				return errors.New("the webhook still answers")
			}
			return nil
		})
		w.repair(t, r, "WEBHOOK_BLOCKED")
		works(t)
	})

	w.it(t, "without the way to the databases, the operator sees none; status says so, and lockdown --operator puts it back", func(t *testing.T) {
		w.kubectl(t, "-n", lab.OperatorNamespace, "delete", "cnp", "cnpg-operator-egress-databases")
		w.expectPosture(t, cluster, "BROKEN", "OPERATOR_BLOCKED")
		w.expectOperatorBlind(t, cluster)
		w.plugin(t, flags...)
		works(t)
	})

	w.it(t, "unlock --operator opens it, and leaves no policy of it behind", func(t *testing.T) {
		w.plugin(t, "unlock", "--operator", "--yes")
		expectWebhook(t, plainHere, allowed)
		expectMetrics(t, plainHere, allowed)
		if left := w.kubectl(t, "-n", lab.OperatorNamespace, "get", "cnp", "-o", "name"); left != "" {
			t.Errorf("policies are left: %s", left)
		}
		works(t)
	})
}
