//go:build e2e

package kind_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/version"
)

// flagCase is a combination of client flags, and whom it lets in besides the node, which always
// gets in: the kubelet must.
type flagCase struct {
	flags string
	want  []client
}

var flagCases = []flagCase{
	{"", nil},
	{"--allow-pods role=backend", []client{labelledHere}},
	{"--allow-pods-any-namespace role=backend", []client{labelledHere, labelledThere}},
	{"--allow-namespace backend", []client{inBackend}},
	{"--allow-cluster-wide", []client{labelledHere, plainHere, labelledThere, plainThere, inBackend}},
	{"--allow-pods role=backend --allow-namespace backend", []client{labelledHere, inBackend}},
}

func (c flagCase) arguments(scope string) []string {
	return append(strings.Fields(c.flags), "--scope", scope)
}

func (c flagCase) sentence(scope string) string {
	return fmt.Sprintf("lockdown %s lets in %s", strings.Join(c.arguments(scope), " "), names(c.want))
}

// accessByFlags compares, for every client flag and both scopes, what really happens with what
// explain says. Each lockdown follows the one before, so it also has to take away what is no longer
// asked for.
func accessByFlags(t *testing.T, w *world) {
	for _, c := range flagCases {
		w.it(t, c.sentence("cluster"), func(t *testing.T) {
			w.lockdown(t, "cluster-example", c.arguments("cluster")...)
			w.expectGranted(t, c.want)
		})
	}

	w.it(t, "with --scope cluster, everything else in the namespace keeps its clients", func(t *testing.T) {
		w.expectAccess(t, toOrders, allInCluster, allInCluster...)
		w.expectBystander(t, allowed)
		w.expectPosture(t, "orders", "OPEN", "NO_DEFAULT_DENY")
	})

	w.it(t, "with --scope namespace, lockdown refuses to cut off the replication of the namespace's other cluster", func(t *testing.T) {
		w.unlock(t, "cluster-example")
		a, err := ask(t.Context(), "lockdown", "orders", "--scope", "namespace", "--yes")
		if err != nil {
			t.Fatal(err)
		}
		if a.code != 1 || !strings.Contains(a.errors, "refused") || !strings.Contains(a.errors, `"cluster-example"`) {
			t.Errorf("exit code %d: %s", a.code, a.errors)
		}
		t.Logf("exit code %d: %s", a.code, strings.TrimSpace(a.errors))
		if left := w.kubectl(t, "get", "cnp", "-A", "-o", "name"); left != "" {
			t.Errorf("something was changed: %s", left)
		}
		w.expectStreaming(t, 1)
	})

	for _, c := range flagCases {
		w.it(t, c.sentence("namespace")+", of both its clusters", func(t *testing.T) {
			w.plugin(t, slices.Concat([]string{"lockdown", "cluster-example", "orders"}, c.arguments("namespace"), []string{"--yes"})...)
			w.expectGranted(t, c.want)
			w.expectAccess(t, toOrders, allInCluster, append([]client{theHost}, c.want...)...)
			w.expectExplained(t, "orders", []client{labelledHere, plainThere, inBackend}, c.want...)
		})
	}

	w.it(t, "with --scope namespace, the other workloads of the namespace lose their ingress, and status names them", func(t *testing.T) {
		w.expectBystander(t, denied)
		// Each cluster's operator and peers get in to all pods of the namespace.
		findings := []string{"BYSTANDERS_DENIED", "MORE_THAN_THE_OPERATOR"}
		if w.operatorVersion(t).LessThan(version.MustParseGeneric("1.30.0")) {
			findings = append(findings, "STATUS_PORT_EXPOSED") // Since then, what listens there asks who it is.
		}
		w.expectPosture(t, "cluster-example", "LOCKED", findings...)
		w.expectOperatorSees(t, "cluster-example")
		w.expectOperatorSees(t, "orders")
	})

	w.it(t, "lockdown --allow-metrics other lets pods of that namespace to the metrics, and not to PostgreSQL", func(t *testing.T) {
		w.lockdown(t, "cluster-example", "--allow-metrics", "other")
		w.expectProven(t, theHost)
		for _, c := range []struct {
			from client
			want string
		}{{plainThere, allowed}, {inBackend, denied}, {plainHere, denied}} {
			w.expectMetrics(t, c.from, c.want)
		}
	})

	w.it(t, "unlock lets everybody in again", func(t *testing.T) {
		w.plugin(t, "unlock", "cluster-example", "orders", "--yes")
		w.expectProven(t, everybody...)
		w.expectAccess(t, toPooler, allInCluster, allInCluster...)
		w.expectAccess(t, toOrders, []client{plainHere, plainThere}, plainHere, plainThere)
		w.expectBystander(t, allowed)
		w.expectPosture(t, "cluster-example", "OPEN", "NO_DEFAULT_DENY")
		if left := w.kubectl(t, "get", "cnp", "-A", "-o", "name"); left != "" {
			t.Errorf("policies are left: %s", left)
		}
	})
}

// names says who is let in.
func names(clients []client) string {
	if len(clients) == 0 {
		return "nobody"
	}
	var whats []string
	for _, c := range clients {
		whats = append(whats, c.what)
	}
	return strings.Join(whats, " and ")
}

// expectGranted fails unless exactly these clients and the node can connect, by the data path, by
// explain and by status, and replication goes on.
func (w *world) expectGranted(t *testing.T, clients []client) {
	t.Helper()
	want := append([]client{theHost}, clients...)
	w.expectProven(t, want...)
	w.expectAccess(t, toPooler, allInCluster, want...)
	r := w.status(t, "cluster-example")
	if err := differs("posture", "LOCKED", r.Posture); err != nil {
		t.Error(err)
	}
	w.expectExposed(t, r, want)
	w.expectStreaming(t, 1)
}

// expectBystander fails unless the namespace's web server can, or can't, be reached.
func (w *world) expectBystander(t *testing.T, want string) {
	t.Helper()
	w.expectTCP(t, plainThere, "default", "app=web", 8080, "", "hello", want)
}

// expectExposed fails unless the report says the same as the data path about every client pod.
func (w *world) expectExposed(t *testing.T, r report, want []client) {
	t.Helper()
	for _, e := range r.Exposure {
		var exposed []client
		for _, c := range everybody {
			listed := slices.Contains(e.Entities, c.source)
			for _, other := range e.Clients {
				listed = listed || c.pod != "" && other.Namespace == c.namespace && other.Workload == "pod/"+c.pod
			}
			if listed {
				exposed = append(exposed, c)
			}
			if listed != slices.Contains(want, c) {
				t.Errorf("status, %s port %d: %s is listed: %t", e.Target, e.Port, c.what, listed)
			}
		}
		t.Logf("status: %s port %d is open to %s", e.Target, e.Port, names(exposed))
	}
}

// expectMetrics fails unless a client can, or can't, read the metrics of the instances, and explain says so.
func (w *world) expectMetrics(t *testing.T, c client, want string) {
	t.Helper()
	w.expectTCP(t, c, "default", instancesOf("cluster-example").selector, 9187, `GET /metrics HTTP/1.0\r\n\r\n`, "200 OK", want)
	verdict, err := explain(t.Context(), c.source, "cluster-example", "--port", "9187")
	if err != nil {
		t.Fatal(err)
	}
	if err := differs("explain "+c.source+" --port 9187", want, verdict); err != nil {
		t.Error(err)
	}
}
