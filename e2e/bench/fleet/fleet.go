// Package fleet generates large Kubernetes clusters as the objects that an API server would return:
// namespaces with databases, applications and policies. The benchmarks measure with them.
package fleet

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
)

// Size says how large a fleet is.
type Size struct {
	Namespaces int
	// Clusters is the number of CloudNativePG clusters in each of the first so many namespaces.
	ClusterNamespaces, ClustersPerNamespace int
	// Instances is the number of pods of each cluster.
	Instances int
	// AppPods is the number of application pods in each namespace, Workloads the number of
	// Deployments that they belong to: the pods of one have equal labels, hence one identity.
	AppPods, Workloads int
	// CiliumPolicies locks every cluster with the three policies of a lockdown for role=backend.
	CiliumPolicies bool
	// NetworkPolicies is the number of NetworkPolicies of applications, spread over the namespaces.
	NetworkPolicies int
	// Endpoints adds a CiliumEndpoint for each pod.
	Endpoints bool
	// Short pods have only what policies ask for, instead of being about as large as real ones.
	Short bool
}

// Form is how the objects of a fleet are written.
type Form string

// Forms of a fleet: one List, a line of JSON for each object, and the same lines as documents of YAML.
const (
	List  Form = "list"
	Lines Form = "lines"
	YAML  Form = "yaml"
)

// Pods is the number of pods of the fleet.
func (s Size) Pods() int {
	return s.Namespaces*s.AppPods + s.ClusterNamespaces*s.ClustersPerNamespace*s.Instances + 1
}

type object = map[string]any
type list = []any

// Each calls f with every object of the fleet.
func Each(s Size, f func(object map[string]any) error) error {
	emit := func(o object, err error) error {
		if err != nil {
			return err
		}
		return f(o)
	}
	err := emit(namespace("cnpg-system"), nil)
	err = emit(operatorDeployment(), err)
	err = s.pods(emit, err, "cnpg-system", "cnpg-controller-manager", 1, object{"app.kubernetes.io/name": "cloudnative-pg"}, "cnpg-manager", nil)
	for n := range s.Namespaces {
		name := fmt.Sprintf("team-%05d", n)
		err = emit(namespace(name), err)
		for w := range s.Workloads {
			role := []string{"backend", "frontend", "worker"}[w%3]
			pods := s.AppPods / s.Workloads
			if w < s.AppPods%s.Workloads {
				pods++
			}
			err = s.pods(emit, err, name, fmt.Sprintf("app-%d", w), pods, object{"app": fmt.Sprintf("app-%d", w), "role": role}, "default", nil)
		}
		if n < s.ClusterNamespaces {
			for c := range s.ClustersPerNamespace {
				err = s.database(emit, err, name, fmt.Sprintf("db-%d", c))
			}
		}
		for p := n; p < s.NetworkPolicies; p += s.Namespaces {
			err = emit(networkPolicy(name, fmt.Sprintf("app-%d", p), fmt.Sprintf("app-%d", p%max(1, s.Workloads))), err)
		}
	}
	return err
}

// Write writes the fleet in a form.
func Write(w io.Writer, s Size, form Form) error {
	begin, between, end := "", "", ""
	switch form {
	case List:
		begin, between, end = `{"apiVersion":"v1","kind":"List","items":[`, ",", "]}\n"
	case Lines:
	case YAML:
		begin, between = "---\n", "---\n"
	default:
		return fmt.Errorf("unknown form %q: choose %q, %q or %q", form, List, Lines, YAML)
	}
	out := json.NewEncoder(w)
	separator := begin
	err := Each(s, func(o map[string]any) error {
		if _, err := io.WriteString(w, separator); err != nil {
			return err
		}
		separator = between
		return out.Encode(o)
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, end)
	return err
}

func (s Size) database(emit func(object, error) error, err error, namespace, name string) error {
	err = emit(object{
		"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": meta(namespace, name, nil),
		"spec": object{"instances": s.Instances, "storage": object{"size": "1Gi"}},
	}, err)
	for i := range s.Instances {
		instance, role := fmt.Sprintf("%s-%d", name, i+1), "replica"
		if i == 0 {
			role = "primary"
		}
		err = s.pod(emit, err, namespace, instance, object{
			"cnpg.io/cluster": name, "cnpg.io/instanceName": instance, "cnpg.io/podRole": "instance", "cnpg.io/instanceRole": role, "role": role,
		}, name, object{"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": name, "controller": true}, list{
			object{"name": "postgresql", "containerPort": 5432, "protocol": "TCP"},
			object{"name": "metrics", "containerPort": 9187, "protocol": "TCP"},
			object{"name": "status", "containerPort": 8000, "protocol": "TCP"},
		})
	}
	if !s.CiliumPolicies {
		return err
	}
	selector := object{"matchLabels": object{"cnpg.io/cluster": name}}
	rule := func(suffix string, ingress object) object {
		return object{
			"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": meta(namespace, name+suffix, nil),
			"spec": object{"endpointSelector": selector, "ingress": list{ingress}},
		}
	}
	port := func(ports ...string) list {
		var out list
		for _, p := range ports {
			out = append(out, object{"port": p, "protocol": "TCP"})
		}
		return list{object{"ports": out}}
	}
	err = emit(rule("-internal-access", object{"fromEndpoints": list{
		object{"matchLabels": object{"io.kubernetes.pod.namespace": "cnpg-system"}},
		object{"matchLabels": object{"io.kubernetes.pod.namespace": namespace, "cnpg.io/cluster": name}},
	}, "toPorts": port("8000", "5432")}), err)
	err = emit(rule("-postgres-access-role-backend", object{
		"fromEndpoints": list{object{"matchLabels": object{"role": "backend"}}}, "toPorts": port("5432"),
	}), err)
	return emit(rule("-default-deny", object{}), err)
}

func (s Size) pods(emit func(object, error) error, err error, namespace, workload string, n int, labels object, account string, ports list) error {
	const hash = "5d8c7b9f6d"
	for i := range n {
		all := object{"pod-template-hash": hash}
		for k, v := range labels {
			all[k] = v
		}
		owner := object{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": workload + "-" + hash, "controller": true}
		err = s.pod(emit, err, namespace, fmt.Sprintf("%s-%s-%05d", workload, hash, i), all, account, owner, ports)
	}
	return err
}

// pod is about as large as a real one, unless it is to be short: most of it does not matter, and has to be read all the same.
func (s Size) pod(emit func(object, error) error, err error, namespace, name string, labels object, account string, owner object, ports list) error {
	metadata := meta(namespace, name, labels)
	metadata["ownerReferences"] = list{owner}
	spec := object{"serviceAccountName": account, "containers": list{object{"name": "main", "ports": ports}}}
	pod := object{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
	if !s.Short {
		realistic(pod, spec, ports)
	}
	err = emit(pod, err)
	if !s.Endpoints {
		return err
	}
	identity := list{
		"k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=" + namespace, "k8s:io.cilium.k8s.policy.cluster=default",
		"k8s:io.cilium.k8s.policy.serviceaccount=" + account, "k8s:io.kubernetes.pod.namespace=" + namespace,
	}
	for k, v := range labels {
		if k != "pod-template-hash" {
			identity = append(identity, fmt.Sprintf("k8s:%s=%s", k, v))
		}
	}
	return emit(object{
		"apiVersion": "cilium.io/v2", "kind": "CiliumEndpoint", "metadata": meta(namespace, name, nil),
		"status": object{"id": 1, "state": "ready", "identity": object{"id": 1000, "labels": identity}},
	}, err)
}

// realistic adds what real pods have besides.
func realistic(pod, spec object, ports list) {
	maps.Copy(spec, object{
		"nodeName": "node-1", "restartPolicy": "Always", "schedulerName": "default-scheduler",
		"containers": list{object{
			"name": "main", "image": "registry.example/app:1.2.3", "ports": ports,
			"env":            list{object{"name": "PGHOST", "value": "db-0-rw"}, object{"name": "LOG_LEVEL", "value": "info"}},
			"resources":      object{"requests": object{"cpu": "100m", "memory": "128Mi"}},
			"readinessProbe": object{"httpGet": object{"path": "/ready", "port": 8080}, "periodSeconds": 10},
			"volumeMounts":   list{object{"name": "token", "mountPath": "/var/run/secrets", "readOnly": true}},
		}},
		"volumes":     list{object{"name": "token", "projected": object{"sources": list{object{"serviceAccountToken": object{"path": "token"}}}}}},
		"tolerations": list{object{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}},
	})
	pod["status"] = object{
		"phase": "Running", "podIP": "10.0.0.1", "qosClass": "Burstable",
		"conditions": list{object{"type": "Ready", "status": "True"}, object{"type": "PodScheduled", "status": "True"}},
	}
}

func meta(namespace, name string, labels object) object {
	m := object{"name": name}
	if namespace != "" {
		m["namespace"] = namespace
	}
	if len(labels) > 0 {
		m["labels"] = labels
	}
	return m
}

func namespace(name string) object {
	return object{"apiVersion": "v1", "kind": "Namespace", "metadata": meta("", name, object{"kubernetes.io/metadata.name": name})}
}

func operatorDeployment() object {
	labels := object{"app.kubernetes.io/name": "cloudnative-pg"}
	return object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("cnpg-system", "cnpg-controller-manager", labels),
		"spec": object{
			"replicas": 1, "selector": object{"matchLabels": labels},
			"template": object{"metadata": object{"labels": labels}, "spec": object{
				"serviceAccountName": "cnpg-manager", "containers": list{object{"name": "manager", "image": "registry.example/operator"}},
			}},
		},
	}
}

func networkPolicy(namespace, name, app string) object {
	return object{
		"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta(namespace, name, nil),
		"spec": object{
			"podSelector": object{"matchLabels": object{"app": app}}, "policyTypes": list{"Ingress"},
			"ingress": list{object{"from": list{object{"podSelector": object{"matchLabels": object{"role": "frontend"}}}}, "ports": list{object{"port": 8080, "protocol": "TCP"}}}},
		},
	}
}
