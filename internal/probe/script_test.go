package probe_test

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
)

// The script itself, with servers that answer as PostgreSQL does, that say nothing, and that are not there.
func TestTheScriptConnects(t *testing.T) {
	serve := func(answer string) probe.Connection {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				request := make([]byte, 8)
				if n, _ := c.Read(request); answer != "" && string(request[:n]) == "\x00\x00\x00\x08\x04\xd2\x16\x2f" {
					_, _ = c.Write([]byte(answer))
				}
				_ = c.Close()
			}
		}()
		address := netip.MustParseAddrPort(listener.Addr().String())
		return probe.Connection{Address: address.Addr(), Port: address.Port()}
	}
	encrypted, plain, mute := serve("S"), serve("N"), serve("")
	encrypted.PostgreSQL, plain.PostgreSQL, mute.PostgreSQL = true, true, true
	open := serve("")
	gone := serve("")
	gone.Port, gone.Address = 1, netip.MustParseAddr("127.0.0.1")
	service := gone
	service.Service = true
	connections := []probe.Connection{encrypted, plain, mute, open, gone, service}
	command := probe.Command(connections)
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got []string
	for _, a := range probe.Read(string(out), connections) {
		got = append(got, fmt.Sprintf("%s: %s", a.Result, a.Detail))
	}
	want := []string{
		"connected: PostgreSQL answered", "connected: PostgreSQL answered", "connected: the connection was opened, and PostgreSQL did not answer",
		"connected: the connection was opened", "refused: the pod refuses connections: the network let them through, and nobody listens",
		"inconclusive: the Service's address refuses connections, which can mean that nobody is behind it",
	}
	if text := strings.Join(got, "\n"); text != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nof\n%s", text, out)
	}
}

func TestRead(t *testing.T) {
	one := []probe.Connection{{PostgreSQL: true}}
	for text, want := range map[string]v1alpha1.ProbeResult{
		"0 124 \n": v1alpha1.ProbeDropped,
		"0 7 bash: connect: Connection refused bash: line 1: /dev/tcp/10.0.0.1/5432: Connection refused\n": v1alpha1.ProbeRefused,
		"0 7 bash: connect: No route to host\n":       v1alpha1.ProbeInconclusive,
		"0 7 bash: connect: Network is unreachable\n": v1alpha1.ProbeInconclusive,
		"0 127 bash: timeout: command not found\n":    v1alpha1.ProbeInconclusive,
		"0 1 what\n":        v1alpha1.ProbeInconclusive,
		"":                  v1alpha1.ProbeInconclusive,
		"1 0 connected S\n": v1alpha1.ProbeInconclusive,
		"0 0 connected S":   v1alpha1.ProbeConnected,
		"0 0 refused\n":     v1alpha1.ProbeInconclusive,
	} {
		if got := probe.Read(text, one); got[0].Result != want || got[0].Detail == "" {
			t.Errorf("%q: %+v, want %s", text, got[0], want)
		}
	}
}

// Whatever a container says, there is one attempt for each connection, and none of it is silence that was not seen.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"0 124 \n1 0 connected S\n", "-1 0 x", "99999999999999999999 0", "0 0 connected\n0 124", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := probe.Read(text, make([]probe.Connection, 2))
		if len(got) != 2 {
			t.Fatalf("%+v", got)
		}
		for _, a := range got {
			if a.Result == v1alpha1.ProbeDropped && !strings.Contains(text, "124") || a.Result == v1alpha1.ProbeConnected && !strings.Contains(text, "connected") {
				t.Errorf("%+v", a)
			}
		}
	})
}
