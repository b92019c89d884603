package bench

import (
	"fmt"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/fleet"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// BenchmarkLockdownAll is the proposal of lockdown -A, preview and proof of the order included, for databases that nothing
// restricts yet: ten times as many take about ten times as long.
func BenchmarkLockdownAll(b *testing.B) {
	for _, databases := range []int{10, 100, 1000} {
		for _, per := range []int{1, 10} {
			b.Run(fmt.Sprintf("databases=%d,per-namespace=%d", databases, per), func(b *testing.B) {
				namespaces := databases / per
				inv := load(b, fleetFile(b, fleet.Size{Namespaces: namespaces, ClusterNamespaces: namespaces, ClustersPerNamespace: per, Instances: 3, AppPods: 10, Workloads: 10}))
				m, err := model.New(inv, model.Options{})
				if err != nil {
					b.Fatal(err)
				}
				set, err := policyset.Parse(policyset.FlagValues{Allow: []string{"--allow-pods=role=backend"}, OperatorNamespaces: []string{"cnpg-system"}})
				if err != nil {
					b.Fatal(err)
				}
				var options []policyset.Options
				for _, c := range m.Clusters() {
					one := set
					one.Cluster = c.Key()
					options = append(options, one)
				}
				for b.Loop() {
					p, err := change.ProposeLockdown(m, options)
					if err != nil {
						b.Fatal(err)
					}
					if len(p.Plan.Steps) != 3*databases {
						b.Fatalf("%d steps, %+v", len(p.Plan.Steps), p.Refusals)
					}
				}
			})
		}
	}
}
