package bench

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/fleet"
)

// manyDatabases is a fleet of so many databases, nine pods and half a NetworkPolicy for each of them: 10,000 are 145,000
// documents of 55 MB.
func manyDatabases(databases int) fleet.Size {
	return fleet.Size{
		Namespaces: databases, ClusterNamespaces: databases, ClustersPerNamespace: 1, Instances: 3, AppPods: 6, Workloads: 3,
		CiliumPolicies: true, NetworkPolicies: databases / 2, Short: true,
	}
}

// BenchmarkManyDatabases is status -A -o json as a whole process, by one that only decodes the same file: for documents of YAML
// that are JSON each, as dumps of clusters have them, and for lines of JSON, which are decoded several times as fast.
func BenchmarkManyDatabases(b *testing.B) {
	dir := b.TempDir()
	status, decode := filepath.Join(dir, "kubectl-cnpg_netpol"), filepath.Join(dir, "decode")
	for program, source := range map[string]string{status: "cmd/kubectl-cnpg_netpol", decode: "e2e/bench/bare/decode"} {
		if err := build(b.Context(), program, source); err != nil {
			b.Fatal(err)
		}
	}
	for _, form := range []fleet.Form{fleet.YAML, fleet.Lines} {
		for _, databases := range []int{100, 1000, 10000} {
			b.Run(fmt.Sprintf("form=%s/databases=%d", form, databases), func(b *testing.B) {
				file := fleetFile(b, manyDatabases(databases), form)
				var plugin, yardstick []usage
				for b.Loop() {
					plugin = append(plugin, process(b, status, "status", "-A", "-o", "json", "-f", file))
					yardstick = append(yardstick, process(b, decode, file))
				}
				cpu := func(u usage) float64 { return u.cpu.Seconds() }
				wall := func(u usage) float64 { return u.wall.Seconds() }
				b.ReportMetric(median(each(plugin, cpu)), "cpu-s/op")
				b.ReportMetric(median(each(yardstick, cpu)), "yardstick-cpu-s/op")
				b.ReportMetric(median(ratios(each(plugin, cpu), each(yardstick, cpu))), "cpu-ratio")
				b.ReportMetric(median(ratios(each(plugin, wall), each(yardstick, wall))), "ratio")
				b.ReportMetric(median(each(plugin, func(u usage) float64 { return float64(u.peak) / (1 << 20) })), "peak-MB")
			})
		}
	}
}

// process runs a program on this machine, and returns what it took.
func process(b *testing.B, program string, args ...string) usage {
	b.Helper()
	u, err := runProgram(b.Context(), nil, program, args...)
	if err != nil {
		b.Fatal(err)
	}
	return u
}

// runProgram runs a program with more in its environment. What it writes to stdout goes to /dev/null.
func runProgram(ctx context.Context, environment []string, program string, args ...string) (usage, error) {
	var stderr bytes.Buffer
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(command.Environ(), environment...)
	command.Stderr = &stderr
	start := time.Now()
	err := command.Run()
	wall := time.Since(start)
	if err != nil {
		return usage{}, fmt.Errorf("%v: %w\n%s", command.Args, err, &stderr)
	}
	u := usage{wall: wall, cpu: command.ProcessState.UserTime() + command.ProcessState.SystemTime()}
	if used, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peak = used.Maxrss << 10 // Linux counts in KiB.
	}
	return u, nil
}
