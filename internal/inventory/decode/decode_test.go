package decode

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

func fromYAML(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func literal(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile("../testdata/document/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return fromYAML(t, string(text))
}

func TestTheDocumentsLiteralPolicies(t *testing.T) {
	d := NewDecoder()
	files, err := os.ReadDir("../testdata/document")
	if err != nil || len(files) != 7 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	for _, f := range files {
		p := d.Policy(v1alpha1.CiliumNetworkPolicy, literal(t, f.Name()), PolicyOptions{APIVersion: "cilium.io/v2", Source: inventory.Source{File: f.Name()}})
		var want []string
		if strings.HasPrefix(f.Name(), "5-") {
			want = []string{"spec.ingress[0].fromEndpoints[0].labelSelector"}
		}
		object, ok := p.Object.(*ciliumv2.CiliumNetworkPolicy)
		if !ok || p.Unreadable != "" || p.Source.String() != f.Name() || p.Namespace != "default" || object.Name != p.Name {
			t.Errorf("%s: %+v", f.Name(), p)
		}
		if d := cmp.Diff(want, p.IgnoredFields); d != "" {
			t.Errorf("%s: ignored fields: %s", f.Name(), d)
		}
	}
}

func TestThePrunedPolicyIsWhatCounts(t *testing.T) {
	p := NewDecoder().Policy(v1alpha1.CiliumNetworkPolicy, literal(t, "5-postgres-access-backend-any-ns.yaml"), PolicyOptions{})
	peers := p.Object.(*ciliumv2.CiliumNetworkPolicy).Spec.Ingress[0].FromEndpoints
	if len(peers) != 1 || len(peers[0].MatchLabels) != 0 || len(peers[0].MatchExpressions) != 0 {
		t.Errorf("peers are %v, want the one empty selector that the server would store", peers)
	}
}

const networkPolicyYAML = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: np}
spec:
  podSelector: {}
  ingress:
  - fromm: []
    ports: [{port: 5432}]
  egress: [{}]
`

func TestPolicy(t *testing.T) {
	for _, tc := range []struct {
		name    string
		kind    v1alpha1.PolicyKind
		text    string
		options PolicyOptions
		check   func(t *testing.T, p inventory.Policy)
	}{
		{
			name: "NetworkPolicy gets the server's defaults and names unknown fields",
			kind: v1alpha1.NetworkPolicy, text: networkPolicyYAML, options: PolicyOptions{DefaultNamespace: "shop"},
			check: func(t *testing.T, p inventory.Policy) {
				object := p.Object.(*slim_networkingv1.NetworkPolicy)
				if d := cmp.Diff([]slim_networkingv1.PolicyType{"Ingress", "Egress"}, object.Spec.PolicyTypes); d != "" {
					t.Error(d)
				}
				if got := object.Spec.Ingress[0].Ports[0].Protocol; got == nil || *got != "TCP" {
					t.Errorf("protocol %v", got)
				}
				if p.Namespace != "shop" || object.Namespace != "shop" {
					t.Errorf("namespaces %q and %q", p.Namespace, object.Namespace)
				}
				if d := cmp.Diff([]string{"spec.ingress[0].fromm"}, p.IgnoredFields); d != "" {
					t.Error(d)
				}
			},
		},
		{
			name: "ClusterNetworkPolicy has no namespace",
			kind: v1alpha1.ClusterNetworkPolicy, options: PolicyOptions{DefaultNamespace: "shop"},
			text: "metadata: {name: c, namespace: wrong}\nspec: {tier: Admin, priority: 1, subject: {namespaces: {}}, typo: 1}",
			check: func(t *testing.T, p inventory.Policy) {
				object := p.Object.(*policyv1alpha2.ClusterNetworkPolicy)
				if p.Namespace != "" || object.Namespace != "" || object.Spec.Tier != policyv1alpha2.AdminTier {
					t.Errorf("%+v", object)
				}
				if d := cmp.Diff([]string{"spec.typo"}, p.IgnoredFields); d != "" {
					t.Error(d)
				}
			},
		},
		{
			name: "CiliumClusterwideNetworkPolicy, labels, condition, unknown metadata",
			kind: v1alpha1.CiliumClusterwideNetworkPolicy, options: PolicyOptions{DefaultNamespace: "shop"},
			text: `
metadata: {name: c, uid: u, resourceVersion: "7", labels: {a: b}, annotations: {x: z}, lables: {a: c}}
spec: {endpointSelector: {}, ingress: [{}]}
status: {conditions: [{type: Valid, status: "False", message: bad}]}`,
			check: func(t *testing.T, p inventory.Policy) {
				want := inventory.Policy{
					UID: "u", ResourceVersion: "7",
					Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"x": "z"},
					Condition: &inventory.Condition{Message: "bad"}, IgnoredFields: []string{"metadata.lables"},
				}
				want.Kind, want.Name = v1alpha1.CiliumClusterwideNetworkPolicy, "c"
				if p.Object.(*ciliumv2.CiliumClusterwideNetworkPolicy).Spec == nil {
					t.Error("no spec")
				}
				p.Object = nil
				if d := cmp.Diff(want, p); d != "" {
					t.Error(d)
				}
			},
		},
		{
			name: "stored policies tell by the annotation of kubectl apply",
			kind: v1alpha1.CiliumNetworkPolicy, options: PolicyOptions{Stored: true},
			text: `
metadata:
  name: c
  namespace: shop
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"c"},"spec":{"endpointSelector":{},"ingress":[{"fromEndpoints":[{"labelSelector":{}}]}]}}
spec: {endpointSelector: {}, ingress: [{fromEndpoints: [{}]}]}
status: {conditions: [{type: Other, status: "True"}, {type: Valid, status: "True", message: fine}]}`,
			check: func(t *testing.T, p inventory.Policy) {
				if d := cmp.Diff([]string{"spec.ingress[0].fromEndpoints[0].labelSelector"}, p.IgnoredFields); d != "" {
					t.Error(d)
				}
				if d := cmp.Diff(&inventory.Condition{Valid: true, Message: "fine"}, p.Condition); d != "" {
					t.Error(d)
				}
			},
		},
		{
			name: "an annotation that is no JSON says nothing",
			kind: v1alpha1.CiliumNetworkPolicy, options: PolicyOptions{Stored: true},
			text: `
metadata: {name: c, annotations: {kubectl.kubernetes.io/last-applied-configuration: "{"}}
spec: {endpointSelector: {}, ingress: [{}]}`,
			check: func(t *testing.T, p inventory.Policy) {
				if p.Unreadable != "" || p.IgnoredFields != nil || p.Condition != nil {
					t.Errorf("%+v", p)
				}
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := NewDecoder().Policy(tc.kind, fromYAML(t, tc.text), tc.options)
			if p.Unreadable != "" {
				t.Fatalf("unreadable: %s", p.Unreadable)
			}
			tc.check(t, p)
		})
	}
}

func TestPolicyUnreadable(t *testing.T) {
	for _, tc := range []struct {
		name, text, apiVersion, want string
		kind                         v1alpha1.PolicyKind
	}{
		{"no name", "spec: {}", "", "metadata.name is missing", v1alpha1.CiliumNetworkPolicy},
		{"not an object", "[]", "", "a list is here, and a mapping is needed", v1alpha1.CiliumNetworkPolicy},
		{"unknown version", "metadata: {name: p}\nspec: {podSelector: {}}", "networking.k8s.io/v1beta1", `use "networking.k8s.io/v1"`, v1alpha1.NetworkPolicy},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := NewDecoder().Policy(tc.kind, fromYAML(t, tc.text), PolicyOptions{APIVersion: tc.apiVersion})
			if p.Object != nil || p.Refused != "" || p.Unreadable != tc.want && !strings.HasSuffix(p.Unreadable, tc.want) {
				t.Errorf("object %v, unreadable %q, want %q", p.Object, p.Unreadable, tc.want)
			}
		})
	}
}

// What the API server would not store is told in YAML's terms, and what it was meant for can still be seen.
func TestPolicyRefused(t *testing.T) {
	for _, tc := range []struct {
		name, text, apiVersion, want string
		kind                         v1alpha1.PolicyKind
		// subject is what is left of the policy: nil when nothing can be told.
		subject map[string]string
	}{
		{
			"label is a number", "metadata: {name: p, labels: {a: 1}}\nspec: {endpointSelector: {matchLabels: {a: b}}, ingress: [{}]}", "",
			"metadata.labels.a: is a whole number, and text is needed: put it in quotes", v1alpha1.CiliumNetworkPolicy, map[string]string{"a": "b"},
		},
		{"spec is a list", "metadata: {name: p}\nspec: []", "", "spec: is a list, and a mapping is needed", v1alpha1.CiliumNetworkPolicy, nil},
		{
			"port is a number", "metadata: {name: p}\nspec: {endpointSelector: {matchLabels: {a: b}}, ingress: [{toPorts: [{ports: [{port: 5432}]}]}]}", "",
			"spec.ingress[0].toPorts[0].ports[0].port: is a whole number, and text is needed: put it in quotes",
			v1alpha1.CiliumNetworkPolicy, map[string]string{"a": "b"},
		},
		{"networkpolicy", "metadata: {name: p}\nspec: {podSelector: a}", "", "spec.podSelector: is text, and a mapping is needed", v1alpha1.NetworkPolicy, nil},
		{
			"retired version", "metadata: {name: p}\nspec: {podSelector: {}}", "extensions/v1beta1",
			`apiVersion "extensions/v1beta1" is not served any more: use "networking.k8s.io/v1"`, v1alpha1.NetworkPolicy, map[string]string{},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := NewDecoder().Policy(tc.kind, fromYAML(t, tc.text), PolicyOptions{APIVersion: tc.apiVersion})
			if p.Refused != tc.want || p.Unreadable != "" {
				t.Errorf("refused %q, unreadable %q, want %q", p.Refused, p.Unreadable, tc.want)
			}
			var subject map[string]string
			switch object := p.Object.(type) {
			case *ciliumv2.CiliumNetworkPolicy:
				if s := object.Spec.EndpointSelector.LabelSelector; s != nil {
					subject = map[string]string{}
					for key, value := range s.MatchLabels {
						subject[strings.TrimPrefix(key, "any.")] = value
					}
				}
			case *slim_networkingv1.NetworkPolicy:
				subject = map[string]string{}
			}
			if d := cmp.Diff(tc.subject, subject); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAPolicyThatAServerHasTakenIsNotRefused(t *testing.T) {
	const text = "metadata: {name: p, uid: u}\nspec: {endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: \"1\", endPort: -1}]}]}]}"
	p := NewDecoder().Policy(v1alpha1.CiliumNetworkPolicy, fromYAML(t, text), PolicyOptions{})
	if p.Refused != "" || p.Object == nil {
		t.Errorf("%+v", p)
	}
}

func TestPolicyKind(t *testing.T) {
	for object, want := range map[[2]string]bool{
		{"cilium.io/v2", "CiliumNetworkPolicy"}:                       true,
		{"cilium.io/v2", "CiliumClusterwideNetworkPolicy"}:            true,
		{"networking.k8s.io/v1", "NetworkPolicy"}:                     true,
		{"extensions/v1beta1", "NetworkPolicy"}:                       true,
		{"policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"}: true,
		{"crd.projectcalico.org/v1", "NetworkPolicy"}:                 false,
		{"cilium.io/v2", "CiliumEndpoint"}:                            false,
	} {
		if _, got := PolicyKind(object[0], object[1]); got != want {
			t.Errorf("%v: %t, want %t", object, got, want)
		}
	}
}

func TestPod(t *testing.T) {
	p, err := Pod(fromYAML(t, `
metadata:
  name: web-abc-1
  labels: {app: web, pod-template-hash: abc}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-abc, uid: u, controller: true}]
spec:
  serviceAccount: old
  hostNetwork: true
  initContainers: [{ports: [{name: init, containerPort: 1}]}]
  containers: [{ports: [{name: http, containerPort: 80}, {containerPort: 81}]}, {ports: [{name: dns, containerPort: 53, protocol: UDP}]}]
status: {phase: Running, hostIP: 192.0.2.1, podIP: 192.0.2.1, podIPs: [{ip: 192.0.2.1}, {ip: "2001:db8::1"}]}`), "shop")
	want := inventory.Pod{
		Namespace: "shop", Name: "web-abc-1", Labels: map[string]string{"app": "web", "pod-template-hash": "abc"},
		ServiceAccount: "old", HostNetwork: true, Phase: "Running",
		NamedPorts: []inventory.NamedPort{{Name: "http", Port: 80, Protocol: "TCP"}, {Name: "dns", Port: 53, Protocol: "UDP"}},
		Workload:   inventory.Workload{Kind: "deployment", Name: "web"},
		HostIP:     "192.0.2.1", Addresses: inventory.AddressesOf("192.0.2.1", "2001:db8::1"),
	}
	if d := cmp.Diff(want, p, cmpopts.EquateComparable(netip.Addr{})); d != "" || err != nil {
		t.Error(err, d)
	}
	for text, want := range map[string]string{
		"metadata: {generateName: run-}":               "run default",
		"metadata: {name: p, namespace: shop}":         "p default",
		"metadata: {name: static, uid: from-a-server}": "static ",
	} {
		if p, err := Pod(fromYAML(t, text), "shop"); err != nil || p.Name+" "+p.ServiceAccount != want {
			t.Errorf("%s: %+v, error %v", text, p, err)
		}
	}
	for _, text := range []string{"{}", "metadata: {name: p, labels: {a: 1}}", "[]"} {
		if p, err := Pod(fromYAML(t, text), "shop"); err == nil {
			t.Errorf("%s: %+v and no error", text, p)
		}
	}
}

func TestWorkloadPods(t *testing.T) {
	const template = "template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: web, containers: [{ports: [{name: http, containerPort: 80}]}]}}"
	for _, tc := range []struct {
		name, kind, text string
		pods             []string
		labels           map[string]string
		workload         string
	}{
		{"deployment", "Deployment", "spec: {replicas: 2, " + template + "}", []string{"w-1", "w-2"}, nil, "deployment/w"},
		{"one by default", "ReplicaSet", "spec: {" + template + "}", []string{"w-1"}, nil, "replicaset/w"},
		{"scaled to zero", "Deployment", "spec: {replicas: 0, " + template + "}", nil, nil, ""},
		{"replication controller", "ReplicationController", "spec: {" + template + "}", []string{"w-1"}, nil, "replicationcontroller/w"},
		{"daemon set", "DaemonSet", "spec: {" + template + "}", []string{"w-1"}, nil, "daemonset/w"},
		{"stateful set", "StatefulSet", "spec: {replicas: 2, ordinals: {start: 3}, " + template + "}", []string{"w-3", "w-4"},
			map[string]string{"statefulset.kubernetes.io/pod-name": "w-3", "apps.kubernetes.io/pod-index": "3"}, "statefulset/w"},
		{"job", "Job", "spec: {parallelism: 2, " + template + "}", []string{"w-1", "w-2"},
			map[string]string{"job-name": "w", "batch.kubernetes.io/job-name": "w"}, "job/w"},
		{"job that is over", "Job", "spec: {" + template + "}\nstatus: {conditions: [{type: Complete, status: \"True\"}]}", nil, nil, ""},
		{"cron job", "CronJob", "spec: {jobTemplate: {spec: {" + template + "}}}", []string{"w-1"}, nil, "cronjob/w"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, err := DecodeWorkload(tc.kind, fromYAML(t, "metadata: {name: w}\n"+tc.text), "shop")
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for i, p := range w.Pods() {
				names = append(names, p.Name)
				want := inventory.Pod{
					Namespace: "shop", Name: p.Name, Labels: map[string]string{"app": "web"}, ServiceAccount: "web",
					NamedPorts: []inventory.NamedPort{{Name: "http", Port: 80, Protocol: "TCP"}},
					Workload:   p.Workload, Expected: true,
				}
				for k, v := range tc.labels {
					want.Labels[k] = v
				}
				if i == 0 {
					if d := cmp.Diff(want, p); d != "" || p.Workload.String() != tc.workload {
						t.Error(p.Workload, d)
					}
				}
			}
			if !slices.Equal(names, tc.pods) {
				t.Errorf("pods %v, want %v", names, tc.pods)
			}
		})
	}
	w, err := DecodeWorkload("Deployment", []byte(`{"metadata":{"name":"w"},"spec":{"replicas":2000000000}}`), "shop")
	if err != nil || len(w.Pods()) != inventory.MaxExpected {
		t.Errorf("%d pods, error %v", len(w.Pods()), err)
	}
}

func FuzzPolicy(f *testing.F) {
	for _, file := range []string{"1-default-deny.yaml", "5-postgres-access-backend-any-ns.yaml", "7-postgres-access-cluster-wide.yaml"} {
		text, err := os.ReadFile("../testdata/document/" + file)
		if err != nil {
			f.Fatal(err)
		}
		raw, err := yaml.YAMLToJSON(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"metadata":{"name":"n"},"spec":{"endpointSelector":{},"ingress":[{"icmps":[{"fields":[{"family":"IPv4"}]}]}]}}`))
	f.Add([]byte(`{"metadata":{"name":"n"},"spec":{"podSelector":{},"policyTypes":["Egress"]}}`))
	d := NewDecoder()
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, kind := range []v1alpha1.PolicyKind{v1alpha1.CiliumNetworkPolicy, v1alpha1.CiliumClusterwideNetworkPolicy, v1alpha1.NetworkPolicy, v1alpha1.ClusterNetworkPolicy} {
			for _, stored := range []bool{true, false} {
				p := d.Policy(kind, raw, PolicyOptions{Stored: stored})
				if (p.Object == nil) != (p.Unreadable != "") {
					t.Errorf("%s: object %v, unreadable %q", kind, p.Object, p.Unreadable)
				}
			}
		}
	})
}

func TestEndpointAddresses(t *testing.T) {
	_, e, err := Endpoint(fromYAML(t, `
metadata: {name: web, namespace: shop}
status: {networking: {node: 192.0.2.1, addressing: [{ipv4: 10.244.1.9, ipv6: "fd00::9"}, {ipv4: "none"}]}}`), "")
	if want := inventory.AddressesOf("10.244.1.9", "fd00::9"); err != nil || !slices.Equal(e.Addresses, want) {
		t.Errorf("%v, %v, want %v", err, e.Addresses, want)
	}
}

// Each pod of a StatefulSet has labels of its own, of which one object can ask for very many; those of other kinds share theirs.
func TestPodsOfAStatefulSetHaveNoMoreLabelsThanCanBeHeld(t *testing.T) {
	labels := map[string]string{}
	for i := range 2500 {
		labels[fmt.Sprint("key-", i)] = "x"
	}
	for kind, want := range map[string]int{"StatefulSet": 79, "Deployment": 300} {
		w := Workload{Kind: kind, Metadata: Meta{Name: "w"}}
		replicas := int32(300)
		w.Spec.Replicas, w.Spec.Template.Metadata.Labels = &replicas, labels
		if pods := w.Pods(); len(pods) != want || len(pods[want-1].Labels) < len(labels) {
			t.Errorf("%s: %d pods, want %d", kind, len(pods), want)
		}
	}
}
