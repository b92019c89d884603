//go:build e2e

package kind_test

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
)

// reached is something that an instance tries to reach.
type reached struct {
	// what it is, in words, and what explain --to calls it.
	what, target string
	// port is the one that the agent sees, of the pods or nodes that are behind the name.
	path func(from client) (datapath.Path, error)
	try  func(ctx context.Context, from client, seconds int) (datapath.Attempt, error)
}

func (w *world) toAPIServer(t *testing.T) reached {
	t.Helper()
	text := script(t, "attempt-tcp.sh")
	return reached{
		what: "the API server", target: "api-server",
		path: func(instance client) (datapath.Path, error) {
			from, err := w.podAddress(t.Context(), instance.namespace, instance.pod)
			return datapath.Path{From: []netip.Addr{from}, To: w.nodeAddresses(t), Port: 6443}, err
		},
		try: func(ctx context.Context, instance client, seconds int) (datapath.Attempt, error) {
			// Whoever does not speak TLS is told so. By address: names are another matter.
			address := strings.TrimSpace(w.kubectl(t, "get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}"))
			return w.attemptIn(ctx, instance, text, address, "443", `GET / HTTP/1.0\r\n\r\n`, "HTTP/1.0 400", strconv.Itoa(seconds))
		},
	}
}

func (w *world) toName(t *testing.T) reached {
	t.Helper()
	text := script(t, "attempt-name.sh")
	return reached{
		what: "DNS", target: "dns",
		path: func(instance client) (datapath.Path, error) {
			return w.path(t.Context(), instance, "kube-system", "k8s-app=kube-dns", 53)
		},
		try: func(ctx context.Context, instance client, seconds int) (datapath.Attempt, error) {
			return w.attemptIn(ctx, instance, text, "orders-rw.default.svc", strconv.Itoa(seconds))
		},
	}
}

func (w *world) toStore(t *testing.T) reached {
	t.Helper()
	text := script(t, "attempt-tcp.sh")
	return reached{
		what: "the object store", target: "backend/service/store",
		path: func(instance client) (datapath.Path, error) {
			return w.path(t.Context(), instance, "backend", "app=store", 9000)
		},
		try: func(ctx context.Context, instance client, seconds int) (datapath.Attempt, error) {
			return w.attemptIn(ctx, instance, text, "store.backend", "80", "", "HTTP/1.0 503", strconv.Itoa(seconds))
		},
	}
}

// expectReached fails unless the data path and explain --to say the same of what each instance reaches.
func (w *world) expectReached(t *testing.T, to reached, want string) {
	t.Helper()
	var group sync.WaitGroup
	instances := w.instances(t, "cluster-example")
	for _, name := range instances {
		instance := client{what: name, namespace: "default", pod: name}
		group.Go(func() {
			w.expectVerdict(t, name+" to "+to.what, want,
				func() (datapath.Path, error) { return to.path(instance) },
				func(ctx context.Context, seconds int) (datapath.Attempt, error) {
					return to.try(ctx, instance, seconds)
				})
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	a, err := ask(t.Context(), "explain", "cluster-example", "--to", to.target)
	if err != nil {
		t.Fatal(err)
	}
	if err := differs("exit code of explain cluster-example --to "+to.target, map[string]int{allowed: 0, denied: 1}[want], a.code); err != nil {
		t.Fatalf("%v: %s%s", err, a.out, a.errors)
	}
	t.Logf("%v to %s: %s, and explain cluster-example --to %s says the same", instances, to.what, want, to.target)
}

// expectPhase fails unless CloudNativePG says this of a cluster.
func (w *world) expectPhase(t *testing.T, cluster, phase string) {
	t.Helper()
	d, err := w.database(t.Context(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	if err := differs("phase of "+cluster, phase, d.Status.Phase); err != nil {
		t.Error(err)
	}
	t.Logf("CloudNativePG: %q, %d instances ready", d.Status.Phase, d.Status.ReadyInstances)
}

// tellArchiving logs what CloudNativePG says about the archive of a cluster's log. The images of this suite
// have no tools for object stores, so that it never works: that it is reached is what the tests prove.
func (w *world) tellArchiving(t *testing.T, cluster string) {
	t.Helper()
	t.Logf("CloudNativePG: ContinuousArchiving %s", w.kubectl(t, "get", "clusters.postgresql.cnpg.io", cluster,
		"-o", `jsonpath={range .status.conditions[?(@.type=="ContinuousArchiving")]}{.status}: {.message}{end}`))
}

// inDatabase runs a statement in the applications' database of an instance, as the superuser.
func (w *world) inDatabase(t *testing.T, instance, statement string) string {
	t.Helper()
	r := w.exec(t.Context(), "default", instance, "psql", "-U", "postgres", "-d", "app", "-Atqc", statement)
	if r.err != nil {
		t.Fatalf("psql in %s: %v: %s", instance, r.err, r.errors)
	}
	return r.out
}

// expectImportDenied waits until since a time a policy has denied what the import job of a cluster sends to
// cluster-example.
func (w *world) expectImportDenied(t *testing.T, cluster string, begun time.Time) {
	t.Helper()
	to := w.addresses(t, "default", instancesOf("cluster-example").selector)
	eventually(t, func(ctx context.Context) error {
		from, err := w.addressesOf(ctx, "default", "cnpg.io/jobRole,cnpg.io/cluster="+cluster)
		if err != nil {
			return err
		}
		if datapath.Denials(datapath.Path{From: from, To: to, Port: postgres}, begun, time.Now(), w.drops.since(begun)) == 0 {
			return fmt.Errorf("no packet of the import was denied, from %v", from)
		}
		return nil
	})
	t.Log("Cilium's agent denies packets of the import")
}

// webhookAnswers is an error when nobody can change a Cluster.
func (w *world) webhookAnswers(ctx context.Context, cluster string) error {
	_, err := w.lab.Kubectl(ctx, nil, "annotate", "clusters.postgresql.cnpg.io", cluster, "cnpg-netpol-e2e/webhook=asked", "--overwrite", "--dry-run=server")
	return err
}
