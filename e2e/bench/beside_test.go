package bench

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/fleet"
)

// largestObject is how many bytes an API server accepts: etcd's limit for a request.
const largestObject = 3 << 19

// mostAnnotations are as many short ones as an API server accepts: 256 KiB.
const mostAnnotations = 12_000

// asLargeAsCanBe are the objects with as many of something as have room in the largest object.
func asLargeAsCanBe(b *testing.B, objects func(n int) []any) []any {
	b.Helper()
	size := func(n int) int {
		text, err := json.Marshal(objects(n))
		if err != nil {
			b.Fatal(err)
		}
		return len(text)
	}
	const some = 10_000
	n := largestObject / max(1, (size(some)/some))
	for size(n) > largestObject {
		n -= n / 50
	}
	return objects(n)
}

// BenchmarkBeside is status -A -o json of a thousand databases with 9,000 pods and one more database, beside which there is the largest
// object that an API server accepts, by the same without that object: "ratio" is by the processor's time. With more pods, the same
// costs as much and is a smaller part.
func BenchmarkBeside(b *testing.B) {
	all := besides()
	fleetOf := manyDatabases(1000)
	fleetOf.NetworkPolicies = 0
	bare := besideFleet(b, fleetOf, nil)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.Run(name, func(b *testing.B) {
			file := besideFleet(b, fleetOf, asLargeAsCanBe(b, all[name]))
			var with, without []float64
			cost := func(file string) float64 {
				begun := processorTime(b)
				status(b, file)
				return (processorTime(b) - begun).Seconds()
			}
			for b.Loop() {
				without, with = append(without, cost(bare)), append(with, cost(file))
			}
			b.ReportMetric(median(with), "cpu-s/op")
			b.ReportMetric(median(with)-median(without), "more-cpu-s/op")
			b.ReportMetric(median(ratios(with, without)), "cpu-ratio")
		})
	}
}

// besideFleet writes a fleet, a database and what is beside it.
func besideFleet(b *testing.B, size fleet.Size, objects []any) string {
	b.Helper()
	file := fleetFile(b, size, fleet.Lines)
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	if !slices.ContainsFunc(objects, isDatabase) {
		objects = append(objects, databaseIn("db"))
	}
	if err := writeLines(f, objects); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return file
}

func isDatabase(object any) bool {
	o, ok := object.(fields)
	return ok && o["kind"] == "Cluster"
}

func writeLines(w io.Writer, objects []any) error {
	var text strings.Builder
	for _, o := range objects {
		if err := json.NewEncoder(&text).Encode(o); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}
