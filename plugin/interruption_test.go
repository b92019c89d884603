package plugin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// Whatever is interrupted says so in the same words.
func TestInterruption(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("processes can't interrupt themselves there")
	}
	asked := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	t.Setenv("KUBECONFIG", kubeconfig(t, "a", server.URL))
	for _, args := range []string{"status", "status --all-contexts", "status --watch", "explain world db", "lockdown db --yes"} {
		t.Run(args, func(t *testing.T) {
			// As main does it, whose cause is another one than canceling.
			parent, cancel := context.WithCancel(t.Context())
			defer cancel()
			ctx, stop := signal.NotifyContext(parent, os.Interrupt)
			defer stop()
			go func() {
				<-asked
				self, err := os.FindProcess(os.Getpid())
				if err == nil {
					_ = self.Signal(os.Interrupt)
				}
			}()
			var out, errOut strings.Builder
			words := strings.Fields(args)
			if words[0] != "status" || len(words) == 1 || words[1] != "--all-contexts" {
				words = append(words, "--context", "a")
			}
			code := Main(ctx, words, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
			if code != kit.ExitFailed || out.Len() > 0 || errOut.String() != "error: interrupted\n" {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, out.String(), errOut.String())
			}
		})
	}
}
