package engine_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// world is a random inventory. Policies are made as the JSON that a user would write, so that
// Cilium's own decoding takes part.
type world struct {
	random     *rand.Rand
	settings   inventory.Settings
	namespaces map[string]map[string]string
	pods       []inventory.Pod
	policies   []inventory.Policy
	// written are the policies as a user would write them, by their names.
	written map[string]object
	around  engine.Around
}

type object = map[string]any
type list = []any

func newWorld(random *rand.Rand) world {
	w := world{random: random, settings: inventory.DefaultSettings(), namespaces: map[string]map[string]string{}, written: map[string]object{}}
	w.settings.EnablePolicy = pick(w, "default", "default", "default", "default", "always", "never")
	w.settings.AllowLocalhost = pick(w, "auto", "always", "policy")
	w.settings.ClusterNetworkPolicy, w.settings.DefaultLocalCluster = true, w.chance(2)
	if w.chance(3) {
		w.settings.CIDRMatchMode = pick(w, []string{"nodes"}, []string{"pods"}, []string{"nodes", "pods"})
	}
	for _, name := range []string{"default", "other", "backend"} {
		w.namespaces[name] = map[string]string{"kubernetes.io/metadata.name": name, "team": pick(w, "a", "b")}
		for i := range 4 {
			w.pods = append(w.pods, inventory.Pod{
				Namespace: name, Name: fmt.Sprintf("pod-%d", i), ServiceAccount: pick(w, "default", "app"),
				Labels: map[string]string{"role": pick(w, "backend", "frontend"), "app": pick(w, "web", "db", "job")},
				NamedPorts: []inventory.NamedPort{
					{Name: "postgresql", Port: 5432, Protocol: "TCP"}, {Name: "status", Port: pick[uint16](w, 8000, 9999), Protocol: "TCP"},
				},
			})
		}
	}
	w.around = w.surroundings()
	for i := range 1 + random.IntN(7) {
		w.policies = append(w.policies, w.policy(i))
	}
	if w.chance(3) {
		w.set()
	}
	return w
}

// names are those that worlds ask about.
var names = []string{"s3.eu-west-1.amazonaws.com", "backups.s3.eu-west-1.amazonaws.com", "db.example.com", "example.com"}

// surroundings are Services with and without selectors, and groups of addresses.
func (w world) surroundings() engine.Around {
	a := engine.Around{AllServices: true, AllCIDRGroups: true}
	for _, namespace := range []string{"default", "other", "backend"} {
		for _, name := range []string{"web", "db"} {
			s := engine.Service{Namespace: namespace, Name: name, Labels: map[string]string{"app": name, "team": pick(w, "a", "b")}, BackendsKnown: true}
			if w.chance(3) {
				s.Backends = []netip.Addr{netip.MustParseAddr(pick(w, "10.1.2.3", "203.0.113.9", "10.2.3.4"))}
			} else {
				s.Selector = map[string]string{"app": pick(w, "web", "db", "job")}
			}
			a.Services = append(a.Services, s)
		}
	}
	for _, name := range []string{"lan", "office"} {
		group := &ciliumv2.CiliumCIDRGroup{}
		decode(object{"metadata": object{"name": name, "labels": object{"zone": pick(w, "in", "out")}},
			"spec": object{"externalCIDRs": list{pick(w, "10.1.0.0/16", "10.0.0.0/8", "203.0.113.0/24"), pick(w, "192.168.0.0/16", "203.0.113.9/32")}}}, group)
		a.CIDRGroups = append(a.CIDRGroups, group)
	}
	return a
}

func (w world) policy(i int) inventory.Policy {
	namespace := pick(w, "default", "other", "backend")
	name := fmt.Sprintf("policy-%d", i)
	switch w.random.IntN(5) {
	case 2:
		p := &policyv1alpha2.ClusterNetworkPolicy{}
		w.write(name, object{"metadata": object{"name": name}, "spec": w.tieredSpec()}, p)
		return inventory.Policy{PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.ClusterNetworkPolicy, Name: name}, Object: p}
	case 0:
		p := &slim_networkingv1.NetworkPolicy{}
		w.write(name, object{"metadata": object{"name": name, "namespace": namespace}, "spec": w.networkPolicySpec()}, p)
		return inventory.Policy{PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.NetworkPolicy, Namespace: namespace, Name: name}, Object: p}
	case 1:
		p := &ciliumv2.CiliumClusterwideNetworkPolicy{}
		w.write(name, object{"metadata": object{"name": name}, "spec": w.rule()}, p)
		return inventory.Policy{PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.CiliumClusterwideNetworkPolicy, Name: name}, Object: p}
	default:
		p := &ciliumv2.CiliumNetworkPolicy{}
		content := object{"metadata": object{"name": name, "namespace": namespace}, "spec": w.rule()}
		if w.chance(3) {
			content["specs"] = list{w.rule(), w.rule()}
		}
		w.write(name, content, p)
		return inventory.Policy{PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: namespace, Name: name}, Object: p}
	}
}

// write keeps what a user would write, and decodes it.
func (w world) write(name string, content object, into any) {
	w.written[name] = content
	decode(content, into)
}

// rule is one Cilium rule with at least one section.
func (w world) rule() object {
	r := object{"endpointSelector": w.selector(true)}
	section := func(name, peers string, deny bool) {
		var rules list
		for range 1 + w.random.IntN(2) {
			rules = append(rules, w.section(peers, deny))
		}
		r[name] = rules
	}
	section("ingress", "from", false)
	if w.chance(3) {
		section("ingressDeny", "from", true)
	}
	if w.chance(3) {
		section("egress", "to", false)
	}
	if w.chance(5) {
		section("egressDeny", "to", true)
	}
	if w.chance(4) {
		delete(r, "ingress")
		section("egress", "to", false)
	}
	if w.chance(4) {
		r["enableDefaultDeny"] = object{"ingress": w.chance(2), "egress": w.chance(2)}
	}
	return r
}

func (w world) section(peers string, deny bool) object {
	s := object{}
	if peers == "to" && !deny && w.chance(3) {
		if w.chance(2) {
			s["toFQDNs"] = list{pick(w, object{"matchName": "s3.eu-west-1.amazonaws.com"}, object{"matchPattern": "*.amazonaws.com"},
				object{"matchPattern": "**.amazonaws.com"}, object{"matchName": "DB.example.com."}, object{"matchPattern": "*"})}
		} else {
			s["toServices"] = list{pick(w, object{"k8sService": object{"serviceName": "db", "namespace": pick(w, "default", "other")}},
				object{"k8sService": object{"serviceName": pick(w, "web", "missing")}},
				object{"k8sServiceSelector": object{"selector": object{"matchLabels": object{"app": "db"}}, "namespace": "backend"}},
				object{"k8sServiceSelector": object{"selector": object{"matchLabels": object{"team": "a"}}}})}
		}
		if w.chance(2) {
			s["toPorts"] = list{object{"ports": list{object{"port": pick(w, "5432", "8000"), "protocol": "TCP"}, object{"port": "53", "protocol": "ANY"}}}}
		}
		return s
	}
	switch w.random.IntN(7) {
	case 0, 1:
		s[peers+"Endpoints"] = list{w.selector(false), w.selector(false)}
	case 2:
		s[peers+"Entities"] = list{pick(w, "cluster", "world", "all", "host", "remote-node", "kube-apiserver", "unmanaged", "ingress", "health", "init", "none")}
	case 3:
		s[peers+"CIDR"] = list{w.prefix(), w.prefix(), pick(w, "203.0.113.0/24", "0.0.0.0/0", "10.0.0.0/8")}
	case 4:
		s[peers+"CIDRSet"] = list{object{"cidr": "10.0.0.0/8", "except": list{"10.1.0.0/16"}},
			object{"cidr": pick(w, "0.0.0.0/0", "10.0.0.0/8", "203.0.113.0/24"), "except": list{}}, object{"cidr": "10.1.0.0/16", "except": list{"10.1.2.0/24", "10.1.2.3/32"}}}
	case 5:
		s[peers+"CIDRSet"] = list{pick(w, object{"cidrGroupRef": "lan"}, object{"cidrGroupRef": "missing"},
			object{"cidrGroupSelector": object{"matchLabels": object{"zone": "in"}}}, object{"cidrGroupSelector": object{}},
			object{"cidrGroupRef": "office", "except": list{"203.0.113.9/32"}})}
	default: // No peers: everybody when there are ports, nobody when there is nothing at all.
		if deny {
			s[peers+"Entities"] = list{"all"}
		}
	}
	if w.chance(2) {
		port := pick[any](w, object{"port": "5432", "protocol": "TCP"}, object{"port": "8000", "protocol": "ANY"},
			object{"port": "5000", "endPort": 6000, "protocol": "TCP"}, object{"port": "postgresql", "protocol": "TCP"},
			object{"port": "status", "protocol": "TCP"}, object{"port": "5432", "protocol": "UDP"})
		if peers == "to" { // LookupFlow knows no named ports of peers.
			port = pick(w, object{"port": pick(w, "5432", "8000", "9187"), "protocol": "TCP"}, object{"port": "53", "protocol": "UDP"})
		}
		s["toPorts"] = list{object{"ports": list{port}}}
	}
	return s
}

// prefix is one of those that contain each other in all ways.
func (w world) prefix() string {
	return pick(w, "10.1.2.3/32", "10.1.2.0/24", "10.1.0.0/16", "10.2.0.0/16", "10.2.3.4/32", "128.0.0.0/1", "203.0.113.9/32", "192.168.1.0/24", "2001:db8::/32", "2001:db8::1/128", "::/1")
}

func (w world) selector(subject bool) object {
	switch w.random.IntN(6) {
	case 0:
		return object{}
	case 1:
		return object{"matchLabels": object{"role": pick(w, "backend", "frontend")}}
	case 2:
		return object{"matchExpressions": list{object{"key": "app", "operator": pick(w, "In", "NotIn"), "values": list{"web", "job"}}}}
	case 3:
		return object{"matchExpressions": list{object{"key": pick(w, "role", "missing"), "operator": pick(w, "Exists", "DoesNotExist")}}}
	}
	if subject {
		return object{"matchLabels": object{"app": pick(w, "web", "db")}}
	}
	return pick(w,
		object{"matchLabels": object{"io.kubernetes.pod.namespace": pick(w, "default", "other", "backend")}},
		object{"matchLabels": object{"k8s:io.kubernetes.pod.namespace": "other", "role": "backend"}},
		object{"matchLabels": object{"k8s.io.kubernetes.pod.namespace": "other"}},
		object{"matchLabels": object{"role": "backend"}, "matchExpressions": list{object{"key": "io.kubernetes.pod.namespace", "operator": "Exists"}}},
		object{"matchExpressions": list{object{"key": "io.kubernetes.pod.namespace", "operator": pick(w, "Exists", "DoesNotExist")}}},
		object{"matchExpressions": list{object{"key": "io.kubernetes.pod.namespace", "operator": "NotIn", "values": list{"other"}}}},
		object{"matchLabels": object{"io.cilium.k8s.namespace.labels.team": pick(w, "a", "b")}},
		object{"matchLabels": object{"io.cilium.k8s.policy.serviceaccount": "app"}},
		object{"matchLabels": object{"reserved:host": ""}})
}

func (w world) networkPolicySpec() object {
	spec := object{"podSelector": w.podSelector()}
	peer := func() object {
		return pick(w, object{"podSelector": w.podSelector()},
			object{"namespaceSelector": object{"matchLabels": object{"team": pick(w, "a", "b")}}},
			object{"namespaceSelector": object{}, "podSelector": w.podSelector()},
			object{"ipBlock": object{"cidr": "10.0.0.0/8", "except": list{"10.1.0.0/16"}}})
	}
	port := pick(w, list{}, list{object{"port": 5432, "protocol": "TCP"}}, list{object{"port": intstr.FromString("postgresql"), "protocol": "TCP"}},
		list{object{"port": 5000, "endPort": 6000, "protocol": "TCP"}})
	var types list
	if w.chance(2) {
		types = append(types, "Ingress")
		if w.chance(2) {
			spec["ingress"] = list{object{"from": list{peer(), peer()}, "ports": port}, object{"ports": list{object{"port": 8000}}}}
		}
	}
	if w.chance(3) || len(types) == 0 {
		types = append(types, "Egress")
		if w.chance(2) {
			spec["egress"] = list{object{"to": list{peer()}, "ports": list{object{"port": 5432}}}}
		}
	}
	spec["policyTypes"] = types
	return spec
}

// tieredSpec is that of a ClusterNetworkPolicy.
func (w world) tieredSpec() object {
	peer := func() object {
		return pick(w, object{"namespaces": object{"matchLabels": object{"team": pick(w, "a", "b")}}},
			object{"pods": object{"namespaceSelector": object{}, "podSelector": w.podSelector()}})
	}
	section := func(peers string) list {
		var out list
		for range 1 + w.random.IntN(3) {
			rule := object{"action": pick(w, "Accept", "Deny", "Pass"), peers: list{peer()}}
			if peers == "to" && w.chance(4) {
				rule[peers] = list{object{"networks": list{pick(w, "10.0.0.0/8", "0.0.0.0/0")}}}
			}
			if w.chance(3) {
				rule["protocols"] = list{object{"tcp": object{"destinationPort": object{"number": pick(w, 5432, 8000)}}}}
			}
			out = append(out, rule)
		}
		return out
	}
	spec := object{"tier": pick(w, "Admin", "Baseline"), "priority": w.random.IntN(3), "subject": peer()}
	if w.chance(2) {
		spec["egress"] = section("to")
	}
	if w.chance(2) || spec["egress"] == nil {
		spec["ingress"] = section("from")
	}
	return spec
}

func (w world) podSelector() object {
	return pick(w, object{}, object{"matchLabels": object{"role": "backend"}},
		object{"matchExpressions": list{object{"key": "app", "operator": "NotIn", "values": list{"web"}}}})
}

func (w world) chance(oneIn int) bool { return w.random.IntN(oneIn) == 0 }

func (w world) describe(t *testing.T) string {
	t.Helper()
	var out string
	for _, p := range w.policies {
		text, err := yaml.Marshal(p.Object)
		if err != nil {
			t.Fatal(err)
		}
		out += "---\n" + string(text)
	}
	return out + fmt.Sprintf("settings: %+v\n", w.settings)
}

func pick[T any](w world, values ...T) T { return values[w.random.IntN(len(values))] }

func decode(content object, into any) {
	text, err := json.Marshal(content)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		panic(err) // The generator writes only what decodes.
	}
}
