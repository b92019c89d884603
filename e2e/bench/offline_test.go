// Package bench measures the plugin over generated fleets. Run it with make bench; README.md says how
// the numbers in it were taken.
package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/resource"
	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/fleet"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/object"
)

// sizes are fleets of about so many pods: ten namespaces for each thousand, each with one locked
// database of three instances and 97 application pods of ten workloads.
func sizes() map[string]fleet.Size {
	out := map[string]fleet.Size{}
	for _, thousands := range []int{1, 10, 100} {
		n := thousands * 10
		out[fmt.Sprintf("pods=%d000", thousands)] = fleet.Size{
			Namespaces: n, ClusterNamespaces: n, ClustersPerNamespace: 1, Instances: 3, AppPods: 97, Workloads: 10, CiliumPolicies: true,
		}
	}
	out["pods=1000,networkpolicies=100"] = fleet.Size{
		Namespaces: 10, ClusterNamespaces: 10, ClustersPerNamespace: 1, Instances: 3, AppPods: 97, Workloads: 10, NetworkPolicies: 100,
	}
	return out
}

func fleetFile(b *testing.B, s fleet.Size, form fleet.Form) string {
	b.Helper()
	name := filepath.Join(b.TempDir(), "fleet.json")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	if err := fleet.Write(f, s, form); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return name
}

// BenchmarkOfflineStatus is status -A -o json over manifests, without the start of the program.
func BenchmarkOfflineStatus(b *testing.B) {
	for name, size := range sizes() {
		b.Run(name, func(b *testing.B) {
			file := fleetFile(b, size, fleet.List)
			b.ReportAllocs()
			for b.Loop() {
				inv, err := manifests.Load(b.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{file}}})
				if err != nil {
					b.Fatal(err)
				}
				m, err := model.New(inv, model.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if err := object.JSON(io.Discard, assess.Evaluate(m)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size.Pods())*float64(b.N)/b.Elapsed().Seconds(), "pods/s")
		})
	}
}

// BenchmarkDecodeOnly is the yardstick: the same file, split into objects and decoded into the types of
// the API, as kubectl would do it at least.
func BenchmarkDecodeOnly(b *testing.B) {
	for name, size := range sizes() {
		b.Run(name, func(b *testing.B) {
			file := fleetFile(b, size, fleet.List)
			b.ReportAllocs()
			for b.Loop() {
				if err := decodeOnly(file); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size.Pods())*float64(b.N)/b.Elapsed().Seconds(), "pods/s")
		})
	}
}

func decodeOnly(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var all struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&all); err != nil {
		return err
	}
	for _, raw := range all.Items {
		var kind metav1.TypeMeta
		if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &kind); err != nil {
			return err
		}
		var into any = &map[string]any{}
		if kind.Kind == "Pod" {
			into = &corev1.Pod{}
		}
		if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, into); err != nil {
			return err
		}
	}
	return nil
}
