package bench

import (
	"fmt"
	"testing"
)

// BenchmarkReferring is status -A over databases each of which has objects of its own that refer to it, or that it refers to.
func BenchmarkReferring(b *testing.B) {
	object := func(apiVersion, kind string, i int, content fields) any {
		return objectOf(apiVersion, kind, fmt.Sprint("o-", i), withFields(fields{"metadata": fields{"namespace": fmt.Sprint("team-", i)}}, content))
	}
	database := func(i int, spec fields) any {
		return object("postgresql.cnpg.io/v1", "Cluster", i, fields{
			"metadata": fields{"name": "pg"}, "spec": withFields(fields{"instances": 1, "storage": fields{"size": "1Gi"}}, spec)})
	}
	egress := func(i int, rule fields) any {
		return object("cilium.io/v2", "CiliumNetworkPolicy", i, fields{"spec": fields{
			"endpointSelector": fields{"matchLabels": fields{"cnpg.io/cluster": "pg"}}, "egress": list{rule}}})
	}
	service := func(i int) any {
		return object("v1", "Service", i, fields{"metadata": fields{"labels": fields{"number": fmt.Sprint(i)}}, "spec": fields{
			"clusterIP": addressOf(i), "selector": fields{"cnpg.io/cluster": "other"}, "ports": list{fields{"port": 80}}}})
	}
	monitor := func(i int, in fields) any {
		return object("monitoring.coreos.com/v1", "ServiceMonitor", i, fields{"spec": fields{
			"selector": fields{"matchLabels": fields{"app": fmt.Sprint("a-", i)}}, "namespaceSelector": in}})
	}
	for name, each := range map[string]func(i int) []any{
		"poolers": func(i int) []any {
			return []any{database(i, nil), object("postgresql.cnpg.io/v1", "Pooler", i, fields{"spec": fields{
				"cluster": fields{"name": "pg"}, "type": "rw", "instances": 1, "pgbouncer": fields{"poolMode": "session"}}})}
		},
		"monitors": func(i int) []any { return []any{database(i, nil), service(i), monitor(i, fields{})} },
		"monitors-of-all": func(i int) []any {
			objects := []any{database(i, nil), service(i)}
			if i%10 == 0 {
				objects = append(objects, monitor(i, fields{"any": true}))
			}
			return objects
		},
		"addresses": func(i int) []any {
			return []any{service(i), database(i, fields{
				"replica": fields{"enabled": true, "source": "c"}, "bootstrap": fields{"pg_basebackup": fields{"source": "c"}},
				"externalClusters": list{fields{"name": "c", "connectionParameters": fields{"host": addressOf(1<<20 + i)}}},
			})}
		},
		"names": func(i int) []any {
			return []any{database(i, nil), egress(i, fields{"toFQDNs": list{fields{"matchName": fmt.Sprintf("h-%d.example.com", i)}}})}
		},
		"services": func(i int) []any {
			return []any{database(i, nil), service(i), egress(i, fields{"toServices": list{fields{"k8sServiceSelector": fields{
				"selector": fields{"matchLabels": fields{"number": fmt.Sprint(i)}}}}}})}
		},
	} {
		for _, n := range []int{10, 100, 1000, 10000} {
			b.Run(fmt.Sprintf("%s/databases=%d", name, n), func(b *testing.B) {
				var objects []any
				for i := range n {
					objects = append(objects, each(i)...)
				}
				measured(b, worstFile(b, objects))
			})
		}
	}
}
