package assess_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// changingWorld is a small Kubernetes cluster in which things happen.
type changingWorld struct {
	random     *rand.Rand
	serial     int
	decoder    *decode.Decoder
	namespaces map[string]map[string]string
	clusters   map[types.NamespacedName]*cnpgv1.Cluster
	pods       map[types.NamespacedName]inventory.Pod
	endpoints  map[types.NamespacedName]inventory.Endpoint
	policies   map[v1alpha1.PolicyReference]inventory.Policy
	missing    []inventory.Missing
	around     inventory.Around
	auditMode  bool
}

// Databases are in the first two.
var worldNamespaces = []string{"shop", "vault", "web", "jobs", "tools", "lab"}

func newChangingWorld(random *rand.Rand) *changingWorld {
	w := &changingWorld{
		random: random, decoder: decode.NewDecoder(),
		namespaces: map[string]map[string]string{"cnpg-system": {}},
		clusters:   map[types.NamespacedName]*cnpgv1.Cluster{},
		pods:       map[types.NamespacedName]inventory.Pod{},
		endpoints:  map[types.NamespacedName]inventory.Endpoint{},
		policies:   map[v1alpha1.PolicyReference]inventory.Policy{},
	}
	for _, namespace := range worldNamespaces {
		w.namespaces[namespace] = map[string]string{"team": namespace}
	}
	for range 4 {
		w.addCluster()
	}
	w.put(inventory.Pod{Namespace: "cnpg-system", Name: "operator-1", Labels: operatorLabels(), ServiceAccount: "cnpg-manager",
		Phase: "Running", Workload: inventory.Workload{Kind: "deployment", Name: "operator"}})
	for range 3 {
		w.addPolicy()
	}
	return w
}

func operatorLabels() map[string]string {
	return map[string]string{inventory.OperatorLabel: inventory.OperatorLabelValue}
}

// inventory is what a collection would bring now. What has not changed is shared with the last one.
func (w *changingWorld) inventory() *inventory.Inventory {
	settings := inventory.DefaultSettings()
	settings.Agent, settings.Found, settings.AuditMode = true, true, w.auditMode
	inv := &inventory.Inventory{
		Origin: inventory.Live, Settings: settings,
		Endpoints: maps.Clone(w.endpoints), Missing: slices.Clone(w.missing),
		Operators: []inventory.Operator{{
			Namespace: "cnpg-system", Deployment: "operator", PodLabels: operatorLabels(), ServiceAccount: "cnpg-manager", FoundBy: "label",
		}},
		Pods:     slices.Collect(maps.Values(w.pods)),
		Clusters: slices.Collect(maps.Values(w.clusters)),
		Policies: slices.Collect(maps.Values(w.policies)),
		Around:   w.around,
	}
	for name, labels := range w.namespaces {
		inv.Namespaces = append(inv.Namespaces, inventory.Namespace{Name: name, Labels: maps.Clone(labels)})
	}
	inv.Finish()
	return inv
}

// happen changes something, and says what.
func (w *changingWorld) happen() string {
	events := []func() string{
		w.addPod, w.addPod, w.addPod, w.removePod, w.removePod, w.removePod, w.relabelPod, w.changePhase, w.endpointComesOrGoes,
		w.addPolicy, w.addPolicy, w.addPolicy, w.removePolicy, w.removePolicy, w.removePolicy, w.relabelNamespace,
		w.addCluster, w.removeCluster, w.changeCluster,
	}
	if w.random.IntN(12) == 0 {
		events = append(events, w.restartOperator, w.loseOrFindEvidence, w.switchAuditMode, w.changeGroup, w.changeService)
	}
	return one(w.random, events)()
}

func (w *changingWorld) next() int {
	w.serial++
	return w.serial
}

func (w *changingWorld) namespace() string { return one(w.random, worldNamespaces) }

func one[T any](random *rand.Rand, of []T) T { return of[random.IntN(len(of))] }

// any key of a map; the order of the map must not matter, so that a seed always gives the same world.
func anyKey[K comparable, V any](random *rand.Rand, of map[K]V) (K, bool) {
	keys := slices.SortedFunc(maps.Keys(of), func(a, b K) int { return compareText(fmt.Sprint(a), fmt.Sprint(b)) })
	if len(keys) == 0 {
		var none K
		return none, false
	}
	return one(random, keys), true
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (w *changingWorld) put(p inventory.Pod) { w.pods[p.Key()] = p }

func (w *changingWorld) addPod() string {
	app := one(w.random, []string{"api", "site", "batch"})
	p := inventory.Pod{
		Namespace: w.namespace(), Name: fmt.Sprintf("%s-%d", app, w.next()), ServiceAccount: "default",
		Labels:   map[string]string{"app": app, "role": one(w.random, []string{"backend", "frontend"})},
		Phase:    "Running",
		Workload: inventory.Workload{Kind: "deployment", Name: app},
	}
	p.HostNetwork = w.random.IntN(10) == 0
	if p.HostNetwork && w.random.IntN(2) == 0 {
		p.Labels["component"], p.HostIP = "kube-apiserver", "192.0.2.1"
	}
	w.put(p)
	return "new pod " + p.Key().String()
}

// removePod leaves the databases their pods.
func (w *changingWorld) removePod() string {
	applications := maps.Clone(w.pods)
	maps.DeleteFunc(applications, func(_ types.NamespacedName, p inventory.Pod) bool { return p.Workload.Kind != "deployment" })
	key, ok := anyKey(w.random, applications)
	if !ok {
		return "no pod to remove"
	}
	delete(w.pods, key)
	delete(w.endpoints, key)
	return "removed pod " + key.String()
}

func (w *changingWorld) relabelPod() string {
	key, ok := anyKey(w.random, w.pods)
	if !ok {
		return "no pod to relabel"
	}
	p := w.pods[key]
	p.Labels = maps.Clone(p.Labels)
	p.Labels["role"] = one(w.random, []string{"backend", "frontend", "replica"})
	w.pods[key] = p
	return "relabelled pod " + key.String()
}

func (w *changingWorld) changePhase() string {
	key, ok := anyKey(w.random, w.pods)
	if !ok {
		return "no pod to start"
	}
	p := w.pods[key]
	p.Phase = "Pending"
	w.pods[key] = p
	return "pending pod " + key.String()
}

// endpointComesOrGoes lets the agent know a pod, sometimes with labels of its own, or forget it.
func (w *changingWorld) endpointComesOrGoes() string {
	key, ok := anyKey(w.random, w.pods)
	if !ok {
		return "no pod for an endpoint"
	}
	if _, known := w.endpoints[key]; known {
		delete(w.endpoints, key)
		return "endpoint gone " + key.String()
	}
	e := inventory.Endpoint{IdentityID: int64(w.next())}
	for _, name := range slices.Sorted(maps.Keys(w.pods[key].Labels)) {
		e.IdentityLabels = append(e.IdentityLabels, "k8s:"+name+"="+w.pods[key].Labels[name])
	}
	e.IdentityLabels = append(e.IdentityLabels, "k8s:io.kubernetes.pod.namespace="+key.Namespace, "k8s:io.cilium.k8s.policy.cluster=default")
	w.endpoints[key] = e
	return "endpoint " + key.String()
}

func (w *changingWorld) addCluster() string {
	c := w.clusterIn(one(w.random, worldNamespaces[:2]), fmt.Sprintf("db%d", w.next()))
	return "new cluster " + c.Namespace + "/" + c.Name
}

// clusterIn adds a cluster with its instances, or puts another object in place of one.
func (w *changingWorld) clusterIn(namespace, name string) *cnpgv1.Cluster {
	c := &cnpgv1.Cluster{}
	c.Namespace, c.Name = namespace, name
	c.Spec.Instances = 1 + w.random.IntN(2)
	key := types.NamespacedName{Namespace: namespace, Name: name}
	if w.clusters[key] != nil {
		c.Spec.Instances = w.clusters[key].Spec.Instances
	}
	w.clusters[key] = c
	for _, p := range inventory.ExpectedInstances(c) {
		p.Expected, p.Phase = false, "Running"
		w.put(p)
	}
	return c
}

func (w *changingWorld) removeCluster() string {
	key, ok := anyKey(w.random, w.clusters)
	if !ok || len(w.clusters) < 3 {
		return "no cluster to remove"
	}
	delete(w.clusters, key)
	return "removed cluster " + key.String()
}

func (w *changingWorld) changeCluster() string {
	key, ok := anyKey(w.random, w.clusters)
	if !ok {
		return "no cluster to change"
	}
	c := w.clusters[key].DeepCopy()
	c.Spec.Instances = 1 + w.random.IntN(3)
	w.clusters[key] = c
	return "changed cluster " + key.String()
}

func (w *changingWorld) relabelNamespace() string {
	name := w.namespace()
	w.namespaces[name] = map[string]string{"team": one(w.random, []string{"a", "b"})}
	return "relabelled namespace " + name
}

// restartOperator replaces the operator's pod; sometimes with another label, so that it gets another
// identity.
func (w *changingWorld) restartOperator() string {
	for key := range w.pods {
		if key.Namespace == "cnpg-system" {
			delete(w.pods, key)
		}
	}
	labels := operatorLabels()
	labels["release"] = one(w.random, []string{"a", "b"})
	p := inventory.Pod{Namespace: "cnpg-system", Name: fmt.Sprintf("operator-%d", w.next()), Labels: labels, ServiceAccount: "cnpg-manager",
		Phase: "Running", Workload: inventory.Workload{Kind: "deployment", Name: "operator"}, HostNetwork: w.random.IntN(4) == 0}
	w.put(p)
	return "new operator pod " + p.Name
}

func (w *changingWorld) loseOrFindEvidence() string {
	if len(w.missing) > 0 {
		w.missing = nil
		return "evidence found"
	}
	w.missing = []inventory.Missing{{Resource: "poolers.postgresql.cnpg.io", Reason: inventory.Forbidden, Message: "forbidden"}}
	return "evidence lost"
}

func (w *changingWorld) switchAuditMode() string {
	w.auditMode = !w.auditMode
	return fmt.Sprintf("audit mode %t", w.auditMode)
}

// changeGroup changes the group of addresses that policies refer to.
func (w *changingWorld) changeGroup() string {
	prefix := api.CIDR(one(w.random, []string{"203.0.113.0/24", "198.51.100.0/24", "0.0.0.0/0"}))
	w.around.CIDRGroups = []*ciliumv2.CiliumCIDRGroup{{
		ObjectMeta: metav1.ObjectMeta{Name: "lan"}, Spec: ciliumv2.CiliumCIDRGroupSpec{ExternalCIDRs: []api.CIDR{prefix}},
	}}
	return "the group is " + string(prefix)
}

// changeService changes the Service that policies refer to.
func (w *changingWorld) changeService() string {
	selector := map[string]string{"cnpg.io/podRole": one(w.random, []string{"instance", "none"})}
	w.around.AllServices = w.random.IntN(2) == 0
	w.around.Services = []*corev1.Service{{
		ObjectMeta: metav1.ObjectMeta{Namespace: one(w.random, worldNamespaces[:2]), Name: "x"}, Spec: corev1.ServiceSpec{Selector: selector},
	}}
	return fmt.Sprintf("the service is %v", w.around.Services[0])
}

func (w *changingWorld) removePolicy() string {
	ref, ok := anyKey(w.random, w.policies)
	if !ok {
		return "no policy to remove"
	}
	delete(w.policies, ref)
	return "removed policy " + ref.String()
}

// worldPolicies have %[1]s in place of the name, %[2]s of the namespace, %[3]s of another one.
var worldPolicies = []struct {
	kind v1alpha1.PolicyKind
	text string
}{
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/podRole":"instance"}},"ingress":[{"fromEndpoints":[{"matchLabels":{"role":"backend"}}],"toPorts":[{"ports":[{"port":"5432","protocol":"TCP"}]}]}]}}`},
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/podRole":"instance"}},"ingress":[{"fromEndpoints":[{"matchLabels":{"k8s:io.kubernetes.pod.namespace":"%[3]s"}},{"matchLabels":{"k8s:io.kubernetes.pod.namespace":"cnpg-system"}}]}]}}`},
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/podRole":"instance"}},"ingress":[{"fromEndpoints":[{"matchExpressions":[{"key":"k8s:io.kubernetes.pod.namespace","operator":"Exists"}],"matchLabels":{"app":"api"}}]}]}}`},
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/podRole":"instance"}},"ingressDeny":[{"fromEndpoints":[{"matchExpressions":[{"key":"k8s:io.kubernetes.pod.namespace","operator":"Exists"}],"matchLabels":{"app":"site"}}]}],"enableDefaultDeny":{"ingress":false}}}`},
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/podRole":"instance"}},"ingress":[{"fromEndpoints":[{"matchLabels":{"k8s:io.cilium.k8s.namespace.labels.team":"a"}}]}]}}`},
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{},"ingress":[{}]}}`},
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{"matchLabels":{"app":"api"}},"egress":[{"toEndpoints":[{"matchLabels":{"role":"replica"}}]}]}}`},
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/podRole":"instance"}},"ingress":[{"fromEntities":["world"]},{"fromCIDR":["203.0.113.0/24"]}]}}`},
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/podRole":"instance"}},"ingress":[{"fromEntities":["cluster"]}]}}`},
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{"matchLabels":{"app":"batch"}},"egress":"what"}}`},
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{"matchLabels":{"app":"batch"}},"egress":[{"toServices":[{"k8sService":{"serviceName":"x"}}]}]}}`},
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/podRole":"instance"}},"ingress":[{"fromNodes":[{"matchLabels":{"a":"b"}}]}]}}`},
	{v1alpha1.CiliumNetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/podRole":"instance"}},"ingress":[{"fromCIDRSet":[{"cidrGroupRef":"lan"}]}]}}`},
	{v1alpha1.NetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"podSelector":{},"policyTypes":["Ingress"],"ingress":[{"from":[{"namespaceSelector":{"matchLabels":{"team":"b"}},"podSelector":{"matchLabels":{"role":"backend"}}}]}]}}`},
	{v1alpha1.NetworkPolicy, `{"metadata":{"name":"%[1]s","namespace":"%[2]s"},"spec":{"podSelector":{"matchLabels":{"app":"site"}},"policyTypes":["Egress"]}}`},
	{v1alpha1.CiliumClusterwideNetworkPolicy, `{"metadata":{"name":"%[1]s"},"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/podRole":"instance"}},"ingress":[{"fromEndpoints":[{"matchLabels":{"k8s:io.kubernetes.pod.namespace":"%[3]s"}}]}]}}`},
	{v1alpha1.CiliumClusterwideNetworkPolicy, `{"metadata":{"name":"%[1]s"},"spec":{"endpointSelector":{"matchLabels":{"app":"api"}},"egressDeny":[{"toEntities":["all"]}]}}`},
}

func (w *changingWorld) addPolicy() string {
	template := one(w.random, worldPolicies)
	name := fmt.Sprintf("policy-%d", w.next())
	raw := fmt.Sprintf(template.text, name, w.namespace(), w.namespace())
	p := w.read(template.kind, raw)
	w.policies[p.PolicyReference] = p
	return "new policy " + raw
}

func (w *changingWorld) read(kind v1alpha1.PolicyKind, raw string) inventory.Policy {
	p := w.decoder.Policy(kind, []byte(raw), decode.PolicyOptions{Stored: true})
	p.UID, p.ResourceVersion = types.UID(p.Name), "1"
	return p
}
