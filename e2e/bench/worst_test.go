package bench

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/object"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
)

type (
	fields = map[string]any
	list   = []any
)

// worst are objects of which each has n of something: what costs the square of n would show.
func worst() map[string]func(n int) []any {
	cidr := func(i int) string { return fmt.Sprintf("10.%d.%d.%d/32", i>>16, i>>8&255, i&255) }
	each := func(n int, f func(i int) any) list {
		out := make(list, n)
		for i := range out {
			out[i] = f(i)
		}
		return out
	}
	key := func(i int) string { return fmt.Sprintf("key-%d", i) }
	one := func(spec fields) []any { return []any{policyOf("p", spec)} }
	pairs := func(n int) fields {
		out := fields{}
		for i := range n {
			out[key(i)] = "x"
		}
		return out
	}
	return map[string]func(n int) []any{
		"cidrs": func(n int) []any {
			return one(fields{"ingress": list{fields{"fromCIDR": each(n, func(i int) any { return cidr(i) })}}})
		},
		"cidrs-egress": func(n int) []any {
			return one(fields{"egress": list{fields{"toCIDR": each(n, func(i int) any { return cidr(i) })}}})
		},
		"rules": func(n int) []any {
			return one(fields{"ingress": each(n, func(i int) any { return fields{"fromCIDR": list{cidr(i)}} })})
		},
		"exceptions": func(n int) []any {
			return one(fields{"ingress": list{fields{"fromCIDRSet": list{fields{"cidr": "10.0.0.0/8", "except": each(n, func(i int) any { return cidr(i) })}}}}})
		},
		"policies": func(n int) []any {
			return each(n, func(i int) any {
				return policyOf(fmt.Sprint("p-", i), fields{"ingress": list{fields{"fromCIDR": list{cidr(i)}}}})
			})
		},
		"labels": func(n int) []any {
			return one(fields{"ingress": list{fields{"fromEndpoints": list{fields{"matchLabels": pairs(n)}}}}})
		},
		"values": func(n int) []any {
			return one(fields{"ingress": list{fields{"fromEndpoints": list{fields{"matchExpressions": list{
				fields{"key": "role", "operator": "In", "values": each(n, func(i int) any { return key(i) })}}}}}}})
		},
		"selectors": func(n int) []any {
			return one(fields{"ingress": list{fields{"fromEndpoints": each(n, func(i int) any {
				return fields{"matchLabels": fields{"app": key(i)}}
			})}}})
		},
		"everywhere": func(n int) []any {
			return one(fields{"ingress": list{fields{"fromEndpoints": each(n, func(i int) any {
				return fields{"matchLabels": fields{"app": key(i)}, "matchExpressions": list{fields{"key": "io.kubernetes.pod.namespace", "operator": "Exists"}}}
			})}}})
		},
		"subjects": func(n int) []any {
			return each(n, func(i int) any {
				return policyOf(fmt.Sprint("p-", i), fields{"endpointSelector": fields{"matchLabels": fields{"app": key(i)}}, "ingress": list{fields{}}})
			})
		},
		"names": func(n int) []any {
			return one(fields{"egress": list{fields{"toFQDNs": each(n, func(i int) any { return fields{"matchPattern": fmt.Sprintf("*.%d.example.com", i)} })}}})
		},
		"group": func(n int) []any {
			return append(one(fields{"ingress": list{fields{"fromCIDRSet": list{fields{"cidrGroupRef": "g"}}}}}), fields{
				"apiVersion": "cilium.io/v2", "kind": "CiliumCIDRGroup", "metadata": fields{"name": "g"},
				"spec": fields{"externalCIDRs": each(n, func(i int) any { return cidr(i) })},
			})
		},
		"ports": func(n int) []any {
			return one(fields{"ingress": each(n, func(i int) any {
				return fields{"toPorts": list{fields{"ports": list{fields{"port": fmt.Sprint(i%60000 + 1), "protocol": "TCP"}}}}}
			})})
		},
		"pods": func(n int) []any {
			return each(n, func(i int) any {
				return fields{"apiVersion": "v1", "kind": "Pod", "metadata": fields{"name": fmt.Sprint("pod-", i), "namespace": "db", "labels": fields{"app": key(i)}}}
			})
		},
		"services": func(n int) []any {
			return append(one(fields{"egress": list{fields{"toServices": each(n, func(i int) any {
				return fields{"k8sService": fields{"serviceName": fmt.Sprint("s-", i), "namespace": "db"}}
			})}}}), each(n, func(i int) any {
				return fields{"apiVersion": "v1", "kind": "Service", "metadata": fields{"name": fmt.Sprint("s-", i), "namespace": "db"}, "spec": fields{"selector": fields{"app": key(i)}}}
			})...)
		},
	}
}

func policyOf(name string, spec fields) any {
	if spec["endpointSelector"] == nil {
		spec["endpointSelector"] = fields{"matchLabels": fields{"cnpg.io/cluster": "pg"}}
	}
	return fields{"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": fields{"name": name, "namespace": "db"}, "spec": spec}
}

func databaseIn(namespace string) any {
	return fields{"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": fields{"name": "pg", "namespace": namespace},
		"spec": fields{"instances": 2, "storage": fields{"size": "1Gi"}, "backup": fields{"barmanObjectStore": fields{
			"destinationPath": "s3://b/", "endpointURL": "https://s3-" + namespace + ".example.com", "s3Credentials": fields{"inheritFromIAMRole": true}}}}}
}

// worstFile is a database with the objects around it.
func worstFile(b *testing.B, objects []any) string {
	b.Helper()
	file := filepath.Join(b.TempDir(), "worst.json")
	f, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	if err := writeLines(f, append([]any{databaseIn("db")}, objects...)); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return file
}

// BenchmarkWorst is status -A over one database and objects that have much of something, and grow by ten.
func BenchmarkWorst(b *testing.B) {
	for name, objects := range worst() {
		for _, n := range []int{100, 1000, 10000} {
			b.Run(fmt.Sprintf("%s=%d", name, n), func(b *testing.B) {
				file := worstFile(b, objects(n))
				for b.Loop() {
					status(b, file)
				}
			})
		}
	}
}

// BenchmarkCutOff is status -A over databases that one policy cuts off from their object stores, so that an addition is
// tried for each.
func BenchmarkCutOff(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("databases=%d", n), func(b *testing.B) {
			objects := []any{fields{
				"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy", "metadata": fields{"name": "inside"},
				"spec": fields{"endpointSelector": fields{}, "egress": list{fields{"toEntities": list{"cluster"}}}},
			}}
			for i := range n {
				objects = append(objects, databaseIn(fmt.Sprint("team-", i)))
			}
			file := worstFile(b, objects)
			for b.Loop() {
				status(b, file)
			}
		})
	}
}

func status(b *testing.B, file string) {
	b.Helper()
	inv, err := manifests.Load(b.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{file}}})
	if err != nil {
		b.Fatal(err)
	}
	m, err := model.New(inv, model.Options{})
	if err != nil {
		b.Fatal(err)
	}
	reports := assess.Evaluate(m)
	if err := object.JSON(io.Discard, reports); err != nil {
		b.Fatal(err)
	}
	if err := text.Reports(io.Discard, reports, text.Options{Width: 100}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkWorstExplain is explain of a prefix that has all of the addresses in it.
func BenchmarkWorstExplain(b *testing.B) {
	for _, name := range []string{"cidrs", "rules", "exceptions", "policies"} {
		for _, n := range []int{100, 1000, 10000} {
			b.Run(fmt.Sprintf("%s=%d", name, n), func(b *testing.B) {
				file := worstFile(b, worst()[name](n))
				for b.Loop() {
					explanation(b, file)
				}
			})
		}
	}
}

func explanation(b *testing.B, file string) {
	b.Helper()
	inv, err := manifests.Load(b.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{file}}})
	if err != nil {
		b.Fatal(err)
	}
	source, err := explain.ParseSource("10.0.0.0/8")
	if err != nil {
		b.Fatal(err)
	}
	m, err := model.New(inv, model.Options{Extra: source.Extra()})
	if err != nil {
		b.Fatal(err)
	}
	q, err := explain.Ask(m, types.NamespacedName{Namespace: "db", Name: "pg"}, source, explain.Query{Port: "5432"})
	if err != nil {
		b.Fatal(err)
	}
	var e v1alpha1.Explanation
	if e, err = q.Explain(); err != nil {
		b.Fatal(err)
	}
	if err := text.Explanation(io.Discard, e, text.Options{Width: 100}); err != nil {
		b.Fatal(err)
	}
}
