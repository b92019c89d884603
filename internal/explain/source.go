package explain

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	"github.com/cilium/cilium/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Source is who wants to connect, as it is written on a command line. Get one from ParseSource or
// HypotheticalPod.
type Source struct {
	form sourceForm
	// namespace is empty as long as none was named, and for sources that are no pods.
	namespace string
	// workload is kind and name, also of a pod.
	workload inventory.Workload
	entity   string
	// Prefix is that of formPrefix; with the entity world it is the family to which that is limited.
	Prefix netip.Prefix
	// labels and serviceAccount are those of a pod that does not exist.
	labels         map[string]string
	serviceAccount string
	// cluster is the name of another Kubernetes cluster in the mesh, in which a pod is that does not exist.
	cluster string
}

type sourceForm int

const (
	formPods sourceForm = iota
	formNamespace
	formHypothetical
	formEntity
	formPrefix
)

// sourceForms are for messages: what a source may look like.
const sourceForms = "pod/NAME, deployment/NAME, NAMESPACE/pod/NAME, namespace/NAME, world, host, remote-node, kube-apiserver, ingress, unmanaged, init, health, or an address such as 203.0.113.7"

// ParseSource reads a source: KIND/NAME or NAMESPACE/KIND/NAME with the kinds and short names of
// kubectl, an entity, an address or a prefix. Whether it exists is not looked at.
func ParseSource(text string) (Source, error) {
	switch text {
	case "":
		return Source{}, fmt.Errorf("the source is empty: use %s", sourceForms)
	case labels.IDNameWorld, labels.IDNameHost, labels.IDNameRemoteNode, labels.IDNameKubeAPIServer,
		labels.IDNameIngress, labels.IDNameUnmanaged, labels.IDNameInit, labels.IDNameHealth:
		return Source{form: formEntity, entity: text}, nil
	}
	if s, ok, err := parsePrefix(text); ok {
		return s, err
	}
	s := Source{}
	parts := strings.Split(text, "/")
	switch len(parts) {
	case 2:
	case 3:
		s.namespace, parts = parts[0], parts[1:]
		if problems := validation.IsDNS1123Label(s.namespace); len(problems) > 0 {
			return Source{}, fmt.Errorf("source %q: %q can't be the name of a namespace: %s", text, s.namespace, withoutPattern(problems[0]))
		}
	default:
		return Source{}, fmt.Errorf("source %q: use %s", text, sourceForms)
	}
	kind, name := strings.ToLower(parts[0]), parts[1]
	if long, ok := sourceKinds()[kind]; ok {
		kind = long
	}
	switch {
	case kind == "":
		return Source{}, fmt.Errorf("source %q: the kind is missing: use %s", text, sourceForms)
	case kind == "node" || kind == "nodes" || kind == "no":
		return Source{}, fmt.Errorf("source %q: policies know two kinds of nodes: use host for the node that the instance runs on, remote-node for the others", text)
	case kind == "service" || kind == "services" || kind == "svc":
		return Source{}, fmt.Errorf("source %q: a Service does not open connections: name the pod or the workload that does", text)
	case kind == "namespace" && s.namespace != "":
		return Source{}, fmt.Errorf("source %q: a namespace is in no namespace: use namespace/%s", text, name)
	case name == "":
		return Source{}, fmt.Errorf("source %q: the name is missing: use %s/NAME", text, kind)
	}
	problems := validation.IsDNS1123Subdomain(name)
	if kind == "namespace" {
		problems = validation.IsDNS1123Label(name)
	}
	if len(problems) > 0 {
		return Source{}, fmt.Errorf("source %q: %q can't be the name of a %s: %s", text, name, kind, withoutPattern(problems[0]))
	}
	if kind == "namespace" {
		return Source{form: formNamespace, namespace: name, serviceAccount: "default"}, nil
	}
	s.workload = inventory.Workload{Kind: kind, Name: name}
	return s, nil
}

// parsePrefix reads an address or a prefix; false when the text does not look like one.
func parsePrefix(text string) (Source, bool, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		if address.Zone() != "" {
			return Source{}, true, fmt.Errorf("source %q: policies know no zones: leave out %q", text, "%"+address.Zone())
		}
		address = address.Unmap()
		return Source{form: formPrefix, Prefix: netip.PrefixFrom(address, address.BitLen())}, true, nil
	}
	first, _, _ := strings.Cut(text, "/")
	address, err := netip.ParseAddr(first)
	if err != nil {
		return Source{}, false, nil //nolint:nilerr // Not an address is an answer: it is read as a name.
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return Source{}, true, fmt.Errorf("source %q is not a prefix: use for example %s/%d", text, address, address.BitLen())
	case prefix.Masked() != prefix:
		return Source{}, true, fmt.Errorf("source %q has bits set beyond its length: use %s for all of it, or %s for the address", text, prefix.Masked(), address)
	case prefix.Bits() == 0:
		return Source{form: formEntity, entity: labels.IDNameWorld, Prefix: prefix}, true, nil
	}
	return Source{form: formPrefix, Prefix: prefix}, true, nil
}

// sourceKinds are the kinds that have names of their own here, as kubectl takes them.
func sourceKinds() map[string]string {
	kinds := map[string]string{}
	for kind, names := range map[string][]string{
		"pod":                   {"pods", "po"},
		"deployment":            {"deployments", "deploy", "deployment.apps", "deployments.apps"},
		"statefulset":           {"statefulsets", "sts", "statefulset.apps", "statefulsets.apps"},
		"daemonset":             {"daemonsets", "ds", "daemonset.apps", "daemonsets.apps"},
		"replicaset":            {"replicasets", "rs", "replicaset.apps", "replicasets.apps"},
		"replicationcontroller": {"replicationcontrollers", "rc"},
		"job":                   {"jobs", "job.batch", "jobs.batch"},
		"cronjob":               {"cronjobs", "cj", "cronjob.batch", "cronjobs.batch"},
		"cluster":               {"clusters", "cluster.postgresql.cnpg.io", "clusters.postgresql.cnpg.io"},
		"pooler":                {"poolers", "pooler.postgresql.cnpg.io", "poolers.postgresql.cnpg.io"},
		"namespace":             {"namespaces", "ns"},
	} {
		kinds[kind] = kind
		for _, name := range names {
			kinds[name] = kind
		}
	}
	return kinds
}

// HypotheticalPod is a pod that does not exist yet. Labels are written as "k=v,k2=v2"; serviceAccount
// is "default" when empty.
func HypotheticalPod(labelText, namespace, serviceAccount string) (Source, error) {
	var errs []error
	set := map[string]string{}
	for pair := range strings.SplitSeq(labelText, ",") {
		key, value, ok := strings.Cut(pair, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		keyProblems, valueProblems := validation.IsQualifiedName(key), validation.IsValidLabelValue(value)
		first, twice := set[key]
		switch {
		case strings.TrimSpace(pair) == "":
			errs = append(errs, fmt.Errorf("labels %q: a label is missing: write k=v,k2=v2, or use namespace/NAME for a pod without labels", labelText))
		case !ok:
			errs = append(errs, fmt.Errorf("labels %q: %q is not a label: write k=v,k2=v2", labelText, pair))
		case len(keyProblems) > 0:
			errs = append(errs, fmt.Errorf("labels %q: %q can't be the key of a label: %s", labelText, key, withoutPattern(keyProblems[0])))
		case len(valueProblems) > 0:
			errs = append(errs, fmt.Errorf("labels %q: %q can't be the value of a label: %s", labelText, value, withoutPattern(valueProblems[0])))
		case key == ciliumio.PolicyLabelCluster && len(validation.IsDNS1123Label(value)) > 0:
			errs = append(errs, fmt.Errorf("labels %q: %q can't be the name of a Kubernetes cluster in a mesh", labelText, value))
		case twice:
			errs = append(errs, fmt.Errorf("labels %q: a pod can't have the label %q twice, with %q and %q", labelText, key, first, value))
		default:
			set[key] = value
		}
	}
	if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
		errs = append(errs, fmt.Errorf("%q can't be the name of a namespace: %s", namespace, withoutPattern(problems[0])))
	}
	if serviceAccount == "" {
		serviceAccount = "default"
	}
	if problems := validation.IsDNS1123Subdomain(serviceAccount); len(problems) > 0 {
		errs = append(errs, fmt.Errorf("%q can't be the name of a service account: %s", serviceAccount, withoutPattern(problems[0])))
	}
	cluster := set[ciliumio.PolicyLabelCluster]
	delete(set, ciliumio.PolicyLabelCluster)
	return Source{form: formHypothetical, labels: set, namespace: namespace, serviceAccount: serviceAccount, cluster: cluster}, errors.Join(errs...)
}

// withoutPattern is a problem in words: apimachinery adds examples and the regular expression behind them.
func withoutPattern(problem string) string {
	words, _, _ := strings.Cut(problem, " (e.g. ")
	return words
}

// In returns the source in a namespace, when it is one that has a namespace and names none.
func (s Source) In(namespace string) Source {
	if s.form == formPods && s.namespace == "" {
		s.namespace = namespace
	}
	return s
}

// Namespaces are the only ones in which anything can change the answer for the source and a cluster
// of the namespace; nil when that can't be said. A policy without a namespace counts everywhere.
func (s Source) Namespaces(cluster string) []string {
	switch {
	case s.form == formEntity && s.entity == labels.IDNameWorld:
		return []string{cluster}
	case s.form == formPrefix:
		// An address may be that of any pod or node.
		return nil
	case s.form == formEntity:
		// Where API servers run is to be seen in a namespace that nobody has named.
		return nil
	case s.namespace == "" || s.namespace == cluster || s.cluster != "":
		return []string{cluster}
	}
	return []string{cluster, s.namespace}
}

// Extra are the identities that a model needs to be asked about the source.
func (s Source) Extra() model.Extra {
	switch s.form {
	case formPrefix:
		return model.Extra{Prefixes: []netip.Prefix{s.Prefix}}
	case formNamespace, formHypothetical:
		pod := inventory.Pod{Namespace: s.namespace, Labels: s.labels, ServiceAccount: s.serviceAccount}
		if s.cluster != "" {
			// Which of the two it is depends on the name of the Kubernetes cluster that is asked.
			return model.Extra{Pods: []inventory.Pod{pod}, Remote: []model.Remote{{Pod: pod, Cluster: s.cluster}}}
		}
		return model.Extra{Pods: []inventory.Pod{pod}}
	case formPods, formEntity:
	}
	return model.Extra{}
}

// Workload is the source's kind, name and namespace when it is a workload: something with a pod
// template that can be looked up when no pod of it runs.
func (s Source) Workload() (workload inventory.Workload, namespace string, ok bool) {
	return s.workload, s.namespace, s.form == formPods && s.workload.Kind != "pod"
}

// Namespace is the source's; empty as long as none was named, and for sources that are no pods.
func (s Source) Namespace() string { return s.namespace }

// Name is the source in kubectl's words, without its namespace.
func (s Source) Name() string {
	switch s.form {
	case formEntity:
		if s.Prefix.IsValid() {
			return s.Prefix.String()
		}
		return s.entity
	case formPrefix:
		return prefixText(s.Prefix)
	case formNamespace:
		return "namespace/" + s.namespace
	case formHypothetical:
		pairs := make([]string, 0, len(s.labels))
		for _, key := range slices.Sorted(maps.Keys(s.labels)) {
			pairs = append(pairs, key+"="+s.labels[key])
		}
		if s.cluster != "" {
			pairs = append(pairs, ciliumio.PolicyLabelCluster+"="+s.cluster)
		}
		return "a pod with " + strings.Join(pairs, ",")
	case formPods:
	}
	return s.workload.String()
}

// prefixText leaves out the length of a single address.
func prefixText(prefix netip.Prefix) string {
	if prefix.IsSingleIP() {
		return prefix.Addr().String()
	}
	return prefix.String()
}
