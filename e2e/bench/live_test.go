package bench

import (
	"bytes"
	"context"
	"io"
	"runtime/pprof"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/bare"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin"
)

// BenchmarkLiveStatus is status -A -o json of an API server, by a client that only makes the same lists,
// and by one that reads pods as most programs do.
func BenchmarkLiveStatus(b *testing.B) {
	w := liveWorld(b)
	for _, pods := range []bare.Pods{bare.Outlined, bare.Whole} {
		b.Run("pods="+string(pods), func(b *testing.B) {
			w.compare(b, w.run(w.plugin, "status", "-A", "-o", "json"), w.run(w.bare, w.kubeconfig, string(pods)))
		})
	}
}

// BenchmarkLiveExplain is explain for one source and one cluster, by kubectl get of the objects that it needs.
func BenchmarkLiveExplain(b *testing.B) {
	w := liveWorld(b)
	const namespace = "team-00007"
	explain := w.run(w.plugin, "explain", "deployment/app-0", "db-0", "-n", namespace)
	get := func(args ...string) work {
		return w.run(w.kubectl, append([]string{"get", "-o", "json"}, args...)...)
	}
	lists := get("-n", namespace, "pods,networkpolicies,ciliumendpoints,ciliumnetworkpolicies,"+
		"ciliumclusterwidenetworkpolicies,clusters.postgresql.cnpg.io")
	// One kubectl can't read them all: kinds and names can't be mixed, nor two namespaces.
	b.Run("kubectl=3", func(b *testing.B) {
		w.compare(b, explain, inTurn(lists, get("namespaces", namespace), get("-n", "kube-system", "configmaps", "cilium-config")))
	})
	b.Run("kubectl=1", func(b *testing.B) { w.compare(b, explain, lists) })
}

// BenchmarkLiveInProcess is the same without the start of programs, for a look at where the time goes:
//
//	go test ./e2e/bench -run '^$' -bench LiveInProcess -cpuprofile cpu.out
//	go tool pprof -tagfocus work=status -top cpu.out
//
// The garbage collector's own workers have no tag.
func BenchmarkLiveInProcess(b *testing.B) {
	w := liveWorld(b)
	b.Run("status", func(b *testing.B) {
		args := []string{"status", "-A", "-o", "json", "--kubeconfig", w.kubeconfig}
		b.ReportAllocs()
		for b.Loop() {
			var stderr bytes.Buffer
			pprof.Do(b.Context(), pprof.Labels("work", "status"), func(ctx context.Context) {
				if code := plugin.Main(ctx, args, genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: io.Discard, ErrOut: &stderr}); code != 0 {
					b.Fatalf("exit code %d: %s", code, &stderr)
				}
			})
		}
	})
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			pprof.Do(b.Context(), pprof.Labels("work", "bare"), func(ctx context.Context) {
				if _, err := bare.List(ctx, w.server.Config(), bare.Outlined); err != nil {
					b.Fatal(err)
				}
			})
		}
	})
}
