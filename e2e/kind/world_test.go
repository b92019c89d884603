//go:build e2e

package kind_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	// outside is the address of 127.0.0.1 that leads to cluster-example's primary.
	outside string
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
	w := &world{lab: theLab, config: config, kube: kube}
	nodes, err := kube.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.outside = "127.0.0.1:" + nodes.Items[0].Labels[lab.OutsidePortLabel]
	w.removePolicies(t)
	begun := time.Now()
	w.applyFile(t, "clients.yaml")
	w.applyFile(t, "databases.yaml")
	for _, namespace := range []string{"default", "other", "backend"} {
		w.kubectl(t, "wait", "--for=condition=Ready", "pod", "-l", "!cnpg.io/cluster", "-n", namespace, "--timeout=5m")
	}
	w.waitHealthy(t, "cluster-example", 2)
	w.waitHealthy(t, "orders", 1)
	w.kubectl(t, "rollout", "status", "deployment/pooler-example", "--timeout=5m")
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
		"POSTGRES_IMAGE": s.PostgresImage, "PGBOUNCER_IMAGE": s.PgBouncerImage, "CLIENT_IMAGE": s.ClientImage,
	} {
		if image == "" {
			// Without an image, the operator takes its own.
			manifest = regexp.MustCompile(`(?m)^ *imageName: \$\{`+name+`\}\n`).ReplaceAllString(manifest, "")
			manifest = strings.ReplaceAll(manifest, `, image: "${`+name+`}"`, "")
		}
		manifest = strings.ReplaceAll(manifest, "${"+name+"}", image)
	}
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

// eventually repeats a check until it has nothing to complain about, and fails with the last
// complaint when the time is over.
func eventually(t *testing.T, limit time.Duration, check func(ctx context.Context) error) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	begun := time.Now()
	for {
		err := check(ctx)
		if err == nil {
			return time.Since(begun)
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Fatalf("not within %s: %v", limit, err)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %v", limit, err)
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// differs is an error that says what was expected and what was seen, nil when both are the same.
func differs[T comparable](what string, want, got T) error {
	if want == got {
		return nil
	}
	return fmt.Errorf("%s: want %v, got %v", what, want, got)
}
