package testserver

import (
	"bytes"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// TestReset fills a server and empties it again.
func TestReset(t *testing.T) {
	ctx := t.Context()
	assets, err := Assets(ctx)
	if err != nil {
		t.Fatal(err)
	}
	server, err := Start(ctx, Options{Assets: assets})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	snapshot := func() []byte {
		t.Helper()
		content, err := server.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	client, err := kubernetes.NewForConfig(server.Config())
	if err != nil {
		t.Fatal(err)
	}
	create := func(name string) {
		t.Helper()
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		held := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "held", Finalizers: []string{"example.com/held"}}}
		if _, err := client.CoreV1().ConfigMaps(name).Create(ctx, held, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}

	virgin := snapshot()
	create("shop")
	create("leaving")
	if err := client.CoreV1().Namespaces().Delete(ctx, "leaving", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(snapshot(), virgin) {
		t.Fatal("the snapshot does not show the new objects")
	}
	if err := server.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(snapshot(), virgin) {
		t.Error("the server is not as it was after its start")
	}

	// What was there from the beginning cannot be put back: such a server is spoilt.
	labels := []byte(`{"metadata":{"labels":{"changed":"true"}}}`)
	if _, err := client.CoreV1().Namespaces().Patch(ctx, "default", "application/merge-patch+json", labels, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	err = server.Reset(ctx)
	if err == nil || !strings.Contains(err.Error(), "namespaces /default was changed or deleted") {
		t.Errorf("Reset said %v after a change of the namespace default", err)
	}
}

func TestAssetsNamesTheRemedy(t *testing.T) {
	t.Setenv("KUBEBUILDER_ASSETS", t.TempDir())
	_, err := Assets(t.Context())
	if err == nil || !strings.Contains(err.Error(), `run "make test"`) {
		t.Errorf("got %v for an empty folder, want an error that names make test", err)
	}
}
