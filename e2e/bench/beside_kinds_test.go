package bench

import (
	"encoding/json"
	"fmt"
	"maps"
)

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
	for _, more := range []map[string]func(n int) []any{worst(), besideDatabases(), besideWide()} {
		maps.Copy(all, more)
	}
	return all
}
