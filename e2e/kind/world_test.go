//go:build e2e

package kind_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/lab"
)

// world is the cluster as the tests see it.
type world struct {
	lab    *lab.Lab
	config *rest.Config
	kube   *kubernetes.Clientset
	// outside are the addresses of 127.0.0.1 that lead to the nodes' port of cluster-example's primary, by node.
	outside map[string]string
	// drops are the packets that policies deny.
	drops *dropWatch
}

// newWorld starts the databases and the clients, and waits for them.
func newWorld(t *testing.T) *world {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", theLab.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 100, 200
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{lab: theLab, config: config, kube: kube, outside: map[string]string{}}
	nodes, err := kube.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range nodes.Items {
		if port := nodes.Items[i].Labels[lab.OutsidePortLabel]; port != "" {
			w.outside[nodes.Items[i].Name] = "127.0.0.1:" + port
		}
	}
	w.drops = w.watchDrops(t)
	w.removePolicies(t)
	begun := time.Now()
	// A namespace that is new has no service account for its pods yet.
	clients := readManifest(t, w.lab.Sources, filepath.Join("testdata", "clients.yaml"))
	eventually(t, func(ctx context.Context) error { return w.lab.Apply(ctx, []byte(clients)) })
	for i := range nodes.Items {
		w.applyOnNode(t, "host.yaml", nodes.Items[i].Name)
	}
	w.applyFile(t, "databases.yaml")
	for _, namespace := range []string{"default", "other", "backend"} {
		w.kubectl(t, "wait", "--for=condition=Ready", "pod", "-l", "!cnpg.io/cluster", "-n", namespace, "--timeout=10m")
	}
	w.waitHealthy(t, "cluster-example", 2)
	w.waitHealthy(t, "orders", 1)
	w.kubectl(t, "rollout", "status", "deployment/pooler-example", "--timeout=10m")
	w.lab.Log("PostgreSQL clusters and clients run: %s", time.Since(begun).Round(time.Second))
	return w
}

// it is one case: a sentence that must hold. The first that fails ends its group.
func (w *world) it(t *testing.T, sentence string, run func(t *testing.T)) {
	t.Helper()
	if !t.Run(sentence, func(t *testing.T) {
		defer func() {
			if t.Failed() {
				collect(context.Background(), fileName(t.Name()))
			}
		}()
		run(t)
	}) {
		t.FailNow()
	}
}

func fileName(test string) string {
	return strings.Trim(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(test, "-"), "-")
}

// kubectl runs kubectl, which must succeed.
func (w *world) kubectl(t *testing.T, arguments ...string) string {
	t.Helper()
	out, err := w.lab.Kubectl(t.Context(), nil, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// applyFile applies a manifest of testdata with the images filled in.
func (w *world) applyFile(t *testing.T, name string) {
	t.Helper()
	w.apply(t, readManifest(t, w.lab.Sources, filepath.Join("testdata", name)))
}

// applyOnNode applies a manifest of testdata that is about one node.
func (w *world) applyOnNode(t *testing.T, name, node string) {
	t.Helper()
	w.apply(t, strings.ReplaceAll(readManifest(t, w.lab.Sources, filepath.Join("testdata", name)), "NODE", node))
}

func (w *world) apply(t *testing.T, manifest string) {
	t.Helper()
	if err := w.lab.Apply(t.Context(), []byte(manifest)); err != nil {
		t.Fatal(err)
	}
}

func readManifest(t *testing.T, s lab.Sources, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	manifest := string(content)
	for name, image := range map[string]string{
		"POSTGRES_IMAGE": s.PostgresImage, "PGBOUNCER_IMAGE": s.PgBouncerImage, "CLIENT_IMAGE": s.ClientImage, "BARMAN_IMAGE": s.BarmanImage,
	} {
		if image == "" {
			// Without an image, the operator takes its own.
			manifest = regexp.MustCompile(`(?m)^ *imageName: \$\{`+name+`\}\n`).ReplaceAllString(manifest, "")
			manifest = strings.ReplaceAll(manifest, `, image: "${`+name+`}"`, "")
		}
		manifest = strings.ReplaceAll(manifest, "${"+name+"}", image)
	}
	first := ""
	if s.PgBouncerImage != "" {
		first = "/psql:"
	}
	manifest = strings.ReplaceAll(manifest, "${PSQL_FIRST}", first)
	return manifest
}

// removePolicies leaves no policy behind, whoever made it.
func (w *world) removePolicies(t *testing.T) {
	t.Helper()
	w.kubectl(t, "delete", "ciliumnetworkpolicies,networkpolicies", "-A", "--all")
	w.kubectl(t, "delete", "ciliumclusterwidenetworkpolicies", "--all")
}

// pods are those with a label; no namespace is all of them.
func (w *world) pods(t *testing.T, namespace, selector string) []corev1.Pod {
	t.Helper()
	list, err := w.kube.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// addresses are those of the pods with a label; no namespace is all of them.
func (w *world) addresses(t *testing.T, namespace, selector string) []netip.Addr {
	t.Helper()
	out, err := w.addressesOf(t.Context(), namespace, selector)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *world) addressesOf(ctx context.Context, namespace, selector string) ([]netip.Addr, error) {
	list, err := w.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
	for i := range list.Items {
		if address, err := netip.ParseAddr(list.Items[i].Status.PodIP); err == nil {
			out = append(out, address)
		}
	}
	return out, nil
}

func (w *world) podAddress(ctx context.Context, namespace, name string) (netip.Addr, error) {
	pod, err := w.kube.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return netip.Addr{}, err
	}
	return netip.ParseAddr(pod.Status.PodIP)
}

// result is what a program in a pod did.
type result struct {
	out, errors string
	err         error
}

// exec runs a program in a pod's first container.
func (w *world) exec(ctx context.Context, namespace, pod string, command ...string) result {
	var out, errs bytes.Buffer
	err := w.stream(ctx, namespace, pod, command, remotecommand.StreamOptions{Stdout: &out, Stderr: &errs})
	return result{out: strings.TrimSpace(out.String()), errors: strings.TrimSpace(errs.String()), err: err}
}

func (w *world) stream(ctx context.Context, namespace, pod string, command []string, options remotecommand.StreamOptions) error {
	request := w.kube.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: command, Stdout: true, Stderr: true}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(w.config, "GET", request.URL().String())
	if err != nil {
		return err
	}
	return executor.StreamWithContext(ctx, options)
}

// patience is when the suite gives up on what does not come. It is far more than anything takes on a
// busy machine, so that it says nothing about speed.
const patience = 6 * time.Minute

// repeat repeats a check until it has nothing to complain about, and returns how long that took. When
// the patience is over, its error is the last complaint.
func repeat(ctx context.Context, check func(ctx context.Context) error) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	begun := time.Now()
	var last error
	for {
		err := check(ctx)
		switch {
		case err == nil:
			return time.Since(begun), nil
		case ctx.Err() == nil || last == nil:
			// A check that the end of the time has interrupted says less than the one before it.
			last = err
		}
		select {
		case <-ctx.Done():
			return time.Since(begun), fmt.Errorf("not within %s: %w", patience, last)
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// eventually repeats a check, and ends the test when the patience is over.
func eventually(t *testing.T, check func(ctx context.Context) error) time.Duration {
	t.Helper()
	took, err := repeat(t.Context(), check)
	if err != nil {
		t.Fatal(err)
	}
	return took
}

// differs is an error that says what was expected and what was seen, nil when both are the same.
func differs[T comparable](what string, want, got T) error {
	if want == got {
		return nil
	}
	return fmt.Errorf("%s: want %v, got %v", what, want, got)
}
