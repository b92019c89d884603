package bench

import (
	"fmt"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/fleet"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// BenchmarkEnding is status -A over databases whose lockdowns are all on trial, each with the posture that it has afterwards.
func BenchmarkEnding(b *testing.B) {
	for _, databases := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("databases=%d", databases), func(b *testing.B) {
			inv := load(b, fleetFile(b, fleet.Size{Namespaces: databases, ClusterNamespaces: databases, ClustersPerNamespace: 1, Instances: 3, AppPods: 6, Workloads: 3, Short: true}, fleet.List))
			inv.Policies = append(inv.Policies, onTrial(b, inv)...)
			inv.Finish()
			m, err := model.New(inv, model.Options{})
			if err != nil {
				b.Fatal(err)
			}
			begun := processorTime(b)
			for b.Loop() {
				for _, r := range assess.Evaluate(m).Items {
					if len(r.Timed) != 1 || r.Timed[0].Then != v1alpha1.PostureOpen {
						b.Fatalf("%s: %+v", r.Metadata.Namespace, r.Timed)
					}
				}
			}
			b.ReportMetric((processorTime(b)-begun).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}

// onTrial are the policies of a lockdown of every database that ends by itself.
func onTrial(b *testing.B, inv *inventory.Inventory) []inventory.Policy {
	b.Helper()
	set, err := policyset.Parse(policyset.FlagValues{OperatorNamespaces: []string{"cnpg-system"}})
	if err != nil {
		b.Fatal(err)
	}
	var options []policyset.Options
	for _, c := range inv.Clusters {
		one := set
		one.Cluster.Namespace, one.Cluster.Name = c.Namespace, c.Name
		options = append(options, one)
	}
	plan, err := change.Lockdown(nil, options)
	if err != nil {
		b.Fatal(err)
	}
	var out []inventory.Policy
	for _, step := range plan.Steps {
		object := step.After
		if policyset.Role(object.Labels[policyset.LabelPolicy]) == policyset.DefaultDeny {
			object = policyset.EndingWith(object, policyset.Timer{Name: "trial", UID: "1"})
		}
		out = append(out, inventory.Policy{PolicyReference: step.Policy, Labels: object.Labels, Annotations: object.Annotations, Object: object})
	}
	return out
}

// BenchmarkDependants is status -A over databases each of which is a replica of the one before it.
func BenchmarkDependants(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprintf("databases=%d", n), func(b *testing.B) {
			var objects []any
			for i := range n {
				objects = append(objects, fields{
					"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": fields{"name": "pg", "namespace": fmt.Sprint("team-", i)},
					"spec": fields{
						"instances": 1, "storage": fields{"size": "1Gi"}, "replica": fields{"enabled": true, "source": "origin"},
						"bootstrap": fields{"pg_basebackup": fields{"source": "origin"}},
						"externalClusters": list{fields{"name": "origin", "connectionParameters": fields{
							"host": fmt.Sprintf("pg-rw.team-%d.svc", (i+1)%n), "user": "streaming_replica"}}},
					},
				})
			}
			measured(b, worstFile(b, objects))
		})
	}
}

// BenchmarkGuarded is status -A over open databases and as many applications, each with an egress policy of its own, which lets all of
// them connect or every second one.
func BenchmarkGuarded(b *testing.B) {
	for _, allowed := range []bool{true, false} {
		for _, n := range []int{10, 100, 1000} {
			b.Run(fmt.Sprintf("allowed=%t/databases=%d", allowed, n), func(b *testing.B) {
				var objects []any
				for i := range n {
					namespace, app := fmt.Sprint("team-", i), fields{"app": fmt.Sprint("app-", i)}
					port := "5432"
					if !allowed && i%2 == 1 {
						port = "8080"
					}
					objects = append(objects, databaseIn(namespace),
						fields{"apiVersion": "v1", "kind": "Pod", "metadata": fields{"name": "app", "namespace": namespace, "labels": app}},
						fields{"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": fields{"name": "app", "namespace": namespace},
							"spec": fields{"endpointSelector": fields{"matchLabels": app}, "egress": list{fields{
								"toEntities": list{"all"}, "toPorts": list{fields{"ports": list{fields{"port": port, "protocol": "TCP"}}}}}}}})
				}
				measured(b, worstFile(b, objects))
			})
		}
	}
}

// BenchmarkWidely is status -A over databases that let in many, and as many applications: by policies of their own, in a namespace of
// their own or all in one, and by one policy for all of them.
func BenchmarkWidely(b *testing.B) {
	ports := list{fields{"ports": list{fields{"port": "5432", "protocol": "TCP"}}}}
	everywhere := fields{"key": "io.kubernetes.pod.namespace", "operator": "Exists"}
	from := func(field string, what any) list { return list{fields{field: list{what}, "toPorts": ports}} }
	own := func(ingress func(i, n int) fields) func(i, n int) any {
		return func(i, n int) any {
			spec := ingress(i, n)
			spec["endpointSelector"] = fields{"matchLabels": fields{"cnpg.io/cluster": "pg"}}
			return fields{"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": fields{"name": "p", "namespace": fmt.Sprint("team-", i)}, "spec": spec}
		}
	}
	for name, tc := range map[string]struct {
		each func(i, n int) any
		one  any
		// together is true where all are in one namespace.
		together bool
	}{
		"the-cluster": {each: own(func(int, int) fields { return fields{"ingress": from("fromEntities", "cluster")} })},
		"a-label": {each: own(func(int, int) fields {
			return fields{"ingress": from("fromEndpoints", fields{"matchExpressions": list{everywhere, fields{"key": "app", "operator": "Exists"}}})}
		})},
		"all-but-one": {each: own(func(i, n int) fields {
			other := (i + 1) % n
			return fields{"ingress": list{fields{"fromEntities": list{"all"}}}, "ingressDeny": list{fields{"fromEndpoints": list{fields{
				"matchLabels": fields{"app": fmt.Sprint("app-", other), "io.kubernetes.pod.namespace": fmt.Sprint("team-", other)}}}}}}
		})},
		"all-namespaces": {each: func(i, _ int) any {
			return fields{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": fields{"name": "p", "namespace": fmt.Sprint("team-", i)},
				"spec": fields{"podSelector": fields{}, "ingress": list{fields{"from": list{fields{"namespaceSelector": fields{}}}}}}}
		}},
		"another-namespace": {each: func(i, n int) any {
			return fields{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": fields{"name": "p", "namespace": fmt.Sprint("team-", i)},
				"spec": fields{"podSelector": fields{}, "ingress": list{fields{"from": list{fields{"namespaceSelector": fields{
					"matchLabels": fields{"kubernetes.io/metadata.name": fmt.Sprint("team-", (i+1)%n)}}}}}}}}
		}},
		"one-for-all": {one: fields{"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy", "metadata": fields{"name": "p"},
			"spec": fields{"endpointSelector": fields{}, "ingress": list{fields{"fromEntities": list{"cluster"}}}}}},
		"one-namespace": {together: true, each: func(i, _ int) any {
			name := fmt.Sprint("pg-", i)
			return fields{"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": fields{"name": name, "namespace": "team-0"}, "spec": fields{
				"endpointSelector": fields{"matchLabels": fields{"cnpg.io/cluster": name}},
				"ingress":          from("fromEndpoints", fields{"matchLabels": fields{"app": fmt.Sprint("app-", i)}})}}
		}},
	} {
		for _, n := range []int{10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/databases=%d", name, n), func(b *testing.B) {
				var objects []any
				for i := range n {
					namespace, database := fmt.Sprint("team-", i), "pg"
					if tc.together {
						namespace, database = "team-0", fmt.Sprint("pg-", i)
					}
					objects = append(objects,
						fields{"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": fields{"name": database, "namespace": namespace},
							"spec": fields{"instances": 3, "storage": fields{"size": "1Gi"}}},
						fields{"apiVersion": "v1", "kind": "Pod", "metadata": fields{"name": fmt.Sprint("app-", i), "namespace": namespace, "labels": fields{"app": fmt.Sprint("app-", i)}}})
					if tc.each != nil {
						objects = append(objects, tc.each(i, n))
					}
				}
				if tc.one != nil {
					objects = append(objects, tc.one)
				}
				measured(b, worstFile(b, objects))
			})
		}
	}
}

// measured is status -A by the processor's time.
func measured(b *testing.B, file string) {
	b.Helper()
	begun := processorTime(b)
	for b.Loop() {
		status(b, file)
	}
	b.ReportMetric((processorTime(b)-begun).Seconds()/float64(b.N), "cpu-s/op")
}
