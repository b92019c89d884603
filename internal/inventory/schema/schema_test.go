package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

const (
	ciliumPolicy   = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
	ciliumWide     = "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: p, namespace: dropped-by-kubectl}\n"
	kubernetes     = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\n"
	admin          = "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: p}\n"
	cluster        = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: p}\n"
	pooler         = "apiVersion: postgresql.cnpg.io/v1\nkind: Pooler\nmetadata: {name: p}\n"
	ciliumIngress  = ciliumPolicy + "spec: {endpointSelector: {}, ingress: ["
	networkIngress = kubernetes + "spec: {podSelector: {}, ingress: ["
	adminIngress   = admin + "spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: ["
	adminEgress    = admin + "spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, egress: ["
)

func check(t *testing.T, text string) Result {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var head struct{ APIVersion, Kind string }
	if err := json.Unmarshal(raw, &head); err != nil {
		t.Fatal(err)
	}
	kind := NewKinds().Of(head.APIVersion, head.Kind)
	if kind == nil {
		t.Fatalf("%s %s is not known", head.APIVersion, head.Kind)
	}
	result, err := kind.Check(raw)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// taken are objects that the API server takes.
func taken() map[string]string {
	return map[string]string{
		"ports in text":                ciliumIngress + `{fromEntities: [all], toPorts: [{ports: [{port: "5432", protocol: TCP}, {port: "8000", endPort: 8010}]}]}]}`,
		"specs":                        ciliumPolicy + "specs: [{endpointSelector: {}, ingress: [{}]}]",
		"no cluster-wide namespace":    ciliumWide + "spec: {endpointSelector: {}, ingress: [{}]}",
		"null for an absent field":     ciliumIngress + "{fromEntities: null}], egress: null}",
		"null in metadata":             strings.Replace(ciliumIngress, "{name: p}", "{name: p, labels: null, annotations: null, creationTimestamp: null}", 1) + "{}]}",
		"a port by name or number":     networkIngress + "{ports: [{port: 5432, endPort: 5440}, {port: postgresql}]}]}",
		"an exception":                 networkIngress + "{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}]}",
		"everybody":                    networkIngress + "{}]}",
		"a range":                      adminIngress + "{action: Accept, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {range: {start: 1, end: 2}}}}]}]}",
		"networks":                     adminEgress + "{action: Accept, to: [{networks: [10.0.0.0/8]}]}]}",
		"what a cluster needs":         cluster + "spec: {storage: {size: 1Gi}}",
		"what a pooler needs":          pooler + "spec: {cluster: {name: c}, pgbouncer: {poolMode: session}}",
		"what was read from a server":  strings.Replace(ciliumIngress, "{name: p}", "{name: p, creationTimestamp: null, generation: 1, managedFields: [{manager: m, fieldsV1: {f: {}}}]}", 1) + "{}]}",
		"what it writes by itself":     cluster + "spec: {}\nstatus: {instances: 1, whatever: {a: b}}",
		"resources in text and number": cluster + `spec: {resources: {requests: {cpu: 1, memory: "1Gi"}}}`,
	}
}

func TestWhatTheServerTakes(t *testing.T) {
	for name, text := range taken() {
		t.Run(name, func(t *testing.T) {
			if result := check(t, text); len(result.Refused) > 0 || len(result.Dropped) > 0 {
				t.Errorf("refused %v, dropped %v", result.Refused, result.Dropped)
			}
		})
	}
}

func TestWhatTheServerRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"protocol in lower case": {
			ciliumIngress + `{toPorts: [{ports: [{port: "5432", protocol: tcp}]}]}]}`,
			`spec.ingress[0].toPorts[0].ports[0].protocol: "tcp" is none of "TCP", "UDP", "SCTP", "VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH", "ANY"`,
		},
		"endPort below zero": {
			ciliumIngress + `{toPorts: [{ports: [{port: "5432", endPort: -5}]}]}]}`,
			"spec.ingress[0].toPorts[0].ports[0].endPort: -5 should be greater than or equal to 0",
		},
		"no entity": {
			ciliumIngress + `{fromEntities: [everybody]}]}`,
			`spec.ingress[0].fromEntities[0]: "everybody" is none of "all", "world", "cluster", "cluster-mesh", "host", "init", "ingress", "unmanaged", "remote-node", "health", "none", "kube-apiserver"`,
		},
		"label that is no text": {
			ciliumIngress + `{fromEndpoints: [{matchLabels: {db-client: true}}]}]}`,
			"spec.ingress[0].fromEndpoints[0].matchLabels.db-client: is true or false, and text is needed: put it in quotes",
		},
		"no direction":           {ciliumPolicy + "spec: {endpointSelector: {}}", "spec: has none of the forms that are allowed; spec.ingress: is missing"},
		"both selectors":         {ciliumPolicy + "spec: {endpointSelector: {}, nodeSelector: {}, ingress: [{}]}", "spec: has several forms that exclude each other"},
		"neither spec nor specs": {ciliumPolicy, "spec and specs are missing: one of them is needed"},
		"name": {
			strings.Replace(ciliumIngress, "name: p", "name: Bad_Name", 1) + "{}]}",
			`metadata.name: "Bad_Name" is not valid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
		},
		"no name":                {"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nspec: {endpointSelector: {}, ingress: [{}]}", "metadata.name: is missing"},
		"port out of range":      {networkIngress + "{ports: [{port: 70000}]}]}", "spec.ingress[0].ports[0].port: 70000 is not valid: must be between 1 and 65535, inclusive"},
		"port's name":            {networkIngress + "{ports: [{port: Not_A_Name}]}]}", `spec.ingress[0].ports[0].port: "Not_A_Name" is not valid: must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`},
		"endPort below port":     {networkIngress + "{ports: [{port: 10, endPort: 9}]}]}", "spec.ingress[0].ports[0].endPort: 9 is not valid: must not be below port"},
		"endPort alone":          {networkIngress + "{ports: [{endPort: 9}]}]}", "spec.ingress[0].ports[0].port: is missing: endPort needs it"},
		"endPort and name":       {networkIngress + "{ports: [{port: a, endPort: 9}]}]}", "spec.ingress[0].ports[0].endPort: 9 is not valid: may not be there when port is a name"},
		"protocol":               {networkIngress + "{ports: [{protocol: tcp}]}]}", `spec.ingress[0].ports[0].protocol: "tcp" is not supported: supported values: "TCP", "UDP", "SCTP"`},
		"empty peer":             {networkIngress + "{from: [{}]}]}", "spec.ingress[0].from[0]: is missing: a peer needs podSelector, namespaceSelector or ipBlock"},
		"block and selector":     {networkIngress + "{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]}", "spec.ingress[0].from[0]: ipBlock and a selector may not stand together"},
		"no CIDR":                {networkIngress + "{from: [{ipBlock: {cidr: 10.0.0.1}}]}]}", `spec.ingress[0].from[0].ipBlock.cidr: "10.0.0.1" is not valid: must be an address and the length of a prefix, like 10.9.8.0/24`},
		"CIDR is missing":        {networkIngress + "{from: [{ipBlock: {}}]}]}", "spec.ingress[0].from[0].ipBlock.cidr: is missing"},
		"exception outside":      {networkIngress + "{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16, x]}}]}]}", `spec.ingress[0].from[0].ipBlock.except[0]: "11.0.0.0/16" is not valid: must lie within 10.0.0.0/8 and be smaller; spec.ingress[0].from[0].ipBlock.except[1]: "x" is not valid: must be an address and the length of a prefix, like 10.9.8.0/24`},
		"policy type":            {kubernetes + "spec: {podSelector: {}, policyTypes: [Ingres]}", `spec.policyTypes[0]: "Ingres" is not supported: supported values: "Ingress", "Egress"`},
		"three policy types":     {kubernetes + "spec: {podSelector: {}, policyTypes: [Ingress, Egress, Egress]}", "spec.policyTypes: 3 is not valid: no more than two are allowed"},
		"selector":               {kubernetes + "spec: {podSelector: {matchExpressions: [{key: a, operator: Is}]}}", `spec.podSelector.matchExpressions[0].operator: "Is" is not valid: not a valid selector operator`},
		"egress":                 {kubernetes + "spec: {podSelector: {}, egress: [{to: [{}], ports: [{port: 0}]}]}", "spec.egress[0].ports[0].port: 0 is not valid: must be between 1 and 65535, inclusive; spec.egress[0].to[0]: is missing: a peer needs podSelector, namespaceSelector or ipBlock"},
		"port is a list":         {networkIngress + "{ports: [{port: [1]}]}]}", "spec.ingress[0].ports[0].port: is a list, and a whole number is needed"},
		"range":                  {adminIngress + "{action: Accept, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {range: {start: 2, end: 2}}}}]}]}", "spec.ingress[0].protocols[0].tcp.destinationPort.range: start must be below end"},
		"network":                {adminEgress + "{action: Accept, to: [{networks: [10.0.0.0]}]}]}", `spec.egress[0].to[0].networks[0]: "10.0.0.0" is not an address and the length of a prefix, like 10.9.8.0/24`},
		"named port of networks": {adminEgress + "{action: Accept, to: [{networks: [10.0.0.0/8]}], protocols: [{destinationNamedPort: a}]}]}", "spec.egress[0].protocols: names a port, and networks, nodes and domain names have no ports with names"},
		"action":                 {adminIngress + "{action: Allow, from: [{namespaces: {}}]}]}", `spec.ingress[0].action: "Allow" is none of "Accept", "Deny", "Pass"`},
		"instances in text":      {cluster + `spec: {instances: "3"}`, "spec.instances: is text, and a whole number is needed"},
		"no instances":           {cluster + `spec: {instances: 0}`, "spec.instances: 0 should be greater than or equal to 1"},
		"pool mode":              {pooler + "spec: {cluster: {name: c}, pgbouncer: {poolMode: statement}}", `spec.pgbouncer.poolMode: "statement" is none of "session", "transaction"`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Sentence(check(t, tc.text).Refused); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestAKeyTwice(t *testing.T) {
	result, err := NewKinds().Of("cilium.io/v2", "CiliumNetworkPolicy").Check(
		[]byte(`{"metadata":{"name":"p"},"spec":{"endpointSelector":{},"ingress":[],"ingress":[{}]}}`))
	if err != nil || Sentence(result.Refused) != "spec.ingress: is there twice" {
		t.Error(err, result.Refused)
	}
}

func TestDroppedFields(t *testing.T) {
	result := check(t, strings.Replace(networkIngress, "{name: p}", "{name: p, lables: {}}", 1)+"{fromm: [], ports: [{port: 1, prot: TCP}]}]}")
	if d := cmp.Diff([]string{"spec.ingress[0].fromm", "spec.ingress[0].ports[0].prot", "metadata.lables"}, result.Dropped); d != "" {
		t.Error(d)
	}
	if bytes.Contains(result.Stored, []byte("fromm")) {
		t.Errorf("stored %s", result.Stored)
	}
}

// What there is too much of is not checked, and it is said.
func TestTooManyLabels(t *testing.T) {
	for labels, want := range map[int]string{inventory.MostLabels: "", inventory.MostLabels + 1: "it has 10001 labels, and more than 10000 are not looked at"} {
		all := make([]string, labels)
		for i := range all {
			all[i] = fmt.Sprintf("k-%d: x", i)
		}
		result := check(t, strings.Replace(ciliumIngress, "{name: p}", "{name: p, labels: {"+strings.Join(all, ", ")+"}}", 1)+"{fromm: 1}]}")
		if result.TooMany != want || (len(result.Dropped) == 0) != (want != "") {
			t.Errorf("%d labels: %q, dropped %v", labels, result.TooMany, result.Dropped)
		}
	}
}

func TestAnUnknownKind(t *testing.T) {
	if NewKinds().Of("v1", "Pod") != nil {
		t.Error("there are no rules for Pods")
	}
}

// The schemas are those of the modules that this program is built with: go generate writes them.
func TestSchemasAreThoseOfTheModules(t *testing.T) {
	directory := t.TempDir()
	if output, err := exec.Command("go", "run", "./generate", directory).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	files, err := os.ReadDir(directory)
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	for _, file := range files {
		want, err := os.ReadFile(filepath.Join(directory, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join("kinds", file.Name())); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the module has (%v): run go generate ./internal/inventory/schema", file.Name(), err)
		}
	}
}

// CEL is not evaluated here, for its size. Each of its rules in the schemas of policies is written in Go; those of
// Cluster and Pooler have no bearing on who can connect.
func TestRulesInCEL(t *testing.T) {
	want := []string{
		"!(self.to.exists(peer, has(peer.networks) || has(peer.nodes) || has(peer.domainNames)) && has(self.protocols) && self.protocols.exists(protocol, has(protocol.destinationNamedPort)))",
		"has(self.spec) || has(self.specs)",
		"isCIDR(self)",
		"self.start < self.end",
	}
	var got []string
	for _, file := range []string{"ciliumnetworkpolicies.json", "clusternetworkpolicies.json", "networkpolicies.json"} {
		text, err := os.ReadFile(filepath.Join("kinds", file))
		if err != nil {
			t.Fatal(err)
		}
		var schema any
		if err := json.Unmarshal(text, &schema); err != nil {
			t.Fatal(err)
		}
		walk(schema, "", func(_, key string, value any) {
			if rules, ok := value.([]any); ok && key == "x-kubernetes-validations" {
				for _, rule := range rules {
					got = append(got, rule.(map[string]any)["rule"].(string))
				}
			}
		})
	}
	slices.Sort(got)
	if d := cmp.Diff(want, slices.Compact(got)); d != "" {
		t.Error(d)
	}
}

func FuzzCheck(f *testing.F) {
	for _, text := range []string{ciliumIngress + "{}]}", networkIngress + "{from: [{ipBlock: {cidr: a}}]}]}", adminEgress + "{to: []}]}", cluster} {
		raw, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	kinds := NewKinds()
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, kind := range kinds.byName {
			result, err := kind.Check(raw)
			if err == nil && !json.Valid(result.Stored) {
				t.Errorf("stored %s", result.Stored)
			}
			for _, problem := range result.Refused {
				if problem.Message == "" {
					t.Errorf("a problem without words at %q", problem.Path)
				}
			}
		}
	})
}
