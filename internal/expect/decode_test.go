package expect_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/expect"
)

const header = "apiVersion: cnpg-netpol/v1alpha1\nkind: Expectations\n"

// document is YAML as one document of tests.yaml.
func document(t testing.TB, text string) expect.Document {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return expect.Document{File: "tests.yaml", Number: 1, JSON: data}
}

// one is the only expectation of a document in namespace shop.
func one(t *testing.T, text string) expect.Expectation {
	t.Helper()
	read, err := expect.Decode([]expect.Document{document(t, header+"namespace: shop\nexpect:\n- "+text)})
	if err != nil || len(read) != 1 {
		t.Fatalf("%s: %d expectations, %v", text, len(read), err)
	}
	return read[0]
}

func TestDecodeInbound(t *testing.T) {
	for text, want := range map[string]string{
		"{from: world, to: orders, verdict: denied}":                                               "world → shop/orders instances 5432 denied",
		"{from: deployment/web, to: other/orders, verdict: allowed}":                               "deployment/web → other/orders instances 5432 allowed",
		"{from: web/sts/x, to: {cluster: orders}, verdict: allowed}":                               "statefulset/x of web → shop/orders instances 5432 allowed",
		"{from: 203.0.113.0/24, to: {cluster: orders, port: 9187}, verdict: denied}":               "203.0.113.0/24 → shop/orders instances 9187 denied",
		"{from: host, to: {cluster: orders, port: metrics}, verdict: denied}":                      "host → shop/orders instances metrics denied",
		"{from: host, to: {cluster: orders, port: '8000'}, verdict: denied}":                       "host → shop/orders instances 8000 denied",
		"{from: cluster/stock, to: orders, verdict: denied}":                                       "cluster/stock → shop/orders instances 5432 denied",
		"{from: {labels: {b: c, a: x}}, to: orders, verdict: denied}":                              "a pod with a=x,b=c of other → shop/orders instances 5432 denied",
		"{from: {labels: {a: b}, namespace: etl, serviceAccount: x}, to: orders, verdict: denied}": "a pod with a=b of etl → shop/orders instances 5432 denied",
		"{from: host, to: {cluster: orders, namespace: db, pooler: rw}, verdict: denied}":          "host → db/orders pooler rw 5432 denied",
		`{"from": "world", "to": {"cluster": "orders", "port": 1}, "verdict": "denied"}`:           "world → shop/orders instances 1 denied",
		"{from: namespace/web, to: orders, verdict: denied, because: nobody there needs it}":       "namespace/web of web → shop/orders instances 5432 denied, nobody there needs it",
		"{from: pod/a, to: {cluster: api-server}, verdict: denied}":                                "pod/a → shop/api-server instances 5432 denied",
		"{from: ingress, to: orders, verdict: denied}":                                             "ingress → shop/orders instances 5432 denied",
		"{from: '::/0', to: orders, verdict: denied}":                                              "::/0 → shop/orders instances 5432 denied",
	} {
		x := one(t, text)
		source := x.In("other")
		got := source.Name()
		if n := source.Namespace(); n != "" && n != "other" || strings.HasPrefix(got, "a pod") {
			got += " of " + n
		}
		got += " → " + x.Namespace + "/" + x.Cluster + " " + v1alpha1.Target{Pooler: x.Query.Pooler}.String() + " " + x.Query.Port + " " + string(x.Verdict)
		if x.Because != "" {
			got += ", " + x.Because
		}
		if got != want || x.Outbound || x.Posture != "" || x.Path != "expect[0]" || x.Expected() != string(x.Verdict) {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestDecodeOutbound(t *testing.T) {
	for text, want := range map[string]string{
		"{from: orders, to: dns, verdict: allowed}":                                              "shop/orders instances → dns allowed",
		"{from: db/orders, to: api-server, verdict: denied}":                                     "db/orders instances → api-server denied",
		"{from: cluster/orders, to: external s3.example.com:443, verdict: allowed}":              "shop/orders instances → external s3.example.com:443 allowed",
		"{from: orders, to: '203.0.113.7:443', verdict: denied}":                                 "shop/orders instances → 203.0.113.7:443 denied",
		"{from: {cluster: orders, pooler: rw}, to: minio/service/minio:9000, verdict: allowed}":  "shop/orders pooler/rw → minio/service/minio:9000 allowed",
		"{from: {cluster: orders, namespace: db, job: import}, to: pod/old-1, verdict: allowed}": "db/orders job/import → db/pod/old-1 allowed",
		"{from: orders, to: old.example.com:5432, verdict: allowed}":                             "shop/orders instances → external old.example.com:5432 allowed",
	} {
		x := one(t, text)
		target := x.Target.In(x.Namespace)
		got := x.Namespace + "/" + x.Cluster + " " + x.Sender.Name() + " → " + target.Name() + target.PortSuffix() + " " + string(x.Verdict)
		if got != want || !x.Outbound {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestDecodePosture(t *testing.T) {
	for text, want := range map[string]string{
		"{to: orders, posture: LOCKED}":                                 "shop/orders LOCKED",
		"{to: db/orders, posture: OPEN}":                                "db/orders OPEN",
		"{to: {cluster: orders, namespace: db}, posture: BROKEN}":       "db/orders BROKEN",
		"{to: orders, posture: PARTIAL, because: it is being migrated}": "shop/orders PARTIAL",
	} {
		x := one(t, text)
		if got := x.Namespace + "/" + x.Cluster + " " + x.Expected(); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// What names no namespace, in a document that names none, is the command's affair.
func TestDecodeWithoutNamespace(t *testing.T) {
	read, err := expect.Decode([]expect.Document{document(t, header+"expect: [{to: orders, posture: LOCKED}]")})
	if err != nil || read[0].Namespace != "" {
		t.Errorf("%+v, %v", read, err)
	}
}

func TestWhatDecodeRefusesOfADocument(t *testing.T) {
	const item = "expect: [{to: db, posture: OPEN}]"
	for text, want := range map[string]string{
		"a: b":                                  "it has neither apiVersion nor kind: expectations have apiVersion: cnpg-netpol/v1alpha1 and kind: Expectations",
		"[a]":                                   "a list is here, and a mapping is needed",
		"apiVersion: apps/v1\nkind: Deployment": `kind: "Deployment" is here, and Expectations is needed; manifests that are judged are named with -f`,
		"apiVersion: cnpg-netpol/v2\nkind: Expectations\n" + item: `apiVersion: "cnpg-netpol/v2" is here, and cnpg-netpol/v1alpha1 is needed`,
		header:                             "expect: is missing or empty: write one expectation at least",
		header + "expect: []":              "expect: is missing or empty: write one expectation at least",
		header + "expect: {}":              "expect: a mapping is here, and a list is needed",
		header + "owner: me\n" + item:      "owner: there is no such field: known are apiVersion, kind, namespace and expect",
		header + "namespace: A_b\n" + item: `namespace: "A_b" can't be the name of a namespace: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character`,
		header + "namespace: 5\n" + item:   "namespace: a number is here, and text is needed",
		header + "Expect: []\n" + item:     "Expect: there is no such field: known are apiVersion, kind, namespace and expect",
	} {
		_, err := expect.Decode([]expect.Document{document(t, text)})
		if want = "tests.yaml document 1: " + want; err == nil || err.Error() != want {
			t.Errorf("%q\ngot  %v\nwant %s", text, err, want)
		}
	}
	twice := document(t, header+item)
	twice.Twice = []string{`the key "to" is there twice (line 4 of the document)`}
	if _, err := expect.Decode([]expect.Document{twice}); err == nil || err.Error() != `tests.yaml document 1: the key "to" is there twice (line 4 of the document)` {
		t.Errorf("got %v", err)
	}
}

func TestWhatDecodeRefusesOfAnExpectation(t *testing.T) {
	for text, want := range map[string]string{
		"":                                                                       "expect[0]: nothing is here, and a mapping is needed, with from, to, verdict, posture and because",
		"text":                                                                   "expect[0]: text is here, and a mapping is needed, with from, to, verdict, posture and because",
		"{form: world, to: db, verdict: denied}":                                 "expect[0].form: there is no such field: known are from, to, verdict, posture and because",
		"{from: world, to: db}":                                                  "expect[0].verdict: is missing: write allowed or denied, or a posture in its place",
		"{from: world, verdict: denied}":                                         "expect[0].to: is missing: name the cluster, or what a cluster connects to",
		"{to: db, verdict: denied}":                                              "expect[0].from: is missing: say who connects, as in from: world",
		"{from: world, to: db, verdict: Denied}":                                 `expect[0].verdict: "Denied" is no verdict: use allowed or denied`,
		"{from: world, to: db, verdict: unknown}":                                "expect[0].verdict: unknown is no answer that can be expected: use allowed or denied",
		"{from: world, to: db, verdict: true}":                                   "expect[0].verdict: true or false is here, and text is needed",
		"{to: db, posture: locked}":                                              `expect[0].posture: "locked" is no posture: use LOCKED, PARTIAL, OPEN or BROKEN`,
		"{to: db, posture: UNKNOWN}":                                             "expect[0].posture: UNKNOWN is no answer that can be expected: use LOCKED, PARTIAL, OPEN or BROKEN",
		"{to: db, posture: OPEN, from: world}":                                   "expect[0].from: a posture is about the cluster alone: leave it out, or write verdict in place of posture",
		"{to: {cluster: db, pooler: rw}, posture: OPEN}":                         "expect[0].to: a posture is about the cluster as a whole: leave out pooler and port",
		"{to: dns, posture: OPEN}":                                               `expect[0].to: "dns" is no cluster: a posture is that of a cluster`,
		"{from: wrold, to: db, verdict: denied}":                                 `expect[0].from: source "wrold": use pod/NAME, deployment/NAME, NAMESPACE/pod/NAME, namespace/NAME, world, host, remote-node, kube-apiserver, ingress, unmanaged, init, health, or an address such as 203.0.113.7`,
		"{from: svc/web, to: db, verdict: denied}":                               `expect[0].from: source "svc/web": a Service does not open connections: name the pod or the workload that does`,
		"{from: '', to: db, verdict: denied}":                                    "expect[0].from: is empty: say who connects",
		"{from: 5, to: db, verdict: denied}":                                     "expect[0].from: a number is here, and text or a mapping is needed",
		"{from: {}, to: db, verdict: denied}":                                    "expect[0].from.labels: is missing: write the labels of the pod, or from: namespace/NAME for one without",
		"{from: {label: {a: b}}, to: db, verdict: denied}":                       "expect[0].from.label: there is no such field: known are labels, namespace and serviceAccount of a pod, or cluster, namespace, pooler and job",
		"{from: {labels: {a: true}}, to: db, verdict: denied}":                   "expect[0].from.labels: true or false is here, and text is needed",
		"{from: {labels: {a: b c}}, to: db, verdict: denied}":                    `expect[0].from: labels "a=b c": "b c" can't be the value of a label: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
		"{from: {cluster: a}, to: db, verdict: denied}":                          "expect[0].from: cluster, pooler and job say who of a cluster connects to something else, and to is a cluster: write its instances as text, from: cluster/NAME",
		"{from: world, to: {cluster: db, instance: db-1}, verdict: denied}":      "expect[0].to.instance: there is no such field: known are cluster, namespace, pooler and port",
		"{from: world, to: {pooler: rw}, verdict: denied}":                       "expect[0].to.cluster: is missing: name the cluster",
		"{from: world, to: {cluster: db, port: 70000}, verdict: denied}":         "expect[0].to.port: port 70000 is out of range: use 1 to 65535, or the name of a container port",
		"{from: world, to: {cluster: db, port: 1.5}, verdict: denied}":           "expect[0].to.port: 1.5 is no port: use a whole number from 1 to 65535, or the name of a container port",
		"{from: world, to: {cluster: db, port: true}, verdict: denied}":          "expect[0].to.port: true or false is here, and a number or the name of a container port is needed",
		"{from: world, to: {cluster: db, port: Metrics}, verdict: denied}":       `expect[0].to.port: "Metrics" is neither the number nor the name of a port: must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`,
		"{from: world, to: Db, verdict: denied}":                                 `expect[0].to: "Db" can't be the name of a cluster: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
		"{from: world, to: [db], verdict: denied}":                               "expect[0].to: a list is here, and text or a mapping is needed",
		"{from: db, to: external s3, verdict: denied}":                           `expect[0].to: target "external s3": the port is missing: use 'external s3:443'`,
		"{from: deployment/web, to: dns, verdict: denied}":                       `expect[0].from: "deployment/web" is no cluster: what connects to dns is a cluster, as NAME, NAMESPACE/NAME or a mapping`,
		"{from: world, to: dns, verdict: denied}":                                `expect[0].from: "world" is no cluster: what connects to dns is a cluster, as NAME, NAMESPACE/NAME or a mapping`,
		"{from: {labels: {a: b}}, to: dns, verdict: denied}":                     "expect[0].from: labels and serviceAccount describe a pod that connects to a cluster, and to is none: name the cluster that connects",
		"{to: dns, verdict: denied}":                                             "expect[0].from: is missing: name the cluster that connects to dns",
		"{from: {cluster: db, job: x}, to: dns, verdict: denied}":                `expect[0].from.job: no job has the role "x": use one of initdb, import, pgbasebackup, full-recovery, snapshot-recovery, join, major-upgrade`,
		"{from: {cluster: db, job: join, pooler: rw}, to: dns, verdict: denied}": "expect[0].from.job: it stands in place of pooler: write an expectation for each",
		"{from: {cluster: db, pooler: R_W}, to: dns, verdict: denied}":           `expect[0].from.pooler: "pooler/R_W": "R_W" can't be the name of a pooler: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
	} {
		_, err := expect.Decode([]expect.Document{document(t, header+"expect:\n- "+text)})
		if want = "tests.yaml document 1: " + want; err == nil || err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
}

// All problems of all documents are told at once, in their order.
func TestDecodeReportsEverything(t *testing.T) {
	other := document(t, header+"expect: [{to: a, posture: x}, {to: b, posture: OPEN}, {to: c, posture: OPEN, verdict: allowed}]")
	other.File, other.Number = "other.yaml", 3
	read, err := expect.Decode([]expect.Document{document(t, "kind: X"), other})
	want := `tests.yaml document 1: kind: "X" is here, and Expectations is needed; manifests that are judged are named with -f
other.yaml document 3: expect[0].posture: "x" is no posture: use LOCKED, PARTIAL, OPEN or BROKEN
other.yaml document 3: expect[2].posture: it stands in place of verdict: write an expectation for each`
	if err == nil || err.Error() != want || len(read) != 1 || read[0].Cluster != "b" {
		t.Errorf("%d expectations\ngot  %v\nwant %s", len(read), err, want)
	}
}

func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		`{"apiVersion":"cnpg-netpol/v1alpha1","kind":"Expectations"}`: true,
		`{"apiVersion":"cnpg-netpol/v9","kind":"Expectations"}`:       true,
		`{"apiVersion":"other/v1","kind":"Expectations"}`:             false,
		`{"apiVersion":"cnpg-netpol/v1alpha1","kind":"TestReport"}`:   false,
		`[1]`: false,
		``:    false,
	} {
		if got := expect.Is([]byte(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// Whatever a file says, it is read or refused with its place, and what was read can be asked about.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"{from: world, to: orders, verdict: denied}", "{from: {labels: {a: b}}, to: {cluster: orders, port: 5432}, verdict: allowed}",
		"{from: orders, to: external s3.example.com:443, verdict: allowed}", "{to: a/b, posture: LOCKED}", "{from: {cluster: a, job: join}, to: dns, verdict: denied}",
		"{from: [], to: 1e400, verdict: {}}", "{from: a/b/c/d, to: '[::1]:80', verdict: allowed}", "null",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, item string) {
		data, err := yaml.YAMLToJSON([]byte(header + "expect: [" + item + "]"))
		if err != nil {
			return // Whoever reads the file has refused it.
		}
		read, err := expect.Decode([]expect.Document{{File: "f", Number: 1, JSON: data}})
		if err == nil && len(read) == 0 {
			t.Error("neither an expectation nor an error")
		}
		for line := range strings.Lines(textOf(err)) {
			if !strings.HasPrefix(line, "f document 1: ") {
				t.Errorf("an error without its place: %q", line)
			}
		}
		for _, x := range read {
			if x.Cluster == "" || (x.Posture == "") == (x.Verdict == "") || x.Path == "" {
				t.Errorf("%+v", x)
			}
			if x.Posture == "" && !x.Outbound && (x.In("shop").Name() == "" || x.Query.Validate() != nil) {
				t.Errorf("%+v", x)
			}
		}
	})
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
