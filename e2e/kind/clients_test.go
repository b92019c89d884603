//go:build e2e

package kind_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
)

// client is one class of client.
type client struct {
	// what it is, in words.
	what string
	// namespace and pod say where psql runs. The client outside of the cluster has none, and theHost is found by its target.
	namespace, pod string
	// source is what explain calls it.
	source string
}

// where is the pod of a client.
func (c client) where(context.Context) (namespace, pod string, err error) {
	return c.namespace, c.pod, nil
}

// The classes of clients that the policies of the document tell apart.
var (
	labelledHere  = client{"same namespace, role=backend", "default", "labelled", "default/pod/labelled"}
	plainHere     = client{"same namespace, no label", "default", "plain", "default/pod/plain"}
	labelledThere = client{"other namespace, role=backend", "other", "labelled", "other/pod/labelled"}
	plainThere    = client{"other namespace, no label", "other", "plain", "other/pod/plain"}
	inBackend     = client{"namespace backend, no label", "backend", "plain", "backend/pod/plain"}
	// theHost is the node that a target runs on: each node has a pod of its network.
	theHost = client{"host", "other", "", "host"}
	outside = client{"outside, through a NodePort", "", "", "world"}

	everybody    = []client{labelledHere, plainHere, labelledThere, plainThere, inBackend, theHost, outside}
	allInCluster = []client{labelledHere, plainHere, labelledThere, plainThere, inBackend, theHost}
)

// target is where clients connect to, at PostgreSQL's port.
type target struct {
	// host is a name or an address.
	host string
	// selector is what the pods behind it have, in the namespace default; those that answer have serving, when not all do.
	selector, serving string
}

// postgres is the port of instances and poolers.
const postgres uint16 = 5432

var (
	toPrimary = target{"cluster-example-rw.default", instancesOf("cluster-example").selector, primaryOf("cluster-example")}
	toPooler  = target{host: "pooler-example.default", selector: "cnpg.io/poolerName=pooler-example"}
	toOrders  = target{"orders-rw.default", instancesOf("orders").selector, primaryOf("orders")}
)

func primaryOf(cluster string) string {
	return "cnpg.io/instanceRole=primary,cnpg.io/cluster=" + cluster
}

// instancesOf are all instances of a cluster; no name leads to all of them.
func instancesOf(cluster string) target {
	return target{selector: "cnpg.io/podRole=instance,cnpg.io/cluster=" + cluster}
}

// connect connects once as an application does, and asks for a greeting.
func (w *world) connect(t *testing.T, c client, to target) attempt {
	t.Helper()
	text := script(t, "attempt-psql.sh")
	return func(ctx context.Context, seconds int) (datapath.Attempt, error) {
		if c == outside {
			return w.connectFromOutside(ctx, seconds)
		}
		near, err := w.near(ctx, c, to)
		if err != nil {
			return datapath.Attempt{}, err
		}
		return w.attemptIn(ctx, near, text, to.host, strconv.Itoa(seconds))
	}
}

// near is the client that connects to a target: of the hosts, that of its node.
func (w *world) near(ctx context.Context, c client, to target) (client, error) {
	if c != theHost {
		return c, nil
	}
	node, err := w.nodeOf(ctx, to)
	c.pod = hostPod(node)
	return c, err
}

// hostPod is the name of the pod that has a node's network.
func hostPod(node string) string {
	return "host-" + node
}

// nodeOf is the node that a target's pod runs on.
func (w *world) nodeOf(ctx context.Context, to target) (string, error) {
	selector := cmp.Or(to.serving, to.selector)
	list, err := w.kube.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return "", err
	}
	for i := range list.Items {
		if node := list.Items[i].Spec.NodeName; node != "" {
			return node, nil
		}
	}
	return "", fmt.Errorf("no pod with %s runs", selector)
}

// connectFromOutside connects from where the tests run, which is outside of the Kubernetes cluster, to the primary of
// cluster-example by way of its own node: another one would pass the connection on as its own.
func (w *world) connectFromOutside(ctx context.Context, seconds int) (datapath.Attempt, error) {
	limited, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
	defer cancel()
	address, err := w.fromOutside(limited)
	if err != nil {
		return datapath.Attempt{}, err
	}
	a := datapath.Attempt{Begun: time.Now()}
	err = hello(limited, address)
	a.Ended, a.Answered = time.Now(), err == nil
	if err != nil {
		a.Text = err.Error()
	}
	return a, nil
}

// fromOutside is the address of cluster-example's primary for clients outside of the cluster.
func (w *world) fromOutside(ctx context.Context) (string, error) {
	node, err := w.nodeOf(ctx, toPrimary)
	return "postgres://app:app@" + w.outside[node] + "/app?sslmode=disable", err
}

func hello(ctx context.Context, address string) error {
	connection, err := pgconn.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }() // the answer counts
	_, err = connection.Exec(ctx, "select 'hello'").ReadAll()
	return err
}

// expectAccess fails unless exactly these clients can connect, as soon as the agent has had its time.
func (w *world) expectAccess(t *testing.T, to target, of []client, want ...client) {
	t.Helper()
	var group sync.WaitGroup
	verdicts := map[string]string{}
	for _, c := range of {
		expected := denied
		if slices.Contains(want, c) {
			expected = allowed
		}
		verdicts[c.what] = expected
		try := w.connect(t, c, to)
		group.Go(func() {
			w.expectVerdict(t, c.what+" to "+to.host, expected,
				func() (datapath.Path, error) {
					near, err := w.near(t.Context(), c, to)
					if err != nil {
						return datapath.Path{}, err
					}
					return w.path(t.Context(), near, "default", to.selector, postgres)
				}, try)
		})
	}
	group.Wait()
	if !t.Failed() {
		t.Logf("psql to %s: %s", to.host, summary(verdicts))
	}
}

// summary is who gets in and who does not.
func summary(verdicts map[string]string) string {
	lists := map[string][]string{}
	for _, what := range slices.Sorted(maps.Keys(verdicts)) {
		lists[verdicts[what]] = append(lists[verdicts[what]], what)
	}
	return fmt.Sprintf("allowed [%s], denied [%s]", strings.Join(lists[allowed], "; "), strings.Join(lists[denied], "; "))
}

// expectExplained fails unless explain says that exactly these clients can connect.
func (w *world) expectExplained(t *testing.T, cluster string, of []client, want ...client) {
	t.Helper()
	begun := time.Now()
	var failures []error
	for _, c := range of {
		expected := denied
		if slices.Contains(want, c) {
			expected = allowed
		}
		verdict, err := explain(t.Context(), c.source, cluster)
		failures = append(failures, err)
		if err == nil {
			failures = append(failures, differs("explain "+c.source+" "+cluster, expected, verdict))
		}
	}
	if err := errors.Join(failures...); err != nil {
		t.Error(err)
		return
	}
	t.Logf("explain says the same of each (%s)", time.Since(begun).Round(100*time.Millisecond))
}

// expectProven is expectAccess and expectExplained: the data path is the proof of the verdict.
func (w *world) expectProven(t *testing.T, want ...client) {
	t.Helper()
	w.expectAccess(t, toPrimary, everybody, want...)
	w.expectExplained(t, "cluster-example", everybody, want...)
}
