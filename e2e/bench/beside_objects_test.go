package bench

import (
	"fmt"
	"maps"
	"strings"
)

// objectOf is an object in the namespace of the database that is asked about; content has its other fields.
func objectOf(apiVersion, kind, name string, content fields) any {
	return withFields(fields{"apiVersion": apiVersion, "kind": kind, "metadata": fields{"name": name, "namespace": "db"}}, content)
}

// withFields is an object with more fields, also in those that it has.
func withFields(object, more fields) fields {
	out := maps.Clone(object)
	for key, value := range more {
		old, isOld := out[key].(fields)
		if added, isNew := value.(fields); isOld && isNew {
			value = withFields(old, added)
		}
		out[key] = value
	}
	return out
}

// clusterWith is the database with more in its spec.
func clusterWith(spec fields) []any {
	d, ok := databaseIn("db").(fields)
	if !ok {
		return nil
	}
	return []any{withFields(d, fields{"spec": spec})}
}

func eachOf(n int, f func(i int) any) list {
	out := make(list, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

func pairsOf(n int) fields {
	out := fields{}
	for i := range n {
		out[fmt.Sprint("key-", i)] = "x"
	}
	return out
}

func variables(n int) list {
	return eachOf(n, func(i int) any { return fields{"name": fmt.Sprint("ENV_", i), "value": "value"} })
}

func addressOf(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255) }

func portsOf(n int, number string) list {
	return eachOf(n, func(i int) any { return fields{"name": fmt.Sprint("p-", i), number: i%60000 + 1} })
}

// templateOf is a Deployment or the like, whose pods have these labels and this container.
func templateOf(labels, container fields) fields {
	return fields{"spec": fields{
		"replicas": 1000, "parallelism": 1000, "selector": fields{"matchLabels": fields{"app": "web"}},
		"template": fields{"metadata": fields{"labels": labels}, "spec": fields{"containers": list{withFields(fields{"name": "main"}, container)}}},
	}}
}

// endpointOf is a CiliumEndpoint and its pod.
func endpointOf(status fields) []any {
	identity := fields{"id": 1000, "labels": list{"k8s:app=web", "k8s:io.kubernetes.pod.namespace=db"}}
	return []any{
		objectOf("v1", "Pod", "web", fields{"metadata": fields{"labels": fields{"app": "web"}}}),
		objectOf("cilium.io/v2", "CiliumEndpoint", "web", fields{"status": withFields(fields{"state": "ready", "identity": identity}, status)}),
	}
}

func poolerOf(spec fields) []any {
	return []any{objectOf("postgresql.cnpg.io/v1", "Pooler", "pooler", fields{"spec": withFields(
		fields{"cluster": fields{"name": "pg"}, "type": "rw", "instances": 1, "pgbouncer": fields{"poolMode": "session"}}, spec)})}
}

func serviceOf(content fields) []any {
	return []any{objectOf("v1", "Service", "pg-rw", withFields(fields{"spec": fields{
		"selector": fields{"cnpg.io/cluster": "pg"}, "type": "LoadBalancer", "ports": list{fields{"port": 5432}}}}, content))}
}

// besideDatabases are objects that are no policies, of which each has n of something.
func besideDatabases() map[string]func(n int) []any {
	one := func(object any) []any { return []any{object} }
	hosts := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf("h-%d.example.com", i)
		}
		return strings.Join(all, ",")
	}
	config := func(data fields) []any {
		return one(objectOf("v1", "ConfigMap", "cilium-config", fields{"metadata": fields{"namespace": "kube-system"}, "data": data}))
	}
	slice := func(name, namespace string, n int) []any {
		return one(objectOf("discovery.k8s.io/v1", "EndpointSlice", name, fields{
			"metadata":    fields{"namespace": namespace, "labels": fields{"kubernetes.io/service-name": name}},
			"addressType": "IPv4", "ports": list{fields{"port": 6443, "name": "https"}},
			"endpoints": eachOf(n, func(i int) any { return fields{"addresses": list{addressOf(i)}} }),
		}))
	}
	return map[string]func(n int) []any{
		"config-value": func(n int) []any { return config(fields{"unrelated": strings.Repeat("x", 8*n)}) },
		"config-keys":  func(n int) []any { return config(pairsOf(n)) },
		"configmap":    func(n int) []any { return one(objectOf("v1", "ConfigMap", "any", fields{"data": pairsOf(n)})) },
		"secret":       func(n int) []any { return one(objectOf("v1", "Secret", "any", fields{"data": pairsOf(n)})) },
		"node": func(n int) []any {
			return one(objectOf("v1", "Node", "any", fields{"metadata": fields{"labels": pairsOf(n)}}))
		},
		"lease": func(n int) []any {
			return one(objectOf("coordination.k8s.io/v1", "Lease", "any", fields{"spec": pairsOf(n)}))
		},
		"endpoint-labels": func(n int) []any {
			return endpointOf(fields{"identity": fields{"labels": eachOf(n, func(i int) any { return fmt.Sprintf("k8s:key-%d=x", i) })}})
		},
		"endpoint-ports": func(n int) []any { return endpointOf(fields{"named-ports": portsOf(n, "port")}) },
		"endpoint-addresses": func(n int) []any {
			return endpointOf(fields{"networking": fields{"addressing": eachOf(n, func(i int) any { return fields{"ipv4": addressOf(i)} })}})
		},
		"pooler-parameters": func(n int) []any { return poolerOf(fields{"pgbouncer": fields{"parameters": pairsOf(n)}}) },
		"pooler-labels": func(n int) []any {
			return poolerOf(fields{"template": fields{"metadata": fields{"labels": pairsOf(n)}, "spec": fields{"containers": list{}}}})
		},
		"pooler-env": func(n int) []any {
			return poolerOf(fields{"template": fields{"spec": fields{"containers": list{fields{"name": "pgbouncer", "env": variables(n)}}}}})
		},
		"cluster-parameters": func(n int) []any { return clusterWith(fields{"postgresql": fields{"parameters": pairsOf(n)}}) },
		"cluster-env":        func(n int) []any { return clusterWith(fields{"env": variables(n)}) },
		"cluster-labels":     func(n int) []any { return clusterWith(fields{"inheritedMetadata": fields{"labels": pairsOf(n)}}) },
		"cluster-plugins": func(n int) []any {
			return clusterWith(fields{"plugins": eachOf(n, func(i int) any { return fields{"name": fmt.Sprint("p-", i), "parameters": fields{"a": "b"}} })})
		},
		"cluster-roles": func(n int) []any {
			return clusterWith(fields{"managed": fields{"roles": eachOf(n, func(i int) any { return fields{"name": fmt.Sprint("r-", i)} })}})
		},
		"cluster-hosts": func(n int) []any {
			return clusterWith(fields{
				"replica": fields{"enabled": true, "source": "c"}, "bootstrap": fields{"pg_basebackup": fields{"source": "c"}},
				"externalClusters": list{fields{"name": "c", "connectionParameters": fields{"host": hosts(n)}}},
			})
		},
		"cidr-group-labels": func(n int) []any {
			return []any{
				objectOf("cilium.io/v2", "CiliumCIDRGroup", "g", fields{"metadata": fields{"labels": pairsOf(n)}, "spec": fields{"externalCIDRs": list{"10.0.0.0/8"}}}),
				policyOf("p", fields{"ingress": list{fields{"fromCIDRSet": list{fields{"cidrGroupSelector": fields{"matchLabels": fields{"a": "b"}}}}}}}),
			}
		},
		"service-annotations": func(n int) []any {
			return serviceOf(fields{"metadata": fields{"annotations": pairsOf(min(n, mostAnnotations))}})
		},
		"service-labels":   func(n int) []any { return serviceOf(fields{"metadata": fields{"labels": pairsOf(n)}}) },
		"service-selector": func(n int) []any { return serviceOf(fields{"spec": fields{"selector": pairsOf(n)}}) },
		"service-addresses": func(n int) []any {
			return serviceOf(fields{"spec": fields{"externalIPs": eachOf(n, func(i int) any { return addressOf(i) })}})
		},
		"endpoint-slice":   func(n int) []any { return slice("s", "db", n) },
		"api-server-slice": func(n int) []any { return slice("kubernetes", "default", n) },
		"deployment-env": func(n int) []any {
			return one(objectOf("apps/v1", "Deployment", "web", templateOf(fields{"app": "web"}, fields{"env": variables(n)})))
		},
		"deployment-labels": func(n int) []any { return one(objectOf("apps/v1", "Deployment", "web", templateOf(pairsOf(n), nil))) },
		"deployment-ports": func(n int) []any {
			return one(objectOf("apps/v1", "Deployment", "web", templateOf(fields{"app": "web"}, fields{"ports": portsOf(n, "containerPort")})))
		},
		"statefulset-labels": func(n int) []any { return one(objectOf("apps/v1", "StatefulSet", "web", templateOf(pairsOf(n), nil))) },
		"job-labels":         func(n int) []any { return one(objectOf("batch/v1", "Job", "web", templateOf(pairsOf(n), nil))) },
		"instance-labels": func(n int) []any {
			return one(objectOf("v1", "Pod", "pg-1", fields{"metadata": fields{"labels": withFields(pairsOf(n), fields{"cnpg.io/cluster": "pg", "cnpg.io/podRole": "instance", "cnpg.io/instanceName": "pg-1"})}}))
		},
		"pod-env": func(n int) []any {
			return one(objectOf("v1", "Pod", "web", fields{"spec": fields{"containers": list{fields{"name": "main", "env": variables(n)}}}}))
		},
		"pod-ports": func(n int) []any {
			return one(objectOf("v1", "Pod", "web", fields{"spec": fields{"containers": list{fields{"name": "main", "ports": portsOf(n, "containerPort")}}}}))
		},
		"pod-addresses": func(n int) []any {
			return one(objectOf("v1", "Pod", "web", fields{"status": fields{"podIPs": eachOf(n, func(i int) any { return fields{"ip": addressOf(i)} })}}))
		},
		"object-store": func(n int) []any {
			return one(objectOf("barmancloud.cnpg.io/v1", "ObjectStore", "s", fields{"spec": fields{
				"configuration": fields{"destinationPath": "s3://b"}, "instanceSidecarConfiguration": fields{"env": variables(n)}}}))
		},
		"pod-monitor": func(n int) []any {
			return one(objectOf("monitoring.coreos.com/v1", "PodMonitor", "m", fields{"spec": fields{
				"selector": fields{"matchLabels": fields{"cnpg.io/cluster": "pg"}}, "namespaceSelector": fields{"matchNames": eachOf(n, func(i int) any { return fmt.Sprint("n-", i) })}}}))
		},
	}
}

// besideWide are policies of other kinds than Cilium's with a namespace, and policies with much that seldom is much.
func besideWide() map[string]func(n int) []any {
	one := func(spec fields) []any { return []any{policyOf("p", spec)} }
	pg := fields{"matchLabels": fields{"cnpg.io/cluster": "pg"}}
	wide := func(spec fields) []any {
		return []any{objectOf("cilium.io/v2", "CiliumClusterwideNetworkPolicy", "p", fields{"spec": withFields(fields{"endpointSelector": pg}, spec)})}
	}
	kubernetes := func(rule fields) []any {
		return []any{objectOf("networking.k8s.io/v1", "NetworkPolicy", "p", fields{"spec": fields{"podSelector": pg, "policyTypes": list{"Ingress"}, "ingress": list{rule}}})}
	}
	cidrs := func(n int) list { return eachOf(n, func(i int) any { return addressOf(i) + "/32" }) }
	apps := func(n int) list {
		return eachOf(n, func(i int) any { return fields{"matchLabels": fields{"app": fmt.Sprint("a-", i)}} })
	}
	return map[string]func(n int) []any{
		"network-policy-ports": func(n int) []any {
			return kubernetes(fields{"ports": eachOf(n, func(i int) any { return fields{"port": i%60000 + 1, "protocol": "TCP"} })})
		},
		"network-policy-peers": func(n int) []any {
			return kubernetes(fields{"from": eachOf(n, func(i int) any {
				return fields{"podSelector": fields{"matchLabels": fields{"app": fmt.Sprint("a-", i)}}}
			})})
		},
		"cluster-network-policy": func(n int) []any {
			return []any{objectOf("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", "p", fields{"spec": fields{
				"tier": "Admin", "priority": 1, "subject": fields{"namespaces": fields{"matchLabels": fields{"kubernetes.io/metadata.name": "db"}}},
				"egress": list{fields{"action": "Accept", "to": list{fields{"networks": cidrs(n)}}}}}})}
		},
		"clusterwide-cidrs":       func(n int) []any { return wide(fields{"ingress": list{fields{"fromCIDR": cidrs(n)}}}) },
		"clusterwide-empty-rules": func(n int) []any { return wide(fields{"ingress": eachOf(n, func(int) any { return fields{} })}) },
		"clusterwide-everybody": func(n int) []any {
			return wide(fields{"endpointSelector": fields{"matchLabels": pairsOf(n)}, "ingress": list{fields{}}})
		},
		"clusterwide-names": func(n int) []any {
			return wide(fields{"egress": list{fields{"toFQDNs": eachOf(n, func(i int) any { return fields{"matchPattern": fmt.Sprintf("*.%d.example.com", i)} })}}})
		},
		// What has fewer parts than a policy may have is evaluated.
		"cidrs-most":        func(n int) []any { return one(fields{"ingress": list{fields{"fromCIDR": cidrs(min(n, 9900))}}}) },
		"cidrs-egress-most": func(n int) []any { return one(fields{"egress": list{fields{"toCIDR": cidrs(min(n, 9900))}}}) },
		"names-most": func(n int) []any {
			return one(fields{"egress": list{fields{"toFQDNs": eachOf(min(n, 9900), func(i int) any { return fields{"matchName": fmt.Sprintf("h-%d.example.com", i)} })}}})
		},
		"rules-most": func(n int) []any {
			return one(fields{"ingress": eachOf(min(n, 1000), func(i int) any { return fields{"fromCIDR": list{addressOf(i) + "/32"}} })})
		},
		"requires":   func(n int) []any { return one(fields{"ingress": list{fields{"fromRequires": apps(n)}}}) },
		"from-nodes": func(n int) []any { return one(fields{"ingress": list{fields{"fromNodes": apps(n)}}}) },
		"description": func(n int) []any {
			return one(fields{"ingress": list{fields{}}, "description": strings.Repeat("x", 8*n)})
		},
		"server-names": func(n int) []any {
			return one(fields{"egress": list{fields{"toPorts": list{fields{"ports": list{fields{"port": "443", "protocol": "TCP"}}, "serverNames": eachOf(n, func(i int) any { return fmt.Sprintf("host-%d.example.com", i) })}}}}})
		},
		"managed-fields": func(n int) []any {
			return []any{objectOf("cilium.io/v2", "CiliumNetworkPolicy", "p", fields{"metadata": fields{"managedFields": list{fields{"manager": "m", "fieldsV1": pairsOf(n)}}}, "spec": fields{"endpointSelector": pg, "ingress": list{fields{}}}})}
		},
		// No API server accepts these.
		"refused-entities": func(n int) []any {
			return one(fields{"ingress": list{fields{"fromEntities": eachOf(n, func(i int) any { return fmt.Sprint("bad-", i) })}}})
		},
		"unknown-fields": func(n int) []any { return one(withFields(pairsOf(n), fields{"ingress": list{fields{}}})) },
	}
}
