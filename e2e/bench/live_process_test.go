package bench

import (
	"context"
	"slices"
	"testing"
	"time"
)

// usage is what a program took, start and end included.
type usage struct {
	wall, cpu time.Duration
	// peak is the most memory that it had, in bytes.
	peak int64
}

// work runs one or more programs.
type work func(ctx context.Context) (usage, error)

// run returns the work of a program. What it writes to stdout goes to /dev/null.
func (w *world) run(program string, args ...string) work {
	return func(ctx context.Context) (usage, error) {
		// kubectl keeps what it has discovered in HOME.
		return runProgram(ctx, []string{"HOME=" + w.dir, "KUBECONFIG=" + w.kubeconfig}, program, args...)
	}
}

// inTurn does one work after the other.
func inTurn(all ...work) work {
	return func(ctx context.Context) (usage, error) {
		var sum usage
		for _, do := range all {
			u, err := do(ctx)
			if err != nil {
				return usage{}, err
			}
			sum.wall += u.wall
			sum.cpu += u.cpu
		}
		return sum, nil
	}
}

// pairs is how often both sides of a comparison are measured in one iteration.
const pairs = 5

// compare measures the plugin's work and a yardstick by turns, because the machine's speed drifts,
// and reports the medians: of the plugin, of the yardstick, and of the ratios of neighbours.
func (w *world) compare(b *testing.B, plugin, yardstick work) {
	b.Helper()
	sides := [2]work{plugin, yardstick}
	// The first time warms up the server's caches, kubectl's discovery and the file system's cache.
	for _, side := range sides {
		if _, err := side(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	var all [2][]usage
	for b.Loop() {
		for range pairs {
			// The one that went second goes first.
			first := len(all[0]) % 2
			for _, i := range []int{first, 1 - first} {
				if err := w.level(b.Context()); err != nil {
					b.Fatal(err)
				}
				u, err := sides[i](b.Context())
				if err != nil {
					b.Fatal(err)
				}
				all[i] = append(all[i], u)
			}
		}
	}
	wall := func(u usage) float64 { return u.wall.Seconds() }
	cpu := func(u usage) float64 { return u.cpu.Seconds() }
	b.ReportMetric(median(each(all[0], wall))*1e9, "ns/op")
	b.ReportMetric(median(each(all[0], cpu)), "cpu-s/op")
	b.ReportMetric(median(each(all[1], wall)), "yardstick-s/op")
	b.ReportMetric(median(each(all[1], cpu)), "yardstick-cpu-s/op")
	b.ReportMetric(median(ratios(each(all[0], wall), each(all[1], wall))), "ratio")
	b.ReportMetric(median(ratios(each(all[0], cpu), each(all[1], cpu))), "cpu-ratio")
}

func each(all []usage, of func(usage) float64) []float64 {
	values := make([]float64, len(all))
	for i, u := range all {
		values[i] = of(u)
	}
	return values
}

func ratios(of, by []float64) []float64 {
	values := make([]float64, len(of))
	for i := range of {
		values[i] = of[i] / by[i]
	}
	return values
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
