package bench

import (
	"slices"
	"testing"

	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/fleet"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// BenchmarkMonitor is what status --watch computes after a change: a policy of one namespace comes or
// goes. BenchmarkEvaluate is the yardstick, the same for everything.
func BenchmarkMonitor(b *testing.B) {
	for name, size := range sizes() {
		b.Run(name, func(b *testing.B) {
			all := load(b, fleetFile(b, size, fleet.List))
			less := *all
			less.Policies = slices.Delete(slices.Clone(all.Policies), 0, 1)
			monitor := assess.NewMonitor(model.Options{})
			if _, _, err := monitor.Evaluate(all); err != nil {
				b.Fatal(err)
			}
			evaluated := 0
			for b.Loop() {
				for _, inv := range []*inventory.Inventory{&less, all} {
					_, touched, err := monitor.Evaluate(inv)
					if err != nil {
						b.Fatal(err)
					}
					evaluated += len(touched)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(2*b.N), "s/change")
			b.ReportMetric(float64(evaluated)/float64(2*b.N), "clusters/change")
		})
	}
}

// BenchmarkEvaluate reports on everything, once it has been read.
func BenchmarkEvaluate(b *testing.B) {
	for name, size := range sizes() {
		b.Run(name, func(b *testing.B) {
			inv := load(b, fleetFile(b, size, fleet.List))
			for b.Loop() {
				m, err := model.New(inv, model.Options{})
				if err != nil {
					b.Fatal(err)
				}
				assess.Evaluate(m)
			}
		})
	}
}

func load(b *testing.B, file string) *inventory.Inventory {
	b.Helper()
	inv, err := manifests.Load(b.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{file}}})
	if err != nil {
		b.Fatal(err)
	}
	return inv
}
