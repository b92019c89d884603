//go:build e2e

package kind_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/lab"
)

// dropWatch listens to Cilium's agent for packets that policies deny, as long as the suite runs. They
// are what proves that somebody is kept out, and that nobody who may was for a moment: a probe alone
// would not notice that, as TCP sends a lost packet again.
type dropWatch struct {
	mutex sync.Mutex
	// lines is how many each agent has said.
	lines map[string]int
	drops []datapath.Drop
	// gaps say when and why reports are missing.
	gaps []gap
}

type gap struct {
	at  time.Time
	why string
}

// alive is what watch-drops.sh says when nothing happens.
const alive = "alive"

// watchDrops watches until the test ends. When the agent starts anew, so does it.
func (w *world) watchDrops(t *testing.T) *dropWatch {
	t.Helper()
	d := &dropWatch{lines: map[string]int{}}
	nodes := w.nodes(t)
	for _, node := range nodes {
		w.follow(t, w.agentOn(node), func(line string) { d.add(node, line) }, d.miss, time.Minute, "bash", "-c", script(t, "watch-drops.sh"))
	}
	eventually(t, func(context.Context) error {
		d.mutex.Lock()
		defer d.mutex.Unlock()
		for _, node := range nodes {
			if d.lines[node] == 0 {
				return fmt.Errorf("the monitor of the agent on %s says nothing %v", node, d.gaps)
			}
		}
		return nil
	})
	return d
}

// agentOn finds the pod of Cilium's agent on a node.
func (w *world) agentOn(node string) func(ctx context.Context) (namespace, pod string, err error) {
	return func(ctx context.Context) (namespace, pod string, err error) {
		out, err := w.lab.Kubectl(ctx, nil, "-n", lab.CiliumNamespace, "get", "pods", "-l", "k8s-app=cilium",
			"--field-selector=status.phase=Running,spec.nodeName="+node, "-o", "jsonpath={.items[*].metadata.name}")
		if err != nil {
			return "", "", err
		}
		names := strings.Fields(string(out))
		if len(names) != 1 {
			return "", "", fmt.Errorf("want one agent on %s, there are %v", node, names)
		}
		return lab.CiliumNamespace, names[0], nil
	}
}

// nodes are the names of the nodes, that of the control plane first.
func (w *world) nodes(t *testing.T) []string {
	t.Helper()
	return strings.Fields(w.kubectl(t, "get", "nodes", "--sort-by=.metadata.creationTimestamp", "-o", "jsonpath={.items[*].metadata.name}"))
}

func (d *dropWatch) add(agent, line string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if line == alive {
		return
	}
	d.lines[agent]++
	if drop, ok := datapath.ParseDrop(line); ok {
		d.drops = append(d.drops, drop)
	} else if datapath.Lost(line) {
		d.gaps = append(d.gaps, gap{time.Now(), line})
	}
}

func (d *dropWatch) miss(why string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.gaps = append(d.gaps, gap{time.Now(), why})
}

// since are the packets that were denied from a time on.
func (d *dropWatch) since(begun time.Time) []datapath.Drop {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	var out []datapath.Drop
	for _, drop := range d.drops {
		if !drop.At.Before(begun) {
			out = append(out, drop)
		}
	}
	return out
}

// senders are the addresses of those whose packets must all arrive when role=backend may connect, with
// what they are.
func (w *world) senders(t *testing.T) map[netip.Addr]string {
	t.Helper()
	out := map[netip.Addr]string{}
	for _, s := range []struct{ namespace, selector, what string }{
		{"default", "role=backend", labelledHere.what},
		{"default", "cnpg.io/podRole=instance", "an instance"},
		{"default", "cnpg.io/podRole=pooler", "a pooler"},
		{"", "app.kubernetes.io/name=cloudnative-pg", "the operator"},
	} {
		for _, address := range w.addresses(t, s.namespace, s.selector) {
			out[address] = s.what
		}
	}
	if len(out) < 5 {
		t.Fatalf("watching packets of %v", out)
	}
	return out
}

// expectNoneLost fails if since a time a policy has denied a packet of those who may, if no packet
// at all was denied, as there have to be some of those who may not, and if reports are missing.
func (w *world) expectNoneLost(t *testing.T, begun time.Time, senders map[netip.Addr]string) {
	t.Helper()
	all := w.drops.since(begun)
	var lost []string
	for _, drop := range all {
		if what, ok := senders[drop.From.Addr()]; ok {
			lost = append(lost, fmt.Sprintf("%s: %s", what, drop.Line))
		}
	}
	if len(all) == 0 {
		t.Error("the agent tells of no denied packet, not even of those who may not connect")
	}
	if len(lost) > 0 {
		t.Errorf("%d packets of those who may were denied:\n%s", len(lost), strings.Join(lost[:min(len(lost), 10)], "\n"))
	}
	for _, g := range w.drops.gaps {
		if g.at.After(begun) {
			t.Errorf("reports of denied packets are missing, so nothing is proven: at %s: %s", g.at.Format(clock), g.why)
		}
	}
	t.Logf("Cilium's agent: %d packets denied by policies, %d of them of those who may", len(all), len(lost))
}

// expectDenied waits until since a time a policy has denied a packet on a way.
func (w *world) expectDenied(t *testing.T, what string, path datapath.Path, begun time.Time) {
	t.Helper()
	eventually(t, func(context.Context) error {
		if datapath.Denials(path, begun, time.Now().Add(time.Hour), w.drops.since(begun)) == 0 {
			return fmt.Errorf("no packet was denied: %s", what)
		}
		return nil
	})
	t.Logf("Cilium's agent denies packets: %s", what)
}
