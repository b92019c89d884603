package assess

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// One cluster that takes too long is UNKNOWN, and all others have their reports. The time is over when the test says so.
func TestOneClusterThatTakesTooLong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "all.yaml")
	text := ""
	for _, name := range []string{"a", "b", "slow", "z"} {
		text += "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: " + name + ", namespace: db}\nspec: {instances: 2, storage: {size: 1Gi}}\n---\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	inv, err := manifests.Load(t.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{file}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	over, release := make(chan time.Time), make(chan struct{})
	close(over)
	t.Cleanup(func() { close(release) })
	begin := func(c *model.Cluster) (<-chan time.Time, func()) {
		if c.Object.Name == "slow" {
			return over, func() {}
		}
		return nil, func() {} // It may take as long as it takes.
	}
	list := evaluateWithin(m, Patience{Limit: 3 * time.Second, Begin: begin}, func(m *model.Model, c *model.Cluster) v1alpha1.IsolationReport {
		if c.Object.Name == "slow" {
			<-release
		}
		return Report(m, c)
	})
	others := 0
	for i, r := range list.Items {
		if r.Metadata.Name != m.Clusters()[i].Object.Name {
			t.Fatalf("report %d is about %q", i, r.Metadata.Name)
		}
		if r.Metadata.Name != "slow" {
			others++
			if len(r.Pods) != 2 || r.Posture == "" {
				t.Errorf("%s: %d pods, %q", r.Metadata.Name, len(r.Pods), r.Posture)
			}
			continue
		}
		const want = "the evaluation of the cluster took longer than 3s, and was given up"
		if r.Posture != v1alpha1.PostureUnknown || len(r.Findings) != 1 || r.Findings[0].Message != want || r.Findings[0].Code != v1alpha1.EvidenceMissing {
			t.Errorf("%s, %+v", r.Posture, r.Findings)
		}
	}
	if others != 3 {
		t.Errorf("%d other reports", others)
	}
}
