package engine_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	decoding "github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// hostileSeeds use every field that Cilium's readers look at, by kind.
func hostileSeeds() map[v1alpha1.PolicyKind]list {
	peers := func(prefix string) list {
		return list{
			object{prefix + "Endpoints": list{object{"matchLabels": object{"app": "web"}, "matchExpressions": list{object{"key": "x", "operator": "In", "values": list{"a"}}}}},
				"toPorts": list{object{"ports": list{object{"port": "5432", "endPort": 5440, "protocol": "TCP"}}, "rules": object{"http": list{object{"method": "GET"}}}}}},
			object{prefix + "CIDRSet": list{object{"cidr": "10.0.0.0/8", "except": list{"10.1.0.0/16"}}, object{"cidrGroupRef": "g"}, object{"cidrGroupSelector": object{"matchLabels": object{"a": "b"}}}}},
			object{prefix + "CIDR": list{"0.0.0.0/0"}, "icmps": list{object{"fields": list{object{"type": 8, "family": "IPv4"}}}}},
			object{prefix + "Entities": list{"cluster"}, "authentication": object{"mode": "required"}},
			object{prefix + "Groups": list{object{"aws": object{"securityGroupsIds": list{"sg-1"}}}}},
			object{prefix + "Nodes": list{object{"matchLabels": object{"zone": "a"}}}},
		}
	}
	rule := object{
		"endpointSelector": object{"matchLabels": object{"app": "web"}}, "enableDefaultDeny": object{"ingress": true, "egress": false},
		"ingress": peers("from"), "ingressDeny": list{object{"fromEndpoints": list{object{}}, "toPorts": list{object{"ports": list{object{"port": "status"}}}}}},
		"egress": append(peers("to"),
			object{"toFQDNs": list{object{"matchPattern": "*.example.com"}}},
			object{"toServices": list{object{"k8sService": object{"serviceName": "s", "namespace": "n"}}, object{"k8sServiceSelector": object{"selector": object{}, "namespace": "n"}}}}),
		"egressDeny": list{object{"toEntities": list{"world"}}},
	}
	name := object{"name": "hostile"}
	cilium := object{"metadata": name, "spec": rule, "specs": list{object{"endpointSelector": object{}, "ingress": list{object{}}}}}
	nodes := object{"metadata": name, "spec": object{"nodeSelector": object{"matchLabels": object{"zone": "a"}}, "ingress": list{object{"fromEntities": list{"all"}}}}}
	peer := list{
		object{"podSelector": object{"matchLabels": object{"app": "web"}}, "namespaceSelector": object{"matchExpressions": list{object{"key": "a", "operator": "Exists"}}}},
		object{"ipBlock": object{"cidr": "10.0.0.0/8", "except": list{"10.1.0.0/16"}}},
	}
	ports := list{object{"port": 5432, "endPort": 5440, "protocol": "TCP"}, object{"port": "status"}}
	kubernetes := object{"metadata": name, "spec": object{
		"podSelector": object{}, "policyTypes": list{"Ingress", "Egress"},
		"ingress": list{object{"from": peer, "ports": ports}}, "egress": list{object{"to": peer, "ports": ports}},
	}}
	pods := object{"pods": object{"namespaceSelector": object{"matchLabels": object{"a": "b"}}, "podSelector": object{"matchLabels": object{"app": "web"}}}}
	protocols := list{object{"tcp": object{"destinationPort": object{"number": 5432}}}, object{"udp": object{"destinationPort": object{"range": object{"start": 1, "end": 9}}}},
		object{"sctp": object{}}, object{"destinationNamedPort": "status"}}
	tiered := func(tier string, subject object) object {
		return object{"metadata": name, "spec": object{
			"tier": tier, "priority": 10, "subject": subject,
			"ingress": list{object{"name": "a", "action": "Deny", "from": list{object{"namespaces": object{}}, pods}, "protocols": protocols}, object{"action": "Pass", "from": list{pods}}},
			"egress": list{object{"action": "Accept", "to": list{object{"networks": list{"10.0.0.0/8"}}, object{"domainNames": list{"*.example.com"}}, object{"nodes": object{"matchLabels": object{"zone": "a"}}}, pods}, "protocols": protocols},
				object{"action": "Pass", "to": list{object{"namespaces": object{"matchLabels": object{"a": "b"}}}}}},
		}}
	}
	return map[v1alpha1.PolicyKind]list{
		v1alpha1.CiliumNetworkPolicy:            {cilium},
		v1alpha1.CiliumClusterwideNetworkPolicy: {cilium, nodes},
		v1alpha1.NetworkPolicy:                  {kubernetes},
		v1alpha1.ClusterNetworkPolicy:           {tiered("Admin", object{"namespaces": object{}}), tiered("Baseline", pods)},
	}
}

// Whatever a field is replaced with, or without it: the engine answers, and about the others as well.
func TestHostilePoliciesNeverKillTheRest(t *testing.T) {
	decoder := decoding.NewDecoder()
	for kind, seeds := range hostileSeeds() {
		for s, seed := range seeds {
			mutate(seed, func(path string) {
				defer func() {
					if r := recover(); r != nil {
						t.Errorf("%s %d: panic with another %s: %v", kind, s, path, r)
					}
				}()
				text, err := json.Marshal(seed)
				if err != nil {
					t.Fatal(err)
				}
				answer(t, decoder, kind, text)
			})
		}
	}
}

func FuzzRead(f *testing.F) {
	kinds := slices.Sorted(maps.Keys(hostileSeeds()))
	for kind, seeds := range hostileSeeds() {
		for _, seed := range seeds {
			text, err := json.Marshal(seed)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(slices.Index(kinds, kind), text)
		}
	}
	decoder := decoding.NewDecoder()
	f.Fuzz(func(t *testing.T, kind int, text []byte) {
		if kind >= 0 && kind < len(kinds) {
			answer(t, decoder, kinds[kind], text)
		}
	})
}

// mutate calls f with each part of a JSON value once replaced by each of the values below, and once removed.
func mutate(root any, f func(path string)) {
	others := []any{nil, object{}, list{}, "", "x", -1, 70000, list{nil}, list{object{}}, true}
	var walk func(value any, path string)
	walk = func(value any, path string) {
		switch v := value.(type) {
		case object:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				was := v[key]
				at := path + "." + key
				delete(v, key)
				f(at + " removed")
				for _, other := range others {
					v[key] = other
					f(fmt.Sprintf("%s = %#v", at, other))
				}
				v[key] = was
				walk(was, at)
			}
		case list:
			for i, was := range v {
				at := fmt.Sprintf("%s[%d]", path, i)
				for _, other := range others {
					v[i] = other
					f(fmt.Sprintf("%s = %#v", at, other))
				}
				v[i] = was
				walk(was, at)
			}
		}
	}
	f("nothing")
	walk(root, "")
}

// answer asks about pods and others under one policy.
func answer(t *testing.T, decoder *decoding.Decoder, kind v1alpha1.PolicyKind, text []byte) {
	t.Helper()
	p := decoder.Policy(kind, text, decoding.PolicyOptions{DefaultNamespace: "a", Stored: true})
	settings := inventory.DefaultSettings()
	settings.ClusterNetworkPolicy, settings.NodeSelectorLabels, settings.HostFirewall = true, true, true
	ids, err := engine.NewIdentities(settings)
	if err != nil {
		t.Fatal(err)
	}
	pods, err := ids.Pods([]inventory.Pod{
		{Namespace: "a", Name: "web", Labels: map[string]string{"app": "web"}, NamedPorts: []inventory.NamedPort{{Name: "status", Port: 8000}}},
		{Namespace: "b", Name: "web", Labels: map[string]string{"app": "web"}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	read, err := engine.Read(settings, []inventory.Policy{p})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(ids, read)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range append(pods, ids.Reserved("host")) {
		read[0].WouldSelect(to)
		e.Selections(to)
		e.Reach(to, 5432)
		for _, from := range append(pods, ids.Reserved("world"), ids.Reserved("host")) {
			e.Decide(from, to, 5432)
			e.Names(to, from)
		}
	}
}
