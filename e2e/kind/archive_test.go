//go:build e2e

package kind_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
)

// archived is about a database that archives to an object store and is backed up to it, and one that begins from that, under
// sets that were made before them and let out to nothing else.
func archived(t *testing.T, w *world) {
	const cluster = "archived"
	w.serveS3(t)

	w.it(t, "a database archives its log under a set that was made before it", func(t *testing.T) {
		w.lockedBefore(t, cluster, "s3.yaml")
		w.applyFile(t, cluster+".yaml")
		w.waitHealthy(t, cluster, 1)
		w.expectArchiving(t, cluster)
		// From manifests without the operator, its rule has to let in its whole namespace.
		w.expectPosture(t, cluster, "LOCKED", "MORE_THAN_THE_OPERATOR")
	})

	w.it(t, "a backup is completed", func(t *testing.T) {
		w.inDatabase(t, w.primary(t, cluster), "create table kept (what text); insert into kept values ('safe')")
		w.apply(t, `{apiVersion: postgresql.cnpg.io/v1, kind: Backup, metadata: {name: archived, namespace: default}, spec: {cluster: {name: archived}, method: barmanObjectStore}}`)
		t.Cleanup(func() { w.remove(t, "backups.postgresql.cnpg.io", "archived") })
		eventually(t, func(ctx context.Context) error {
			out, err := w.lab.Kubectl(ctx, nil, "get", "backups.postgresql.cnpg.io", "archived", "-o", "jsonpath={.status.phase}: {.status.error}")
			return errors.Join(err, differs("phase of the backup", "completed", strings.TrimSuffix(strings.TrimSpace(string(out)), ":")))
		})
	})

	w.it(t, "without the allow for the store, the log is not archived; status says so, and lockdown puts it back", func(t *testing.T) {
		begun, primary := time.Now(), w.primary(t, cluster)
		w.kubectl(t, "delete", "cnp", w.egressTo(t, cluster, "object-store"))
		r := w.expectPosture(t, cluster, "BROKEN", "OBJECT_STORE_BLOCKED", "SET_INCOMPLETE", "MORE_THAN_THE_OPERATOR")
		file := w.inDatabase(t, primary, "select pg_walfile_name(pg_current_wal_insert_lsn())")
		// The end of a transaction comes after all of it: a switch in the same one would leave it to the next file.
		w.inDatabase(t, primary, "insert into kept values ('later')")
		w.inDatabase(t, primary, "select pg_switch_wal()")
		w.expectDenied(t, "the database to its object store", datapath.Path{
			From: w.addresses(t, "default", "cnpg.io/cluster="+cluster), To: w.addresses(t, "backend", "app=s3"), Port: 9000,
		}, begun)
		if last := w.inDatabase(t, primary, "select coalesce(max(last_archived_wal), '') from pg_stat_archiver"); last >= file {
			t.Errorf("%s is archived, and %s was to be kept from it", last, file)
		}
		w.repair(t, r, "OBJECT_STORE_BLOCKED")
		eventually(t, func(ctx context.Context) error {
			last, err := w.sql(ctx, primary, "select coalesce(max(last_archived_wal), '') from pg_stat_archiver")
			if err == nil && last < file {
				err = errors.New("the last file that is archived is " + last + ", before " + file)
			}
			return err
		})
		w.expectArchiving(t, cluster)
		w.expectPosture(t, cluster, "LOCKED")
	})

	w.it(t, "a recovery runs under a set that was made before it", func(t *testing.T) {
		w.lockedBefore(t, "recovered", "s3.yaml")
		w.applyFile(t, "recovered.yaml")
		w.waitHealthy(t, "recovered", 1)
		if got := w.inDatabase(t, w.primary(t, "recovered"), "select string_agg(what, ' ' order by what) from kept"); got != "later safe" {
			t.Errorf("the recovery brought %q", got)
		}
		w.expectPosture(t, "recovered", "LOCKED", "MORE_THAN_THE_OPERATOR")
	})

	w.it(t, "both come and go, and unlock leaves no policy behind", func(t *testing.T) {
		w.plugin(t, "unlock", cluster, "recovered", "--yes")
		if left := w.kubectl(t, "get", "cnp", "-A", "-l", "app.kubernetes.io/managed-by=kubectl-cnpg-netpol", "-o", "name"); left != "" {
			t.Errorf("policies are left: %s", left)
		}
	})
}

// serveS3 runs an object store in the cluster, and removes what used it in the end.
func (w *world) serveS3(t *testing.T) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "store")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/store")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+runtime.GOARCH, "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the object store: %v: %s", err, out)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	w.applyFile(t, "s3.yaml")
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_, err := w.lab.Kubectl(ctx, nil, "delete", "clusters.postgresql.cnpg.io", "archived", "recovered", "--ignore-not-found", "--timeout=10m")
		_, errStore := w.lab.Kubectl(ctx, nil, "-n", "backend", "delete", "pod/s3", "service/s3")
		_, errSecret := w.lab.Kubectl(ctx, nil, "delete", "secret", "s3")
		if err := errors.Join(err, errStore, errSecret); err != nil {
			t.Error(err)
		}
	})
	w.kubectl(t, "-n", "backend", "wait", "--for=condition=Ready", "pod/s3", "--timeout=10m")
	_, err = w.lab.Kubectl(t.Context(), content, "-n", "backend", "exec", "-i", "s3", "--", "bash", "-c", "cat >/s3/store && chmod +x /s3/store && touch /s3/ready")
	if err != nil {
		t.Fatal(err)
	}
}

// expectArchiving waits until CloudNativePG says that the log of a cluster is archived.
func (w *world) expectArchiving(t *testing.T, cluster string) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		out, err := w.lab.Kubectl(ctx, nil, "get", "clusters.postgresql.cnpg.io", cluster, "-o", `jsonpath={.status.conditions[?(@.type=="ContinuousArchiving")].status}`)
		return errors.Join(err, differs("ContinuousArchiving of "+cluster, "True", strings.TrimSpace(string(out))))
	})
	t.Logf("CloudNativePG: the log of %s is archived", cluster)
}
