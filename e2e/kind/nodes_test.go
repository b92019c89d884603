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

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
)

const (
	spread = "spread"
	// anyNode and ownNode are the ports of the nodes that lead to its primary: through whichever node, and through its own.
	anyNode, ownNode = 30433, 30434
)

// acrossNodes has instances and clients on two nodes, and the API server on one of them: what is the host to one
// instance is another node to the other.
func acrossNodes(t *testing.T, w *world) {
	nodes := w.nodes(t)
	w.applyFile(t, "spread.yaml")
	for _, node := range nodes {
		w.applyOnNode(t, "onnode.yaml", node)
		w.kubectl(t, "wait", "--for=condition=Ready", "pod/labelled-"+node, "pod/plain-"+node, "--timeout=10m")
	}
	t.Cleanup(func() {
		_, err := w.lab.Kubectl(context.WithoutCancel(t.Context()), nil, "delete", "clusters.postgresql.cnpg.io/"+spread, "service/spread-outside", "service/spread-local", "--wait")
		if err != nil {
			t.Error(err)
		}
	})
	w.waitHealthy(t, spread, 2)
	instances := w.instancesByNode(t)
	if len(instances) != 2 {
		t.Fatalf("the instances are on %v", instances)
	}

	w.it(t, "an open database lets in hosts, other nodes, the API server and pods of both nodes", func(t *testing.T) {
		w.expectAcross(t, instances, map[string]string{"host": allowed, "remote-node": allowed, "labelled": allowed, "plain": allowed})
		w.expectAPIServer(t, instances, allowed, allowed)
	})

	w.it(t, "locked down, an instance lets in its own node, and neither the other one nor the API server from there", func(t *testing.T) {
		w.lockdown(t, spread, "--allow-pods", "role=backend")
		w.expectAcross(t, instances, map[string]string{"host": allowed, "remote-node": denied, "labelled": allowed, "plain": denied})
		w.expectAPIServer(t, instances, allowed, denied)
		w.expectNodePort(t, anyNode, denied)
	})

	w.it(t, "with --allow-kubectl-cnpg, the API server reaches the status port of both, and nodes no more of the rest", func(t *testing.T) {
		w.lockdown(t, spread, "--allow-pods", "role=backend", "--allow-kubectl-cnpg")
		w.expectAPIServer(t, instances, allowed, allowed)
		w.expectAcross(t, instances, map[string]string{"host": allowed, "remote-node": denied, "labelled": allowed, "plain": denied})
	})

	w.it(t, "with --allow-cidr, the outside comes in at the primary's own node; through another one it comes as that node", func(t *testing.T) {
		w.lockdown(t, spread, "--allow-cidr", w.gateway(t).String()+"/32")
		w.expectNodePort(t, ownNode, allowed)
		w.expectThroughNodes(t, anyNode)
	})

	w.it(t, "with --egress, instances on both nodes reach the API server, DNS and each other", func(t *testing.T) {
		w.lockdown(t, spread, "--allow-pods", "role=backend", "--egress")
		w.expectPosture(t, spread, "LOCKED")
		text := script(t, "attempt-tcp.sh")
		address := strings.TrimSpace(w.kubectl(t, "get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}"))
		for node, pod := range instances {
			c := client{"the instance on " + node, "default", pod.Name, ""}
			w.expectVerdict(t, c.what+" to the API server", allowed,
				func() (datapath.Path, error) {
					from, err := w.podAddress(t.Context(), "default", pod.Name)
					return datapath.Path{From: []netip.Addr{from}, To: w.nodeAddresses(t), Port: 6443}, err
				},
				func(ctx context.Context, seconds int) (datapath.Attempt, error) {
					return w.attemptIn(ctx, c, text, address, "443", `GET / HTTP/1.0\r\n\r\n`, "HTTP/1.0 400", strconv.Itoa(seconds))
				})
		}
		w.waitHealthy(t, spread, 2)
		w.expectOperatorSees(t, spread)
	})
}

// instancesByNode are the instances of spread by the node that they run on.
func (w *world) instancesByNode(t *testing.T) map[string]corev1.Pod {
	t.Helper()
	out := map[string]corev1.Pod{}
	for _, p := range w.pods(t, "default", instancesOf(spread).selector) {
		out[p.Spec.NodeName] = p
	}
	return out
}

// expectAcross lets clients on both nodes connect to the instances on both, and compares with what explain says of each:
// of "labelled" and "plain" pods wherever they run, and of the node that is the instance's host or remote-node.
func (w *world) expectAcross(t *testing.T, instances map[string]corev1.Pod, want map[string]string) {
	t.Helper()
	var group sync.WaitGroup
	for node := range instances {
		for _, kind := range []string{"labelled", "plain"} {
			c := client{kind + " on " + node, "default", kind + "-" + node, ""}
			for _, pod := range instances {
				w.expectConnects(t, &group, c, pod, want[kind])
			}
			w.expectExplainedEach(t, "pod/"+c.pod, instances, func(string) string { return want[kind] })
		}
		c := client{"the node " + node, "other", hostPod(node), ""}
		for on, pod := range instances {
			as := "remote-node"
			if on == node {
				as = "host"
			}
			w.expectConnects(t, &group, c, pod, want[as])
		}
		w.expectExplainedEach(t, "other/pod/"+c.pod, instances, func(on string) string {
			if on == node {
				return want["host"]
			}
			return want["remote-node"]
		})
	}
	for _, as := range []string{"host", "remote-node"} {
		w.expectExplainedEach(t, as, instances, func(string) string { return want[as] })
	}
	group.Wait()
	if !t.Failed() {
		t.Logf("psql from both nodes to the instances on both, and explain: %v", want)
	}
}

func (w *world) expectConnects(t *testing.T, group *sync.WaitGroup, c client, to corev1.Pod, want string) {
	at := target{host: to.Status.PodIP, selector: "cnpg.io/instanceName=" + to.Name}
	try := w.connect(t, c, at)
	group.Go(func() {
		w.expectVerdict(t, c.what+" to "+to.Name, want, func() (datapath.Path, error) {
			p, err := w.path(t.Context(), c, "default", at.selector, postgres)
			if err == nil && strings.HasPrefix(c.pod, hostPod("")) {
				p.From = w.everyAddressOfNodes(t)
			}
			return p, err
		}, try)
	})
}

// expectExplainedEach fails unless explain says this of the instance on each node.
func (w *world) expectExplainedEach(t *testing.T, source string, instances map[string]corev1.Pod, want func(node string) string, flags ...string) {
	t.Helper()
	said := w.explainedEach(t, source, spread, flags...)
	for node, pod := range instances {
		if err := differs("explain "+source+" of "+pod.Name+" on "+node, want(node), said[pod.Name]); err != nil {
			t.Error(err)
		}
	}
}

// expectAPIServer reads the status of the instance on the API server's node, and of the other one, through it.
func (w *world) expectAPIServer(t *testing.T, instances map[string]corev1.Pod, own, other string) {
	t.Helper()
	first := w.nodes(t)[0]
	for node, pod := range instances {
		want := other
		if node == first {
			want = own
		}
		w.expectVerdict(t, "the API server to "+pod.Name+" on "+node, want,
			func() (datapath.Path, error) {
				to, err := w.podAddress(t.Context(), "default", pod.Name)
				return datapath.Path{From: w.everyAddressOfNodes(t), To: []netip.Addr{to}, Port: 8000}, err
			},
			func(ctx context.Context, seconds int) (datapath.Attempt, error) {
				return w.readStatus(ctx, pod.Name, seconds), nil
			})
	}
	w.expectExplainedEach(t, "kube-apiserver", instances, func(node string) string {
		if node == first {
			return own
		}
		return other
	}, "--port", "8000")
	if !t.Failed() {
		t.Logf("API server to port 8000: %s on its own node, %s on the other, and explain says the same", own, other)
	}
}

// everyAddressOfNodes are those that a packet from a node may have, that of Cilium's own interface included.
func (w *world) everyAddressOfNodes(t *testing.T) []netip.Addr {
	t.Helper()
	var out []netip.Addr
	for text := range strings.FieldsSeq(w.kubectl(t, "get", "ciliumnodes", "-o", "jsonpath={.items[*].spec.addresses[*].ip}")) {
		address, err := netip.ParseAddr(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, address)
	}
	return out
}

// throughNode connects from where the tests run to the port of a node.
func (w *world) throughNode(ctx context.Context, node netip.Addr, port, seconds int) datapath.Attempt {
	limited, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
	defer cancel()
	a := datapath.Attempt{Begun: time.Now()}
	err := hello(limited, fmt.Sprintf("postgres://app:app@%s/app?sslmode=disable", netip.AddrPortFrom(node, uint16(port))))
	a.Ended, a.Answered = time.Now(), err == nil
	if err != nil {
		a.Text = err.Error()
	}
	return a
}

// expectNodePort connects through the port of the node that the primary runs on.
func (w *world) expectNodePort(t *testing.T, port int, want string) {
	t.Helper()
	from := append(w.everyAddressOfNodes(t), w.gateway(t))
	w.expectVerdict(t, fmt.Sprintf("the outside through port %d", port), want,
		func() (datapath.Path, error) {
			to, err := w.addressesOf(t.Context(), "default", instancesOf(spread).selector)
			return datapath.Path{From: from, To: to, Port: postgres}, err
		},
		func(ctx context.Context, seconds int) (datapath.Attempt, error) {
			node, err := w.nodeOfPrimary(ctx)
			if err != nil {
				return datapath.Attempt{}, err
			}
			return w.throughNode(ctx, node, port, seconds), nil
		})
}

func (w *world) nodeOfPrimary(ctx context.Context) (netip.Addr, error) {
	list, err := w.kube.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "cnpg.io/cluster=" + spread + ",cnpg.io/instanceRole=primary"})
	if err != nil || len(list.Items) != 1 {
		return netip.Addr{}, fmt.Errorf("want one primary, there are %d: %w", len(list.Items), err)
	}
	return netip.ParseAddr(list.Items[0].Status.HostIP)
}

// expectThroughNodes connects through each node to a primary that lets in the outside by its address: through its own
// node it sees that address, through the other one that node's.
func (w *world) expectThroughNodes(t *testing.T, port int) {
	t.Helper()
	from := append(w.everyAddressOfNodes(t), w.gateway(t))
	own, err := w.nodeOfPrimary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range w.nodeAddresses(t) {
		want := denied
		if node == own {
			want = allowed
		}
		w.expectVerdict(t, fmt.Sprintf("the outside through node %s", node), want,
			func() (datapath.Path, error) {
				to, err := w.addressesOf(t.Context(), "default", instancesOf(spread).selector)
				return datapath.Path{From: from, To: to, Port: postgres}, err
			},
			func(ctx context.Context, seconds int) (datapath.Attempt, error) {
				return w.throughNode(ctx, node, port, seconds), nil
			})
		t.Logf("through node %s: %s (the primary's is %s)", node, want, own)
	}
}
