//go:build e2e

package kind_test

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// egressLocked lets a database reach what its spec says that it needs, and nothing else.
func egressLocked(t *testing.T, w *world) {
	const cluster = "cluster-example"
	allow := []string{"--allow-pods", "role=backend", "--egress"}
	w.applyFile(t, "store.yaml")
	w.kubectl(t, "-n", "backend", "wait", "--for=condition=Ready", "pod/store", "--timeout=10m")
	outside := w.listenOutside(t)

	w.it(t, "before, a superuser of PostgreSQL sends what it likes to the outside", func(t *testing.T) {
		w.expectReached(t, w.toOutside(t, outside), allowed)
		outside.expectCopied(t, w, "before")
	})

	w.it(t, "lockdown --egress: the API server and DNS are reached, and neither the outside nor another pod; a COPY TO PROGRAM is blocked", func(t *testing.T) {
		w.lockdown(t, cluster, allow...)
		w.expectPosture(t, cluster, "LOCKED")
		w.expectReached(t, w.toAPIServer(t), allowed)
		w.expectReached(t, w.toName(t), allowed)
		w.expectReached(t, w.toStore(t), denied)
		w.expectReached(t, w.toOutside(t, outside), denied)
		outside.expectNotCopied(t, w, "locked")
		w.expectProven(t, labelledHere, theHost)
		w.expectAccess(t, toPooler, allInCluster, labelledHere, theHost)
	})

	w.it(t, "a join under the set that was made before: scaling up, a switchover, a failover and scaling down work", func(t *testing.T) {
		w.scale(t, cluster, 3)
		w.expectStreaming(t, 2)
		target := w.replicaOf(t, cluster)
		w.promote(t, cluster, target)
		w.waitPrimary(t, cluster, func(now string) bool { return now == target })
		w.waitHealthy(t, cluster, 3)
		w.expectStreaming(t, 2)
		before := w.primary(t, cluster)
		w.kubectl(t, "delete", "pod", before, "--grace-period=0", "--force")
		w.waitPrimary(t, cluster, func(now string) bool { return now != before })
		w.waitHealthy(t, cluster, 3)
		w.expectStreaming(t, 2)
		w.expectOperatorSees(t, cluster)
		w.expectAccess(t, toPooler, allInCluster, labelledHere, theHost)
		w.expectPosture(t, cluster, "LOCKED")
		w.scale(t, cluster, 2)
		w.expectStreaming(t, 1)
	})

	w.it(t, "scaled up and down as if by the clock: no packet of the database, its pooler or the operator is denied", func(t *testing.T) {
		begun := time.Now()
		senders, there := w.senders(t), w.everyAddress(t)
		for _, instances := range []int{3, 2, 3, 2} {
			w.scale(t, cluster, instances)
			w.expectStreaming(t, instances-1)
			maps.Copy(senders, w.senders(t))
			there = append(there, w.everyAddress(t)...)
		}
		var lost []string
		for _, drop := range w.drops.since(begun) {
			// The failover before has left an address that nobody has, and that PostgreSQL still tries: the world to Cilium.
			if what, ok := senders[drop.From.Addr()]; ok && slices.Contains(there, drop.To.Addr()) {
				lost = append(lost, what+": "+drop.Line)
			}
		}
		if len(lost) > 0 {
			t.Errorf("%d packets were denied:\n%s", len(lost), strings.Join(lost, "\n"))
		}
		w.expectReached(t, w.toOutside(t, outside), denied) // The agent's reports are seen.
		w.expectNoneLost(t, begun, nil)
		w.expectPosture(t, cluster, "LOCKED")
	})

	w.it(t, "a backup to an object store is added: the set lacks it, status says so and how to mend it, and then the store is reached", func(t *testing.T) {
		w.kubectl(t, "patch", "clusters.postgresql.cnpg.io", cluster, "--type=merge", "-p", `{"spec":{"backup":{"barmanObjectStore":{
			"destinationPath":"s3://backups/","endpointURL":"http://store.backend:80",
			"s3Credentials":{"accessKeyId":{"name":"store","key":"id"},"secretAccessKey":{"name":"store","key":"key"}}}}}}`)
		t.Cleanup(func() {
			_, err := w.lab.Kubectl(context.WithoutCancel(t.Context()), nil, "patch", "clusters.postgresql.cnpg.io", cluster, "--type=merge", "-p", `{"spec":{"backup":null}}`)
			if err != nil {
				t.Error(err)
			}
		})
		r := w.expectPosture(t, cluster, "BROKEN", "OBJECT_STORE_BLOCKED", "SET_INCOMPLETE")
		w.expectReached(t, w.toStore(t), denied)
		w.repair(t, r, "SET_INCOMPLETE")
		w.expectReached(t, w.toStore(t), allowed)
		w.expectPosture(t, cluster, "LOCKED")
		w.tellArchiving(t, cluster)

		w.kubectl(t, "delete", "cnp", w.egressTo(t, cluster, "object-store"))
		r = w.expectPosture(t, cluster, "BROKEN", "OBJECT_STORE_BLOCKED", "SET_INCOMPLETE")
		w.expectReached(t, w.toStore(t), denied)
		w.repair(t, r, "OBJECT_STORE_BLOCKED")
		w.expectReached(t, w.toStore(t), allowed)
	})

	w.it(t, "without the store in the spec, lockdown takes its allow away again", func(t *testing.T) {
		w.lockdown(t, cluster, allow...)
		w.expectPosture(t, cluster, "LOCKED")
		w.expectReached(t, w.toStore(t), denied)
	})

	w.it(t, "each allow that is taken away breaks what status says, and is put back", func(t *testing.T) {
		for _, c := range []struct {
			purpose, code string
			broken, whole func()
		}{
			{"api-server", "API_SERVER_BLOCKED", func() { w.expectReached(t, w.toAPIServer(t), denied) }, func() { w.expectReached(t, w.toAPIServer(t), allowed) }},
			{"dns", "DNS_BLOCKED", func() { w.expectReached(t, w.toName(t), denied) }, func() { w.expectReached(t, w.toName(t), allowed) }},
			{"peers", "REPLICATION_BLOCKED", func() { w.expectNoStreaming(t) }, func() { w.expectStreaming(t, 1) }},
		} {
			w.kubectl(t, "delete", "cnp", w.egressTo(t, cluster, c.purpose))
			r := w.status(t, cluster)
			if err := differs("posture without the allow for "+c.purpose, "BROKEN", r.Posture); err != nil {
				t.Error(err)
			}
			c.broken()
			w.repair(t, r, c.code)
			c.whole()
			w.waitHealthy(t, cluster, 2)
			w.expectPosture(t, cluster, "LOCKED")
		}
	})

	w.it(t, "a rehearsal of egress denies nothing, and ends in a lockdown; one that is not confirmed ends by itself", func(t *testing.T) {
		w.unlock(t, cluster)
		w.lockdown(t, cluster, append(allow, "--rehearse")...)
		w.expectReached(t, w.toOutside(t, outside), allowed)
		w.unlock(t, cluster)
		w.lockdown(t, cluster, append(allow, "--confirm-within", soon)...)
		w.expectReached(t, w.toOutside(t, outside), denied)
		eventually(t, func(ctx context.Context) error {
			out, err := w.lab.Kubectl(ctx, nil, "get", "cnp", "-o", "name")
			if err == nil && strings.Contains(string(out), "default-deny") {
				err = errors.New("a default deny is still there: " + string(out))
			}
			return err
		})
		w.expectReached(t, w.toOutside(t, outside), allowed)
	})

	w.it(t, "an import and a replica cluster run under sets that were made before them", func(t *testing.T) {
		w.lockdown(t, cluster, allow...)
		w.inDatabase(t, w.primary(t, cluster), "create table if not exists brought (what text); truncate brought; insert into brought values ('over'); grant all on brought to app")
		for _, name := range []string{"imported", "follower"} {
			w.lockedBefore(t, name)
			w.applyFile(t, name+".yaml")
			t.Cleanup(func() {
				_, err := w.lab.Kubectl(context.WithoutCancel(t.Context()), nil, "delete", "clusters.postgresql.cnpg.io", name, "--wait")
				if err != nil {
					t.Error(err)
				}
			})
			// It is the other database that lets nobody in whom nobody has named.
			r := w.expectPosture(t, cluster, "BROKEN", "DEPENDANT_BLOCKED")
			w.repair(t, r, "DEPENDANT_BLOCKED")
			w.waitHealthy(t, name, 1)
			// From manifests without the operator, its rule has to let in its whole namespace.
			w.expectPosture(t, name, "LOCKED", "MORE_THAN_THE_OPERATOR")
			w.expectPosture(t, cluster, "LOCKED")
		}
		if got := w.inDatabase(t, "imported-1", "select what from brought"); got != "over" {
			t.Errorf("the import brought %q", got)
		}
		w.inDatabase(t, w.primary(t, cluster), "insert into brought values ('later')")
		eventually(t, func(ctx context.Context) error {
			r := w.exec(ctx, "default", "follower-1", "psql", "-U", "postgres", "-d", "app", "-Atqc", "select count(*) from brought where what = 'later'")
			return errors.Join(r.err, differs("rows that follow", "1", r.out))
		})
	})

	w.it(t, "unlock lets the database reach everything again, and leaves no policy behind", func(t *testing.T) {
		w.plugin(t, "unlock", cluster, "imported", "follower", "--yes")
		w.expectReached(t, w.toOutside(t, outside), allowed)
		outside.expectCopied(t, w, "after")
		if left := w.kubectl(t, "get", "cnp", "-A", "-l", "app.kubernetes.io/managed-by=kubectl-cnpg-netpol", "-o", "name"); left != "" {
			t.Errorf("policies are left: %s", left)
		}
	})
}

// everyAddress are the addresses of all pods and nodes that are there now.
func (w *world) everyAddress(t *testing.T) []netip.Addr {
	t.Helper()
	return append(w.addresses(t, "", ""), w.everyAddressOfNodes(t)...)
}

// egressTo is the name of the policy that lets a cluster out for a purpose.
func (w *world) egressTo(t *testing.T, cluster, purpose string) string {
	t.Helper()
	for name := range strings.FieldsSeq(w.kubectl(t, "get", "cnp", "-l", "cnpg-netpol/cluster="+cluster+",cnpg-netpol/policy=egress", "-o", "jsonpath={.items[*].metadata.name}")) {
		if strings.HasPrefix(name, cluster+"-egress-"+purpose) {
			return name
		}
	}
	t.Fatalf("nothing lets %s out to %s", cluster, purpose)
	return ""
}

// lockedBefore applies the set of a cluster that is not there yet, from its manifest and those of what it needs.
func (w *world) lockedBefore(t *testing.T, name string, beside ...string) {
	t.Helper()
	dir := t.TempDir()
	for _, manifest := range append([]string{"databases.yaml", name + ".yaml"}, beside...) {
		text := readManifest(t, w.lab.Sources, filepath.Join("testdata", manifest))
		if err := os.WriteFile(filepath.Join(dir, manifest), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := ask(t.Context(), "lockdown", name, "-f", dir, "--egress", "--operator-namespace", "cnpg-system", "--dry-run=client", "-o", "yaml")
	if err != nil || a.code != 0 {
		t.Fatalf("exit code %d, %v: %s%s", a.code, err, a.out, a.errors)
	}
	w.apply(t, a.out)
}
