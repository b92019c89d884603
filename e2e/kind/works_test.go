//go:build e2e

package kind_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
)

// lockedClusterWorks walks through what CloudNativePG does to a cluster while it is locked.
func lockedClusterWorks(t *testing.T, w *world) {
	const cluster = "cluster-example"

	w.it(t, "replicas stream, and the operator sees every instance", func(t *testing.T) {
		w.lockdown(t, cluster, "--allow-pods", "role=backend")
		w.expectProven(t, labelledHere, theHost)
		w.expectStreaming(t, 1)
		w.expectOperatorSees(t, cluster)
	})

	w.it(t, "a Pooler serves those who may, and nobody else", func(t *testing.T) {
		w.expectAccess(t, toPooler, allInCluster, labelledHere, theHost)
	})

	w.it(t, "scaling up runs its join job, and the new replica streams and is locked", func(t *testing.T) {
		before := w.instances(t, cluster)
		w.scale(t, cluster, 3)
		for _, instance := range w.instances(t, cluster) {
			if slices.Contains(before, instance) {
				continue
			}
			events := w.kubectl(t, "get", "events", "-o", "jsonpath={.items[*].involvedObject.name}")
			if !strings.Contains(events, instance+"-join") {
				t.Errorf("there was no job %s-join", instance)
			}
			t.Logf("the job %s-join has run", instance)
		}
		w.expectStreaming(t, 2)
		w.expectPosture(t, cluster, "LOCKED")
		w.expectEveryInstanceLocked(t, cluster)
	})

	w.it(t, "a switchover recovers, and the new primary serves those who may", func(t *testing.T) {
		before := w.primary(t, cluster)
		target := w.replicaOf(t, cluster)
		t.Logf("promoting %s, the primary is %s", target, before)
		w.promote(t, cluster, target)
		w.waitPrimary(t, cluster, func(now string) bool { return now == target })
		w.waitHealthy(t, cluster, 3)
		w.expectStreaming(t, 2)
		w.expectProven(t, labelledHere, theHost)
	})

	w.it(t, "a failover recovers after the primary's pod was deleted, and the new primary serves those who may", func(t *testing.T) {
		before := w.primary(t, cluster)
		w.kubectl(t, "delete", "pod", before, "--grace-period=0", "--force")
		w.waitPrimary(t, cluster, func(now string) bool { return now != before })
		w.waitHealthy(t, cluster, 3)
		w.expectStreaming(t, 2)
		w.expectProven(t, labelledHere, theHost)
		w.expectAccess(t, toPooler, allInCluster, labelledHere, theHost)
		w.expectPosture(t, cluster, "LOCKED")
		w.expectEveryInstanceLocked(t, cluster)
	})

	w.it(t, "scaling down leaves a locked cluster", func(t *testing.T) {
		w.scale(t, cluster, 2)
		w.expectStreaming(t, 1)
		w.expectPosture(t, cluster, "LOCKED")
	})

	w.it(t, "the path of kubectl cnpg status is as status says", func(t *testing.T) {
		w.expectStatusPath(t, cluster)
	})

	w.it(t, "with --allow-kubectl-cnpg, the path of kubectl cnpg status is open, and status says so", func(t *testing.T) {
		w.lockdown(t, cluster, "--allow-pods", "role=backend", "--allow-kubectl-cnpg")
		if got := w.expectStatusPath(t, cluster); got != allowed {
			t.Errorf("want %s, got %s", allowed, got)
		}
	})
}

func (w *world) scale(t *testing.T, cluster string, instances int) {
	t.Helper()
	w.kubectl(t, "scale", "clusters.postgresql.cnpg.io", cluster, fmt.Sprintf("--replicas=%d", instances))
	w.waitHealthy(t, cluster, instances)
}

// instances are the names of a cluster's instances.
func (w *world) instances(t *testing.T, cluster string) []string {
	t.Helper()
	d, err := w.database(t.Context(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	return d.Status.InstanceNames
}

// replicaOf is an instance that is not the primary.
func (w *world) replicaOf(t *testing.T, cluster string) string {
	t.Helper()
	primary := w.primary(t, cluster)
	for _, name := range w.instances(t, cluster) {
		if name != primary {
			return name
		}
	}
	t.Fatalf("%s has no replica", cluster)
	return ""
}

// promote does what kubectl cnpg promote does: it names another primary in the Cluster's status.
func (w *world) promote(t *testing.T, cluster, instance string) {
	t.Helper()
	w.kubectl(t, "patch", "clusters.postgresql.cnpg.io", cluster, "--subresource=status", "--type=merge", "-p",
		fmt.Sprintf(`{"status":{"targetPrimary":%q,"targetPrimaryTimestamp":%q,"phase":"Switchover in progress","phaseReason":"Switching over to %s"}}`,
			instance, time.Now().UTC().Format(time.RFC3339Nano), instance))
}

func (w *world) waitPrimary(t *testing.T, cluster string, good func(string) bool) {
	t.Helper()
	took := eventually(t, func(ctx context.Context) error {
		d, err := w.database(ctx, cluster)
		if err != nil {
			return err
		}
		if now := d.Status.CurrentPrimary; !good(now) || now != d.Status.TargetPrimary {
			return fmt.Errorf("the primary is %s, and is to be %s", now, d.Status.TargetPrimary)
		}
		return nil
	})
	t.Logf("%s is the primary after %s", w.primary(t, cluster), took.Round(100*time.Millisecond))
}

// expectEveryInstanceLocked fails unless a client that may connect reaches each instance by its own
// address, and one that may not reaches none.
func (w *world) expectEveryInstanceLocked(t *testing.T, cluster string) {
	t.Helper()
	for _, p := range w.pods(t, "default", instancesOf(cluster).selector) {
		w.expectAccess(t, target{host: p.Status.PodIP, selector: "cnpg.io/instanceName=" + p.Name}, []client{labelledHere, plainHere}, labelledHere)
	}
}

// expectStatusPath reads the instances' status as kubectl cnpg status does, through the API server's
// proxy, and fails unless the data path and explain say the same of each instance, and the report's flow of
// all of them. It returns what the report says.
func (w *world) expectStatusPath(t *testing.T, cluster string) string {
	t.Helper()
	said := w.explainedEach(t, "kube-apiserver", cluster, "--port", "8000")
	ofAll := allowed
	for _, instance := range w.instances(t, cluster) {
		if said[instance] != allowed {
			ofAll = said[instance]
		}
		w.expectVerdict(t, "the API server to "+instance, said[instance],
			func() (datapath.Path, error) {
				to, err := w.podAddress(t.Context(), "default", instance)
				return datapath.Path{From: w.everyAddressOfNodes(t), To: []netip.Addr{to}, Port: 8000}, err
			},
			func(ctx context.Context, seconds int) (datapath.Attempt, error) {
				return w.readStatus(ctx, instance, seconds), nil
			})
	}
	if err := differs("required flow kubectl-cnpg", ofAll, w.status(t, cluster).flow(t, "kubectl-cnpg").Verdict); err != nil {
		t.Error(err)
	}
	t.Logf("API server to port 8000: %v", said)
	return ofAll
}

// readStatus reads an instance's status through the API server.
func (w *world) readStatus(ctx context.Context, instance string, seconds int) datapath.Attempt {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
	defer cancel()
	a := datapath.Attempt{Begun: time.Now()}
	content, err := w.kube.CoreV1().RESTClient().Get().
		AbsPath("/api/v1/namespaces/default/pods/https:" + instance + ":8000/proxy/pg/status").DoRaw(ctx)
	a.Ended, a.Answered = time.Now(), err == nil && strings.Contains(string(content), "systemID")
	if err != nil {
		a.Text = err.Error()
	}
	return a
}

// nodeAddresses are the addresses of the nodes, on one of which the API server runs.
func (w *world) nodeAddresses(t *testing.T) []netip.Addr {
	t.Helper()
	var out []netip.Addr
	for _, address := range strings.Fields(w.kubectl(t, "get", "nodes", "-o", `jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}`)) {
		parsed, err := netip.ParseAddr(address)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, parsed)
	}
	return out
}
