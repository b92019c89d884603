package bench

import (
	"fmt"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/fleet"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
)

// BenchmarkOrder is the proof that lockdown -A cuts off no database at any moment, for databases that nothing restricts yet,
// by the processor's time: ten times as many take about ten times as long. BenchmarkLockdownAll is the proposal of it, and
// BenchmarkLockdownPreviews the proposal with its previews as text, each of which counts everybody who loses access.
func BenchmarkOrder(b *testing.B) {
	eachFleet(b, func(b *testing.B, m *model.Model, options []policyset.Options) {
		plan, err := change.Lockdown(m.Inventory().Policies, options)
		if err != nil {
			b.Fatal(err)
		}
		begun := processorTime(b)
		for b.Loop() {
			if problems, err := change.CheckOrder(m, m.Inventory().Policies, plan); err != nil || len(problems) > 0 || len(plan.Steps) != 3*len(options) {
				b.Fatalf("%d steps, %v, %v", len(plan.Steps), problems, err)
			}
		}
		b.ReportMetric((processorTime(b)-begun).Seconds()/float64(b.N), "cpu-s/op")
	})
}

// BenchmarkLockdownAll is described at BenchmarkOrder.
func BenchmarkLockdownAll(b *testing.B) {
	eachFleet(b, func(b *testing.B, m *model.Model, options []policyset.Options) {
		begun := processorTime(b)
		for b.Loop() {
			if p, err := change.ProposeLockdown(m, options); err != nil || len(p.Refusals) > 0 {
				b.Fatalf("%+v, %v", p.Refusals, err)
			}
		}
		b.ReportMetric((processorTime(b)-begun).Seconds()/float64(b.N), "cpu-s/op")
	})
}

// BenchmarkLockdownPreviews is described at BenchmarkOrder.
func BenchmarkLockdownPreviews(b *testing.B) {
	eachFleet(b, func(b *testing.B, m *model.Model, options []policyset.Options) {
		begun := processorTime(b)
		for b.Loop() {
			p, err := change.ProposeLockdown(m, options)
			if err != nil {
				b.Fatal(err)
			}
			for _, preview := range p.Previews {
				if err := text.Preview(io.Discard, "lockdown", preview.Whole(), text.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric((processorTime(b)-begun).Seconds()/float64(b.N), "cpu-s/op")
	})
}

// eachFleet does something with open fleets, and with what locks down all of their databases.
func eachFleet(b *testing.B, do func(*testing.B, *model.Model, []policyset.Options)) {
	for _, databases := range []int{10, 100, 1000} {
		for _, per := range []int{1, 10} {
			b.Run(fmt.Sprintf("databases=%d,per-namespace=%d", databases, per), func(b *testing.B) {
				namespaces := databases / per
				m, err := model.New(load(b, fleetFile(b, fleet.Size{Namespaces: namespaces, ClusterNamespaces: namespaces, ClustersPerNamespace: per, Instances: 3, AppPods: 10, Workloads: 10}, fleet.List)), model.Options{})
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
				do(b, m, options)
			})
		}
	}
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
