//go:build e2e

package kind_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/lab"
)

// dropWatch listens to Cilium's agent for packets that policies deny. A probe alone would not notice
// a gap of less than a second: TCP sends a lost packet again.
type dropWatch struct {
	stop func()
	// allowed are the addresses of those whose packets must all arrive, with what they are.
	allowed map[string]string

	mutex   sync.Mutex
	lines   int
	denied  int
	dropped []string
	lost    string
}

// droppedPacket is a line of cilium-dbg monitor. What it names is the sender's address.
var droppedPacket = regexp.MustCompile(`drop \(Policy denied\).*: \[?([0-9a-f.:]+?)\]?:\d+ -> `)

// watchDrops watches until the test ends or somebody looks at the result.
func (w *world) watchDrops(t *testing.T) *dropWatch {
	t.Helper()
	d := &dropWatch{allowed: map[string]string{}}
	for _, s := range []struct{ namespace, selector, what string }{
		{"default", "role=backend", labelledHere.what},
		{"default", "cnpg.io/podRole=instance", "an instance"},
		{"default", "cnpg.io/podRole=pooler", "a pooler"},
		{"", "app.kubernetes.io/name=cloudnative-pg", "the operator"},
	} {
		for _, p := range w.pods(t, s.namespace, s.selector) {
			d.allowed[p.Status.PodIP] = s.what
		}
	}
	agents := w.pods(t, lab.CiliumNamespace, "k8s-app=cilium")
	if len(d.allowed) < 5 || len(agents) != 1 {
		t.Fatalf("watching packets of %v in %d agents", d.allowed, len(agents))
	}
	d.stop = w.follow(t, lab.CiliumNamespace, agents[0].Name, d.add, d.lose, "bash", "-c", script(t, "watch-drops.sh"))
	eventually(t, 30*time.Second, func(context.Context) error {
		d.mutex.Lock()
		defer d.mutex.Unlock()
		if d.lines == 0 {
			return fmt.Errorf("the agent says nothing %s", d.lost)
		}
		return nil
	})
	return d
}

func (d *dropWatch) add(line string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.lines++
	found := droppedPacket.FindStringSubmatch(line)
	if found == nil {
		return
	}
	d.denied++
	if what, ok := d.allowed[found[1]]; ok {
		d.dropped = append(d.dropped, fmt.Sprintf("%s: %s", what, line))
	}
}

func (d *dropWatch) lose(why string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.lost += why + "\n"
}

// expectNone ends the watch, and fails if a packet of those who may was dropped, and if no packet at
// all was: there have to be some of those who may not.
func (d *dropWatch) expectNone(t *testing.T) {
	t.Helper()
	d.stop()
	if d.lost != "" {
		t.Errorf("watching dropped packets: %s", d.lost)
	}
	if d.denied == 0 {
		t.Error("the agent tells of no dropped packet, not even of those who may not connect")
	}
	if len(d.dropped) > 0 {
		t.Errorf("%d packets of those who may were dropped:\n%s", len(d.dropped), strings.Join(d.dropped[:min(len(d.dropped), 10)], "\n"))
	}
	t.Logf("Cilium's agent: %d packets denied by policies, %d of them of those who may", d.denied, len(d.dropped))
}
