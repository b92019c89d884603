package plugin

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
)

// hostileMemory is how many bytes of memory there may be while one hostile case after the other is answered.
const hostileMemory = 1 << 30

// askingForNames is a database that needs an address outside by its name.
const askingForNames = "---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: archived, namespace: db}\nspec: {instances: 1, storage: {size: 1Gi}, backup: {barmanObjectStore: {destinationPath: \"s3://b/\", endpointURL: \"https://s3.example.com\", s3Credentials: {inheritFromIAMRole: true}}}}\n"

// TestHostile runs commands over what nobody means well. Each ends by itself, with a documented exit code, without
// a character that a terminal would act on, and says in one line for each problem what it is. What is said is in
// testdata/hostile.txt, for people to read.
func TestHostile(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join("testdata", "missing.yaml"))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(hostileMemory))
	var out strings.Builder
	cases := 0
	var slowest time.Duration
	var slow string
	for _, group := range []map[string]hostile{hostileDocuments(), hostileArguments(), hostileKubeconfigs(t)} {
		for _, name := range slices.Sorted(maps.Keys(group)) {
			cases++
			c := group[name]
			if c.environment != "" {
				t.Setenv("KUBECONFIG", c.environment)
			}
			begun := time.Now()
			fmt.Fprintf(&out, "%s: %s\n", name, answerTo(t, name, c))
			if took := time.Since(begun); took > slowest {
				slowest, slow = took, name
			}
		}
	}
	golden.Compare(t, filepath.Join("testdata", "hostile.txt"), []byte(out.String()))
	if cases < 150 {
		t.Errorf("there are %d cases", cases)
	}
	// The runtime keeps the addresses of what it has once had: this is the most that there ever was.
	memory := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(memory)
	most := memory[0].Value.Uint64()
	t.Logf("%d cases, 0 panics; the most memory was %d MB, and the longest took %s: %s", cases, most>>20, slowest.Round(time.Millisecond), slow)
	if most > hostileMemory {
		t.Errorf("there were %d bytes of memory", most)
	}
}

// hostile is what a command is given.
type hostile struct {
	args  []string
	stdin string
	// environment is the kubeconfig.
	environment string
}

// answerTo is the exit code and what is told, in one line for each.
func answerTo(t *testing.T, name string, c hostile) string {
	t.Helper()
	var stdout, stderr strings.Builder
	code := Main(t.Context(), c.args, genericiooptions.IOStreams{In: strings.NewReader(c.stdin), Out: &stdout, ErrOut: &stderr})
	if code < 0 || code > 2 {
		t.Errorf("%s: exit code %d", name, code)
	}
	for _, text := range []string{stdout.String(), stderr.String()} {
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) }); i >= 0 {
			t.Errorf("%s: a terminal would act on %q", name, text[i:min(len(text), i+20)])
		}
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if code == 2 && !strings.Contains(stderr.String(), "error: ") {
		t.Errorf("%s: exit code 2, and no error: %q", name, stderr.String())
	}
	const most = 8
	if len(lines) > most {
		t.Errorf("%s: %d lines on stderr", name, len(lines))
	}
	told := ""
	for _, line := range lines {
		if len(line) > 2000 {
			t.Errorf("%s: a line of %d bytes: %s…", name, len(line), line[:100])
		}
		if line != "" {
			short := []rune(withoutDirectory(line, c.environment))
			told += "\n    " + string(short[:min(len(short), 300)])
		}
	}
	return fmt.Sprintf("exit %d%s", code, told)
}

// withoutDirectory leaves out where the kubeconfigs of the test are.
func withoutDirectory(line, kubeconfig string) string {
	if kubeconfig == "" {
		return line
	}
	return strings.ReplaceAll(line, filepath.Dir(kubeconfig)+string(filepath.Separator), "DIR/")
}

const hostileDatabase = `
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: db}
spec: {instances: 2, storage: {size: 1Gi}}
---
`

// hostileDocuments are documents beside a database.
func hostileDocuments() map[string]hostile {
	long := strings.Repeat("a", 300)
	spec := func(text string) string {
		return "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: db}\nspec: " + text + "\n"
	}
	named := func(kind, name string) string {
		version := map[string]string{"Pod": "v1", "Namespace": "v1", "Service": "v1", "Cluster": "postgresql.cnpg.io/v1", "Pooler": "postgresql.cnpg.io/v1", "Deployment": "apps/v1"}[kind]
		return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %q, namespace: db}\nspec: {}\n", version, kind, name)
	}
	aliases := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		aliases += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	documents := map[string]string{
		"aliases that grow":           aliases,
		"an alias of itself":          "a: &a {b: *a}\n",
		"an alias of nobody":          "a: *b\n",
		"an anchor in an object":      "apiVersion: &v v1\nkind: ConfigMap\nmetadata: {name: c, namespace: db}\ndata: {x: *v}\n",
		"bytes":                       "\x00\x01\x02\xff\xfe",
		"no UTF-8":                    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"\xff\xfe\"}\n",
		"UTF-16":                      "\xff\xfea\x00p\x00i\x00",
		"a byte order mark":           "\ufeff" + spec("{endpointSelector: {}, ingress: [{}]}"),
		"an unclosed brace":           "apiVersion: v1\nkind: {\n",
		"an unclosed quote":           "apiVersion: \"v1\n",
		"tabs":                        "apiVersion: v1\n\tkind: Pod\n",
		"a number":                    "42\n",
		"a list":                      "[1, 2, 3]\n",
		"a string":                    "hello\n",
		"null":                        "null\n",
		"an empty document":           "---\n---\n",
		"deep lists":                  strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "\n",
		"deep objects":                strings.Repeat("{a: ", 20000) + "1" + strings.Repeat("}", 20000) + "\n",
		"deep JSON":                   strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000) + "\n",
		"deep in a policy":            spec(`{endpointSelector: {}, description: ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}"),
		"a long line":                 "# " + strings.Repeat("x", 1<<20) + "\n",
		"many documents":              strings.Repeat("---\na: 1\n", 20000),
		"duplicate keys":              "apiVersion: v1\napiVersion: v2\nkind: Pod\nmetadata: {name: a}\n",
		"a kind without a version":    "kind: CiliumNetworkPolicy\nmetadata: {name: p}\n",
		"a version without a kind":    "apiVersion: cilium.io/v2\nmetadata: {name: p}\n",
		"a kind that is a number":     "apiVersion: v1\nkind: 7\n",
		"metadata that is a list":     "apiVersion: v1\nkind: Pod\nmetadata: []\n",
		"metadata that is a string":   "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: p\n",
		"labels that are a list":      "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: db, labels: [a]}\n",
		"labels that are numbers":     "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: db, labels: {a: 1}}\n",
		"no name":                     "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {namespace: db}\nspec: {endpointSelector: {}, ingress: [{}]}\n",
		"a template":                  strings.Replace(spec("{endpointSelector: {}, ingress: [{}]}"), "name: p", `name: "{{ .Values.name }}"`, 1),
		"a variable":                  strings.Replace(spec("{endpointSelector: {}, ingress: [{}]}"), "name: p", "name: '${NAME}'", 1),
		"a Helm template":             "{{- if .Values.enabled }}\napiVersion: v1\n{{- end }}\n",
		"a kustomization":             "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../../etc]\n",
		"a list of lists":             "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: [[]]}]\n",
		"a list of nothing":           "apiVersion: v1\nkind: List\n",
		"a list that is a string":     "apiVersion: v1\nkind: List\nitems: x\n",
		"the wrong kind of a policy":  "apiVersion: networking.k8s.io/v1\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: db}\n",
		"a policy of an old version":  "apiVersion: cilium.io/v1\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: db}\nspec: {endpointSelector: {}}\n",
		"no spec":                     "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: db}\n",
		"spec and specs":              "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: db}\nspec: {endpointSelector: {}, ingress: [{}]}\nspecs: [{endpointSelector: {}, ingress: [{fromEntities: [world]}]}]\n",
		"specs with null":             "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: db}\nspecs: [null]\n",
		"an empty specs":              "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: db}\nspecs: []\n",
		"spec that is a list":         spec("[]"),
		"ingress that is an object":   spec("{endpointSelector: {}, ingress: {}}"),
		"ingress of nobody":           spec("{endpointSelector: {}, ingress: []}"),
		"a rule that is null":         spec("{endpointSelector: {}, ingress: [null]}"),
		"no selector":                 spec("{ingress: [{}]}"),
		"both selectors":              spec("{endpointSelector: {}, nodeSelector: {}, ingress: [{}]}"),
		"an unknown field":            spec("{endpointSelector: {}, ingres: [{}]}"),
		"an unknown entity":           spec("{endpointSelector: {}, ingress: [{fromEntities: [everybody]}]}"),
		"an unknown operator":         spec("{endpointSelector: {matchExpressions: [{key: a, operator: Like, values: [b]}]}, ingress: [{}]}"),
		"an operator without values":  spec("{endpointSelector: {matchExpressions: [{key: a, operator: In}]}, ingress: [{}]}"),
		"a port of 70000":             spec("{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: \"70000\"}]}]}]}"),
		"a port of -1":                spec("{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: \"-1\"}]}]}]}"),
		"a port that overflows":       spec("{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: \"99999999999999999999\"}]}]}]}"),
		"a port that is a number":     spec("{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: 5432}]}]}]}"),
		"an end before the port":      spec("{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: \"5432\", endPort: 1}]}]}]}"),
		"an endPort that overflows":   spec("{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: \"5432\", endPort: 99999999999999999999}]}]}]}"),
		"a float for a number":        spec("{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: \"5432\", endPort: 1e400}]}]}]}"),
		"an unknown protocol":         spec("{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: \"5432\", protocol: CARRIER-PIGEON}]}]}]}"),
		"many ports":                  spec("{endpointSelector: {}, ingress: [{toPorts: [{ports: [" + strings.Repeat("{port: \"5432\"}, ", 41) + "]}]}]}"),
		"no CIDR":                     spec("{endpointSelector: {}, ingress: [{fromCIDR: [everything]}]}"),
		"a CIDR of 33 bits":           spec("{endpointSelector: {}, ingress: [{fromCIDR: [10.0.0.0/33]}]}"),
		"a CIDR with a zone":          spec("{endpointSelector: {}, ingress: [{fromCIDR: [\"fe80::1%eth0/64\"]}]}"),
		"a CIDR that is IPv4 in IPv6": spec("{endpointSelector: {}, ingress: [{fromCIDR: [\"::ffff:10.0.0.0/104\"]}]}"),
		"an exception outside":        spec("{endpointSelector: {}, ingress: [{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [192.168.0.0/16]}]}]}"),
		"peers of two kinds":          spec("{endpointSelector: {}, ingress: [{fromEndpoints: [{}], fromEntities: [world], fromCIDR: [10.0.0.0/8]}]}"),
		"a name that never ends":      spec("{endpointSelector: {}, egress: [{toFQDNs: [{matchName: " + long + "}]}]}"),
		"a pattern of stars":          spec("{endpointSelector: {}, egress: [{toFQDNs: [{matchPattern: \"" + strings.Repeat("*", 250) + "\"}]}]}"),
		"a pattern of 255 characters": spec("{endpointSelector: {}, egress: [{toFQDNs: [{matchPattern: \"*"+strings.Repeat("a", 254)+"\"}]}]}") + askingForNames,
		"a name of 255 characters":    spec("{endpointSelector: {}, egress: [{toFQDNs: [{matchName: "+strings.Repeat("a", 255)+"}]}]}") + askingForNames,
		"a bad pattern":               spec("{endpointSelector: {}, egress: [{toFQDNs: [{matchPattern: \"a[\"}]}]}"),
		"a label key that is long":    spec("{endpointSelector: {matchLabels: {" + long + ": a}}, ingress: [{}]}"),
		"a label value that is long":  spec("{endpointSelector: {matchLabels: {a: " + long + "}}, ingress: [{}]}"),
		"a label key with a colon":    spec("{endpointSelector: {matchLabels: {\"k8s:a:b\": c}}, ingress: [{}]}"),
		"a label of another source":   spec("{endpointSelector: {matchLabels: {\"cidr:10.0.0.0/8\": \"\"}}, ingress: [{}]}"),
		"a reserved label":            spec("{endpointSelector: {matchLabels: {\"reserved:host\": \"\"}}, ingress: [{}]}"),
		"many labels":                 spec("{endpointSelector: {}, ingress: [{fromEndpoints: [{matchLabels: {" + manyLabels(3000) + "}}]}]}"),
		"many CIDRs":                  spec("{endpointSelector: {}, ingress: [{fromCIDR: [" + manyCIDRs(5000) + "]}]}"),
		"many exceptions":             spec("{endpointSelector: {}, ingress: [{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [" + manyCIDRs(5000) + "]}]}]}"),
		"groups of a cloud":           spec("{endpointSelector: {}, ingress: [{fromGroups: [{aws: {labels: {a: b}}}]}]}"),
		"a group that is not there":   spec("{endpointSelector: {}, ingress: [{fromCIDRSet: [{cidrGroupRef: nobody}]}]}"),
		"rules for nodes":             spec("{endpointSelector: {}, ingress: [{fromNodes: [{}]}]}"),
		"rules of HTTP":               spec("{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: \"5432\"}], rules: {http: [{path: \"[\"}]}}]}]}"),
		"an escape in a name":         named("Pod", "a\x1b[31mb"),
		"an escape in a condition":    spec("{endpointSelector: {}, ingress: [{}]}") + "status: {conditions: [{type: Valid, status: \"False\", message: \"\\e]0;owned\\a\"}]}\n",
		"bidirectional in a message":  spec("{endpointSelector: {}, ingress: [{}]}") + "status: {conditions: [{type: Valid, status: \"False\", message: \"a\\u202Eb\\u2066c\"}]}\n",
		"astral in a message":         spec("{endpointSelector: {}, ingress: [{}]}") + "status: {conditions: [{type: Valid, status: \"False\", message: \"x\\U000E0041y\"}]}\n",
		"a condition that is a word":  spec("{endpointSelector: {}, ingress: [{}]}") + "status: {conditions: broken}\n",
		"a name of 254 characters":    named("Pod", strings.Repeat("a", 254)),
		"a name of 253 characters":    named("Pod", strings.Repeat("a", 253)),
		"a name with a slash":         named("Pod", "a/b"),
		"a name in capitals":          named("Pod", "PG"),
		"an empty name":               named("Pod", ""),
		"a namespace that is long":    named("Namespace", long),
		"a database with a long name": named("Cluster", strings.Repeat("a", 60)),
		"a database in capitals":      named("Cluster", "PG"),
		"a database of -1 instances":  "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: x, namespace: db}\nspec: {instances: -1}\n",
		"a database of many":          "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: x, namespace: db}\nspec: {instances: 2147483647}\n",
		"a database that overflows":   "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: x, namespace: db}\nspec: {instances: 99999999999999999999}\n",
		"a database of words":         "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: x, namespace: db}\nspec: {instances: three}\n",
		"a pooler of nobody":          named("Pooler", "rw"),
		"a pooler of many":            "apiVersion: postgresql.cnpg.io/v1\nkind: Pooler\nmetadata: {name: rw, namespace: db}\nspec: {cluster: {name: pg}, instances: 2147483647, pgbouncer: {poolMode: session}}\n",
		"a deployment of many":        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: db}\nspec: {replicas: 2147483647, template: {metadata: {labels: {a: b}}}}\n",
		"a deployment of -1":          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: db}\nspec: {replicas: -1, template: {metadata: {labels: {a: b}}}}\n",
		"a container port of 70000":   "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: db}\nspec: {containers: [{name: c, ports: [{name: x, containerPort: 70000}]}]}\n",
		"an address that is none":     "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: db}\nstatus: {podIP: nowhere, hostIP: 999.1.1.1}\n",
		"an endpoint without labels":  "apiVersion: cilium.io/v2\nkind: CiliumEndpoint\nmetadata: {name: pg-1, namespace: db}\nstatus: {identity: {id: 99999999999, labels: []}}\n",
		"an endpoint with odd labels": "apiVersion: cilium.io/v2\nkind: CiliumEndpoint\nmetadata: {name: pg-1, namespace: db}\nstatus: {identity: {id: 7, labels: [\"\", \":\", \"=\", \"k8s:\", \"reserved:world\"]}}\n",
		"settings that are wrong":     "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {enable-policy: sometimes, enable-ipv4: maybe, cluster-id: many}\n",
		"settings with bad labels":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {labels: \"k8s:[\"}\n",
		"settings that are binary":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\nbinaryData: {enable-policy: bmV2ZXI=}\n",
		"a network policy of words":   "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n, namespace: db}\nspec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: words}}]}]}\n",
		"a network policy of nobody":  "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n, namespace: db}\nspec: {podSelector: {}, policyTypes: [Sideways]}\n",
		"a tier of nobody":            "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: n}\nspec: {tier: Admin, priority: -5, subject: {}}\n",
		"a Service of words":          "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: db}\nspec: {type: Sideways, ports: [{port: -1}]}\n",
		"the database twice":          strings.Trim(hostileDatabase, "-\n") + "\n",
		"an encrypted document":       "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: db}\ndata: {a: ENC[AES256]}\nsops: {version: 3}\n",
		"a custom resource":           "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x}\nspec: {a: 1}\n",
		"a directive":                 "%YAML 9.9\n---\na: 1\n",
		"a tag":                       "!!python/object/apply:os.system ['true']\n",
		"a binary tag":                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: !!binary aGFsbG8=, namespace: db}\n",
		"a timestamp":                 "apiVersion: 2026-01-01\nkind: 2026-01-01\n",
		"infinity":                    "apiVersion: v1\nkind: Pod\nmetadata: {name: .inf, namespace: .nan}\n",
		"a merge key":                 "a: &a {kind: Pod}\n<<: *a\napiVersion: v1\nmetadata: {name: m, namespace: db}\n",
	}
	out := map[string]hostile{}
	for name, text := range documents {
		out["document: "+name] = hostile{args: []string{"status", "-A", "-f", "-"}, stdin: hostileDatabase + text}
	}
	return out
}

func manyLabels(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "k%d: v, ", i)
	}
	return out.String()
}

func manyCIDRs(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "10.%d.%d.%d/32, ", i>>16, i>>8&255, i&255)
	}
	return out.String()
}

// hostileArguments are command lines over a database.
func hostileArguments() map[string]hostile {
	out := map[string]hostile{}
	add := func(args ...string) {
		name := strings.Join(args, " ")
		out["arguments: "+fmt.Sprintf("%.60q", name)] = hostile{args: args, stdin: hostileDatabase}
	}
	long := strings.Repeat("a", 300)
	for _, source := range []string{"", " ", "/", "//", "pod/", "/pod/x", "pod/" + long, "a/b/c/d", "deployment/X_Y", "999.1.1.1", "10.0.0.0/99", "::1%eth0", "\x1b[31m", "world/", "\u202ex", "0.0.0.0/0", "::/0"} {
		add("explain", source, "pg", "-n", "db", "-f", "-")
	}
	for _, port := range []string{"0", "-1", "65536", "99999999999999999999", "", "5432/tcp", "\x00", "a_b"} {
		add("explain", "world", "pg", "-n", "db", "--port="+port, "-f", "-")
	}
	for _, flag := range []string{
		"--allow-pods=", "--allow-pods=,", "--allow-pods==", "--allow-pods=a=b=c", "--allow-pods=a in (b", "--allow-pods=" + long + "=b", "--allow-pods=a=" + long, "--allow-pods=!a", "--allow-pods=\x1b=a",
		"--allow-namespace=", "--allow-namespace=A", "--allow-namespace=" + long, "--allow-namespace=a/b", "--allow-metrics=:", "--allow-metrics=a:=", "--scope=world", "--operator-namespace=A B", "--operator-namespace=" + long, "--timeout=-1s", "--timeout=1", "--dry-run=maybe", "-o=xml",
	} {
		add("lockdown", "pg", "-n", "db", "-f", "-", "--dry-run=client", flag)
	}
	for _, format := range []string{"", "x", "jsonpath=", "jsonpath={", "go-template={{", "go-template={{range .}}", "custom-columns=", "custom-columns=A:{", "jsonpath-file=/does/not/exist", "go-template-file=", "json=x"} {
		add("status", "-A", "-f", "-", "-o", format)
	}
	add("status", "-f", "")
	add("status", "-f", "/does/not/exist")
	add("status", "-f", "a\x00b")
	add("status", "-f", "https://\x1b/")
	add("status", long, "-n", "db", "-f", "-")
	add("status", "PG", "-n", "db", "-f", "-")
	add("status", "pg", "-n", "D B", "-f", "-")
	add("status", "-A", "-f", "-", "--fail-on=maybe")
	add("status", "-A", "-f", "-", "--watch")
	add("status", "-A", "-f", "-", "--color=blue")
	add("statu")
	add("status", "--no-such-flag")
	add("explain")
	add("lockdown", "-f", "-")
	add("unlock", "pg", "-f", "-")
	add("rbac", "everything")
	add("completion", "tcsh")
	add("help", "\x1b[31m")
	return out
}

// hostileKubeconfigs are what KUBECONFIG may name.
func hostileKubeconfigs(t *testing.T) map[string]hostile {
	t.Helper()
	dir := t.TempDir()
	out := map[string]hostile{}
	add := func(name, content string, args ...string) {
		file := filepath.Join(dir, fmt.Sprint(len(out)))
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		out["kubeconfig: "+name] = hostile{args: append([]string{"status", "-A", "--request-timeout=200ms"}, args...), environment: file}
	}
	const head = "apiVersion: v1\nkind: Config\n"
	add("empty", "")
	add("bytes", "\x00\xff")
	add("a list", "[]\n")
	add("of another kind", "apiVersion: v1\nkind: Pod\n")
	add("no contexts", head)
	add("a context that is not there", head+"current-context: nobody\n")
	add("a context of nobody", head+"contexts: [{name: a, context: {cluster: x, user: y}}]\ncurrent-context: a\n")
	add("a server that is none", head+"clusters: [{name: c, cluster: {server: \"://\"}}]\ncontexts: [{name: a, context: {cluster: c}}]\ncurrent-context: a\n")
	add("a server of escapes", head+"clusters: [{name: c, cluster: {server: \"https://\\e[31m\"}}]\ncontexts: [{name: a, context: {cluster: c}}]\ncurrent-context: a\n")
	add("a server that refuses", head+"clusters: [{name: c, cluster: {server: \"https://127.0.0.1:1\"}}]\ncontexts: [{name: a, context: {cluster: c}}]\ncurrent-context: a\n")
	add("a certificate that is none", head+"clusters: [{name: c, cluster: {server: \"https://127.0.0.1:1\", certificate-authority-data: eA==}}]\ncontexts: [{name: a, context: {cluster: c}}]\ncurrent-context: a\n")
	add("a certificate that is not there", head+"clusters: [{name: c, cluster: {server: \"https://127.0.0.1:1\", certificate-authority: /does/not/exist}}]\ncontexts: [{name: a, context: {cluster: c}}]\ncurrent-context: a\n")
	add("a plugin that is not there", head+"clusters: [{name: c, cluster: {server: \"https://127.0.0.1:1\"}}]\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /does/not/exist, interactiveMode: Never}}}]\ncontexts: [{name: a, context: {cluster: c, user: u}}]\ncurrent-context: a\n")
	add("a plugin that hangs", head+"clusters: [{name: c, cluster: {server: \"https://127.0.0.1:1\"}}]\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sleep, args: [\"3\"], interactiveMode: Never}}}]\ncontexts: [{name: a, context: {cluster: c, user: u}}]\ncurrent-context: a\n")
	add("a plugin of an old version", head+"clusters: [{name: c, cluster: {server: \"https://127.0.0.1:1\"}}]\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v9, command: sleep, interactiveMode: Never}}}]\ncontexts: [{name: a, context: {cluster: c, user: u}}]\ncurrent-context: a\n")
	add("contexts that are refused", head+"clusters: [{name: c, cluster: {server: \"https://127.0.0.1:1\"}}]\ncontexts: [{name: a, context: {cluster: c}}, {name: b, context: {cluster: nobody}}]\ncurrent-context: a\n", "--all-contexts")
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	out["kubeconfig: a folder"] = hostile{args: []string{"status", "-A"}, environment: filepath.Join(dir, "folder")}
	out["kubeconfig: not there"] = hostile{args: []string{"status", "-A"}, environment: "/does/not/exist"}
	return out
}
