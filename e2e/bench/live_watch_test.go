package bench

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// watchedNamespace and watchedCluster are where something changes.
const watchedNamespace, watchedCluster = "team-00007", "db-0"

// BenchmarkLiveWatch is the time from a change in the fleet until status -A --watch has printed it: a
// database loses its default deny, and gets it back.
func BenchmarkLiveWatch(b *testing.B) {
	w := liveWorld(b)
	client, err := dynamic.NewForConfig(w.server.Config())
	if err != nil {
		b.Fatal(err)
	}
	policies := client.Resource(schema.GroupVersionResource{Group: "cilium.io", Version: "v2", Resource: "ciliumnetworkpolicies"}).Namespace(watchedNamespace)
	policy, err := policies.Get(b.Context(), watchedCluster+"-default-deny", metav1.GetOptions{})
	if err != nil {
		b.Fatal(err)
	}
	shown := w.watch(b)
	locked := <-shown
	for b.Loop() {
		if err := policies.Delete(b.Context(), policy.GetName(), metav1.DeleteOptions{}); err != nil {
			b.Fatal(err)
		}
		until(b, shown, func(line string) bool { return line != locked })
		if err := create(b.Context(), policies, policy); err != nil {
			b.Fatal(err)
		}
		until(b, shown, func(line string) bool { return line == locked })
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(2*b.N), "s/change")
}

// watch runs status --watch until the benchmark ends, and returns the lines of the watched cluster.
func (w *world) watch(b *testing.B) <-chan string {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	command := exec.CommandContext(ctx, w.plugin, "status", "-A", "--watch")
	command.Env = append(os.Environ(), "KUBECONFIG="+w.kubeconfig)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(output)
		for scanner.Scan() {
			if fields := strings.Fields(scanner.Text()); len(fields) > 1 && fields[0] == watchedNamespace && fields[1] == watchedCluster {
				lines <- strings.Join(fields, " ")
			}
		}
	}()
	b.Cleanup(func() {
		cancel()
		for range lines {
			continue
		}
		_, _ = io.Copy(io.Discard, output)
		_ = command.Wait() // It was killed.
	})
	return lines
}

func until(b *testing.B, lines <-chan string, done func(string) bool) {
	b.Helper()
	for line := range lines {
		if done(line) {
			return
		}
	}
	b.Fatal("status --watch has ended")
}

func create(ctx context.Context, policies dynamic.ResourceInterface, policy *unstructured.Unstructured) error {
	again := policy.DeepCopy()
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"} {
		unstructured.RemoveNestedField(again.Object, "metadata", field)
	}
	_, err := policies.Create(ctx, again, metav1.CreateOptions{})
	return err
}
