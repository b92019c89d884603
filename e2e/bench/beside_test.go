package bench

import (
	"encoding/json"
	"fmt"
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

// besides are objects of which each has n of something, as in worst, that show only when they are as large as can be.
func besides() map[string]func(n int) []any {
	each := func(n int, f func(i int) any) list {
		out := make(list, n)
		for i := range out {
			out[i] = f(i)
		}
		return out
	}
	one := func(spec fields) []any { return []any{policyOf("p", spec)} }
	labels := func(n int) fields {
		out := fields{}
		for i := range n {
			out[fmt.Sprint("key-", i)] = "x"
		}
		return out
	}
	with := func(object any, metadata fields) []any {
		if o, ok := object.(fields); ok {
			if m, ok := o["metadata"].(fields); ok {
				maps.Copy(m, metadata)
			}
		}
		return []any{object}
	}
	cidr := func(i int) string { return fmt.Sprintf("10.%d.%d.%d/32", i>>16, i>>8&255, i&255) }
	all := map[string]func(n int) []any{
		"annotations": func(n int) []any {
			return with(policyOf("p", fields{"ingress": list{fields{}}}), fields{"annotations": labels(min(n, mostAnnotations))})
		},
		"last-applied": func(n int) []any {
			text, err := json.Marshal(policyOf("p", fields{"ingress": list{fields{"fromCIDR": each(n, func(i int) any { return cidr(i) })}}}))
			if err != nil {
				return nil
			}
			return with(policyOf("p", fields{"ingress": list{fields{}}}), fields{"annotations": fields{"kubectl.kubernetes.io/last-applied-configuration": string(text)}})
		},
		"labels-of-policy": func(n int) []any {
			return with(policyOf("p", fields{"ingress": list{fields{}}}), fields{"labels": labels(n)})
		},
		"deny-rules": func(n int) []any {
			return one(fields{"ingressDeny": each(n, func(i int) any { return fields{"fromCIDR": list{cidr(i)}} })})
		},
		"egress-deny-rules": func(n int) []any {
			return one(fields{"egressDeny": each(n, func(i int) any { return fields{"toCIDR": list{cidr(i)}} })})
		},
		"entities": func(n int) []any {
			return one(fields{"ingress": each(n, func(i int) any {
				return fields{"fromEntities": list{[]string{"world", "cluster", "host", "remote-node", "health"}[i%5]}}
			})})
		},
		"specs": func(n int) []any {
			return []any{fields{"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": fields{"name": "p", "namespace": "db"},
				"specs": each(n, func(i int) any {
					return fields{"endpointSelector": fields{"matchLabels": fields{"cnpg.io/cluster": "pg"}}, "ingress": list{fields{"fromCIDR": list{cidr(i)}}}}
				})}}
		},
		"cidrsets": func(n int) []any {
			return one(fields{"ingress": list{fields{"fromCIDRSet": each(n, func(i int) any {
				return fields{"cidr": fmt.Sprintf("10.%d.%d.0/24", i>>8&255, i&255), "except": list{fmt.Sprintf("10.%d.%d.9/32", i>>8&255, i&255)}}
			})}}})
		},
		"port-list": func(n int) []any {
			return one(fields{"ingress": each(max(1, n/40), func(i int) any {
				return fields{"toPorts": list{fields{"ports": each(40, func(j int) any {
					return fields{"port": fmt.Sprint((i*40+j)%60000 + 1), "protocol": "TCP"}
				})}}}
			})})
		},
		"port-ranges": func(n int) []any {
			return one(fields{"ingress": each(max(1, n/40), func(i int) any {
				return fields{"toPorts": list{fields{"ports": each(40, func(j int) any {
					return fields{"port": fmt.Sprint((i*40+j)%30000 + 1), "endPort": (i*40+j)%30000 + 9, "protocol": "TCP"}
				})}}}
			})})
		},
		"names-exact": func(n int) []any {
			return one(fields{"egress": list{fields{"toFQDNs": each(n, func(i int) any { return fields{"matchName": fmt.Sprintf("host-%d.example.com", i)} })}}})
		},
		"http": func(n int) []any {
			return one(fields{"ingress": list{fields{"toPorts": list{fields{"ports": list{fields{"port": "5432", "protocol": "TCP"}}, "rules": fields{"http": each(n, func(i int) any {
				return fields{"method": "GET", "path": fmt.Sprint("/path/", i)}
			})}}}}}})
		},
		"expressions": func(n int) []any {
			return one(fields{"ingress": list{fields{"fromEndpoints": each(max(1, n/50), func(i int) any {
				return fields{"matchExpressions": each(50, func(j int) any { return fields{"key": fmt.Sprintf("k-%d-%d", i, j), "operator": "DoesNotExist"} })}
			})}}})
		},
		"subject-expressions": func(n int) []any {
			return one(fields{"endpointSelector": fields{"matchExpressions": each(n, func(i int) any { return fields{"key": fmt.Sprint("k-", i), "operator": "DoesNotExist"} })}, "ingress": list{fields{}}})
		},
		"network-policy": func(n int) []any {
			return []any{fields{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": fields{"name": "p", "namespace": "db"}, "spec": fields{
				"podSelector": fields{"matchLabels": fields{"cnpg.io/cluster": "pg"}}, "policyTypes": list{"Ingress"},
				"ingress": list{fields{"from": each(n, func(i int) any { return fields{"ipBlock": fields{"cidr": cidr(i)}} })}}}}}
		},
		"empty-rules": func(n int) []any { return one(fields{"ingress": each(n, func(int) any { return fields{} })}) },
		"namespace-labels": func(n int) []any {
			return []any{fields{"apiVersion": "v1", "kind": "Namespace", "metadata": fields{"name": "db", "labels": labels(n)}}}
		},
		"pod-labels": func(n int) []any {
			return []any{fields{"apiVersion": "v1", "kind": "Pod", "metadata": fields{"name": "pod", "namespace": "db", "labels": labels(n)}}}
		},
		"database-annotations": func(n int) []any {
			return with(databaseIn("db"), fields{"annotations": labels(min(n, mostAnnotations))})
		},
		"external-clusters": func(n int) []any {
			d, ok := databaseIn("db").(fields)
			if spec, is := d["spec"].(fields); ok && is {
				spec["externalClusters"] = each(n, func(i int) any {
					return fields{"name": fmt.Sprint("c-", i), "connectionParameters": fields{"host": fmt.Sprintf("host-%d.example.com", i)}}
				})
			}
			return []any{d}
		},
		"service-ports": func(n int) []any {
			return []any{fields{"apiVersion": "v1", "kind": "Service", "metadata": fields{"name": "pg-rw", "namespace": "db"}, "spec": fields{
				"selector": fields{"cnpg.io/cluster": "pg"}, "ports": each(n, func(i int) any { return fields{"name": fmt.Sprint("p-", i), "port": i%60000 + 1} })}}}
		},
	}
	for name, objects := range worst() {
		all[name] = objects
	}
	return all
}

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

// BenchmarkBeside is status -A -o json of a thousand databases with 100,000 pods and one more database, beside which there is the largest
// object that an API server accepts, by the same without that object: "ratio" is by the processor's time.
func BenchmarkBeside(b *testing.B) {
	all := besides()
	fleetOf := sizes()["pods=100000"]
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
