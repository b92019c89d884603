//go:build e2e

package kind_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"k8s.io/apimachinery/pkg/util/version"
)

// clientList is the machine output of clients, as far as these tests read it.
type clientList struct {
	Clients    []observedClient `json:"clients"`
	MayConnect []struct {
		Namespace string `json:"namespace"`
		Workload  string `json:"workload"`
	} `json:"mayConnect"`
	Lockdown *struct {
		Command string `json:"command"`
	} `json:"lockdown"`
	Rehearsal *struct {
		CutOff []observedClient `json:"cutOff"`
	} `json:"rehearsal"`
}

type observedClient struct {
	Namespace  string   `json:"namespace"`
	Workload   string   `json:"workload"`
	Entity     string   `json:"entity"`
	Address    string   `json:"address"`
	Pods       int      `json:"pods"`
	References []string `json:"references"`
	Targets    []struct {
		Target    string `json:"target"`
		Port      int    `json:"port"`
		Sessions  int    `json:"sessions"`
		Opened    int    `json:"opened"`
		ByDefault int    `json:"byDefault"`
		Denied    int    `json:"denied"`
	} `json:"targets"`
}

func (c observedClient) name() string {
	if c.Entity == "" && c.Address != "" {
		return c.Address
	}
	if c.Entity != "" {
		return c.Entity
	}
	return c.Namespace + "/" + c.Workload
}

// evidence is what is known of a client, in words: numbers depend on the moment.
func (c observedClient) evidence() string {
	var out []string
	for _, t := range c.Targets {
		what := ""
		if t.Sessions > 0 {
			what += " connected"
		}
		if t.Opened > 0 {
			what += " seen"
		}
		if t.Denied > 0 {
			what += " denied"
		}
		if what != "" {
			out = append(out, fmt.Sprintf("%s:%d%s", t.Target, t.Port, what))
		}
	}
	if len(c.References) > 0 {
		out = append(out, "refers")
	}
	if c.Pods == 0 && c.Entity == "" {
		out = append(out, "no pod")
	}
	return strings.Join(out, ", ")
}

// clients is what clients says about cluster-example.
func clients(ctx context.Context, flags ...string) (clientList, error) {
	var list clientList
	a, err := ask(ctx, append([]string{"clients", "cluster-example", "-o", "json"}, flags...)...)
	if err != nil {
		return list, err
	}
	if err := json.Unmarshal([]byte(a.out), &list); err != nil {
		return list, fmt.Errorf("clients -o json: exit code %d, %w\n%s%s", a.code, err, a.out, a.errors)
	}
	return list, nil
}

// told is the evidence for each client. The host is left out: the kubelet's probes come from there. So are sessions of
// which the client is gone.
func told(list []observedClient) map[string]string {
	out := map[string]string{}
	for _, c := range list {
		if c.Entity != "host" && (c.Entity != "" || c.Address == "") {
			out[c.name()] = c.evidence()
		}
	}
	return out
}

// who really connects, by kinds of clients.
func whoConnects(t *testing.T, w *world) {
	const cluster = "cluster-example"
	since := time.Now().UTC().Format(time.RFC3339)
	w.applyFile(t, "ten-clients.yaml")
	t.Cleanup(func() { w.removeTenClients(context.Background()) })
	for _, d := range []string{"default/pool", "default/storefront", "other/reports", "monitoring/prometheus"} {
		namespace, name, _ := strings.Cut(d, "/")
		w.kubectl(t, "rollout", "status", "deployment/"+name, "-n", namespace, "--timeout=10m")
	}
	w.kubectl(t, "wait", "--for=condition=Complete", "job/migrate", "--timeout=10m")
	w.runNightly(t)
	session := w.sessionFromOutside(t)
	pool, storefront := w.aPodOf(t, "pool", "default", "app=pool"), w.aPodOf(t, "storefront", "default", "app=storefront")
	reports, prometheus := w.aPodOf(t, "reports", "other", "app=reports"), w.aPodOf(t, "prometheus", "monitoring", "app=prometheus")

	var list clientList
	w.it(t, "clients tells ten kinds of clients apart", func(t *testing.T) {
		want := map[string]string{
			"default/deployment/pool":          "instances:5432 connected seen, refers",
			"default/deployment/storefront":    "pooler pooler-example:5432 connected seen, refers",
			"default/job/migrate":              "instances:5432 seen, no pod",
			"default/cronjob/nightly":          "instances:5432 seen, refers, no pod",
			"other/deployment/reports":         "refers",
			"monitoring/deployment/prometheus": "instances:9187 seen",
			"world":                            "instances:5432 connected seen",
		}
		took := eventually(t, func(ctx context.Context) (err error) {
			if list, err = clients(ctx, "--since", since); err != nil {
				return err
			}
			if got := told(list.Clients); !maps.Equal(got, want) {
				return fmt.Errorf("want %v, got %v", want, got)
			}
			return nil
		})
		var may []string
		for _, c := range list.MayConnect {
			may = append(may, c.Namespace+"/"+c.Workload)
		}
		for _, c := range []client{labelledHere, plainHere, inBackend} {
			if !slices.Contains(may, c.source) {
				t.Errorf("%s may connect and never does, and is not among %v", c.source, may)
			}
		}
		t.Logf("clients, after %s: %v", took.Round(100*time.Millisecond), told(list.Clients))
	})

	w.it(t, "the command that it proposes keeps exactly those who use the database", func(t *testing.T) {
		flags, ok := strings.CutPrefix(list.Lockdown.Command, "kubectl cnpg-netpol lockdown "+cluster+" ")
		if !ok {
			t.Fatalf("the command is %s", list.Lockdown.Command)
		}
		w.lockdown(t, cluster, strings.Fields(flags)...)
		w.expectPosture(t, cluster, "LOCKED", "WORLD_CAN_CONNECT") // As far as the one address goes.
		w.expectAccess(t, toPrimary, []client{pool, reports, outside, labelledHere, plainHere, inBackend, labelledThere}, pool, reports, outside)
		w.expectAccess(t, toPooler, []client{storefront, plainHere, inBackend}, storefront)
		w.expectTCP(t, prometheus, "default", instancesOf(cluster).selector, 9187, `GET /metrics HTTP/1.0\r\n\r\n`, "HTTP/1.", allowed)
		w.expectTCP(t, labelledHere, "default", instancesOf(cluster).selector, 9187, `GET /metrics HTTP/1.0\r\n\r\n`, "HTTP/1.", denied)
		// Those who come and go get in again.
		w.runNightly(t)
		w.kubectl(t, "delete", "job", "migrate", "--cascade=foreground")
		w.applyFile(t, "ten-clients.yaml")
		w.kubectl(t, "wait", "--for=condition=Complete", "job/migrate", "--timeout=10m")
		t.Log("the CronJob and the migration have run again")
		w.unlock(t, cluster)
	})

	w.it(t, "a rehearsal of a minute finds those who connect in it, without a dropped packet, and ends in a lockdown", func(t *testing.T) {
		if err := session.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		rehearsed := begun.UTC().Format(time.RFC3339)
		w.lockdown(t, cluster, "--allow-pods", "app=pool", "--rehearse")
		w.expectPosture(t, cluster, "OPEN", "NO_DEFAULT_DENY")
		answers := make(chan error, 1)
		var seen clientList
		go func() {
			var err error
			seen, err = clients(t.Context(), "--since", rehearsed, "--for", "1m")
			answers <- err
		}()
		// They connect while somebody watches.
		w.expectAccess(t, toPrimary, []client{pool, labelledThere, outside}, pool, labelledThere, outside)
		if err := <-answers; err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{"default/deployment/storefront": true, "other/pod/labelled": true, "world": true}
		if seen.Rehearsal == nil {
			t.Fatal("clients knows of no rehearsal")
		}
		got := map[string]bool{}
		tells := w.agentVersion(t).AtLeast(version.MustParseGeneric("1.19.0")) // Before, Hubble has no label of what lets in everybody.
		for _, c := range seen.Rehearsal.CutOff {
			if !strings.Contains(c.evidence(), "seen") {
				continue // It refers to the database, or is the session of a pod that is gone.
			}
			got[c.name()] = true
			for _, target := range c.Targets {
				// The engine and the data path say the same.
				if tells && target.ByDefault == 0 && target.Port == 5432 {
					t.Errorf("%s would be cut off, and Cilium does not say that no policy lets it in: %+v", c.name(), target)
				}
			}
		}
		// Metrics are read all the time, too.
		delete(got, "monitoring/deployment/prometheus")
		if !maps.Equal(got, want) {
			t.Errorf("cut off would be %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
		if drops := w.drops.since(begun); len(drops) > 0 {
			t.Errorf("%d packets were denied in a rehearsal, the first one: %s", len(drops), drops[0].Line)
		}
		t.Logf("rehearsed for %s: cut off would be %v, and no packet was denied", time.Since(begun).Round(time.Second), slices.Sorted(maps.Keys(got)))

		// It does not end by cutting off those who were seen.
		flags := []string{"lockdown", cluster, "--allow-pods", "app=pool", "--since", rehearsed, "--yes"}
		a, err := ask(t.Context(), flags...)
		if err != nil {
			t.Fatal(err)
		}
		if refused := `other/pod/labelled was seen to use cluster "` + cluster + `"`; a.code != 1 || !strings.Contains(a.errors, refused) {
			t.Fatalf("exit code %d, want 1 because %s\n%s", a.code, refused, a.errors)
		}
		address := ""
		for _, c := range seen.Clients {
			if c.Entity == "world" {
				address = c.Address
			}
		}
		w.lockdown(t, cluster, "--allow-pods", "app=pool", "--allow-pods", "app=storefront", "--allow-namespace", "other", "--allow-metrics", "monitoring", "--allow-cidr", address, "--since", rehearsed)
		w.expectPosture(t, cluster, "LOCKED", "WORLD_CAN_CONNECT")
		w.expectAccess(t, toPrimary, []client{pool, labelledThere, outside, plainHere, inBackend}, pool, labelledThere, outside)
		w.unlock(t, cluster)
	})
}

// aPodOf is a client that is the pod of a Deployment.
func (w *world) aPodOf(t *testing.T, what, namespace, selector string) client {
	t.Helper()
	for _, p := range w.pods(t, namespace, selector) {
		if p.DeletionTimestamp == nil {
			return client{what: what, namespace: namespace, pod: p.Name, source: namespace + "/pod/" + p.Name}
		}
	}
	t.Fatalf("no pod has %s in namespace %s", selector, namespace)
	return client{}
}

// runNightly runs the CronJob as its controller would, and waits until no pod of it is left.
func (w *world) runNightly(t *testing.T) {
	t.Helper()
	// The controller adds the minute.
	const job = "nightly-29123456"
	w.kubectl(t, "create", "job", job, "--from=cronjob/nightly")
	w.kubectl(t, "wait", "--for=condition=Complete", "job/"+job, "--timeout=10m")
	w.kubectl(t, "delete", "job", job, "--cascade=foreground")
}

// sessionFromOutside is a connection that is open until somebody closes it.
func (w *world) sessionFromOutside(t *testing.T) *pgconn.PgConn {
	t.Helper()
	var connection *pgconn.PgConn
	eventually(t, func(ctx context.Context) error {
		address, err := w.fromOutside(ctx)
		if err != nil {
			return err
		}
		connection, err = pgconn.Connect(ctx, address)
		return err
	})
	t.Cleanup(func() { _ = connection.Close(context.Background()) }) // It may be closed already.
	return connection
}

// removeTenClients leaves none of them to the next group.
func (w *world) removeTenClients(ctx context.Context) {
	for _, arguments := range [][]string{
		{"delete", "deployment", "pool", "storefront", "--ignore-not-found"}, {"delete", "deployment", "reports", "-n", "other", "--ignore-not-found"},
		{"delete", "job", "migrate", "--ignore-not-found"}, {"delete", "cronjob", "nightly", "--ignore-not-found"},
		{"delete", "service", "database-metrics", "--ignore-not-found"}, {"delete", "namespace", "monitoring", "--ignore-not-found"},
	} {
		if _, err := w.lab.Kubectl(ctx, nil, arguments...); err != nil {
			w.lab.Log("%s", err)
		}
	}
}
