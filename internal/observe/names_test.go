package observe_test

import (
	"strings"
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

// shop is a cluster with a role and a pooler, and another one that nobody asks about.
func shop(t *testing.T) observe.Names {
	t.Helper()
	inv := &inventory.Inventory{}
	for _, text := range []string{
		"{metadata: {name: db, namespace: shop}, spec: {managed: {roles: [{name: r, passwordSecret: {name: reports}}]}}}",
		"{metadata: {name: other, namespace: shop}}",
	} {
		c := &cnpgv1.Cluster{}
		if err := yaml.Unmarshal([]byte(text), c); err != nil {
			t.Fatal(err)
		}
		inv.Clusters = append(inv.Clusters, c)
	}
	p := &cnpgv1.Pooler{}
	if err := yaml.Unmarshal([]byte("{metadata: {name: pool, namespace: shop}, spec: {cluster: {name: db}}}"), p); err != nil {
		t.Fatal(err)
	}
	inv.Poolers = append(inv.Poolers, p)
	return observe.NamesOf(inv, types.NamespacedName{Namespace: "shop", Name: "db"})
}

func TestReferences(t *testing.T) {
	env := func(value string) string {
		return `containers: [{env: [{name: A, value: "` + value + `"}]}]`
	}
	for name, test := range map[string]struct{ in, spec, want string }{
		"nothing":             {"shop", "containers: [{image: a}]", ""},
		"envFrom":             {"shop", "containers: [{envFrom: [{secretRef: {name: db-app}}]}]", "Secret db-app"},
		"env":                 {"shop", "containers: [{env: [{name: A, valueFrom: {secretKeyRef: {name: db-superuser, key: a}}}]}]", "Secret db-superuser"},
		"init container":      {"shop", "initContainers: [{envFrom: [{secretRef: {name: db-app}}]}]", "Secret db-app"},
		"a role's":            {"shop", "volumes: [{name: a, secret: {secretName: reports}}]", "Secret reports"},
		"projected":           {"shop", "volumes: [{name: a, projected: {sources: [{secret: {name: db-ca}}]}}]", "Secret db-ca"},
		"each once":           {"shop", "volumes: [{name: a, secret: {secretName: db-app}}, {name: b, secret: {secretName: db-app}}]", "Secret db-app"},
		"in another place":    {"backend", "containers: [{envFrom: [{secretRef: {name: db-app}}]}]", ""},
		"of another cluster":  {"shop", "containers: [{envFrom: [{secretRef: {name: other-app}}]}]", ""},
		"of the server":       {"shop", "volumes: [{name: a, secret: {secretName: db-server}}]", ""},
		"a host":              {"shop", env("db-rw"), "host db-rw"},
		"with a port":         {"shop", env("db-rw:5432"), "host db-rw"},
		"read only":           {"shop", env("db-ro"), "host db-ro"},
		"any":                 {"shop", env("db-r"), "host db-r"},
		"a pooler":            {"shop", env("pool"), "host pool of pool"},
		"qualified":           {"backend", env("db-rw.shop"), "host db-rw.shop"},
		"fully qualified":     {"backend", env("db-rw.shop.svc.cluster.local"), "host db-rw.shop.svc.cluster.local"},
		"another domain":      {"backend", env("DB-RW.shop.svc.example.com."), "host DB-RW.shop.svc.example.com"},
		"bare, elsewhere":     {"backend", env("db-rw"), ""},
		"somebody's domain":   {"backend", env("db-rw.shop.example.com"), ""},
		"an URL":              {"shop", env("postgres://u:p@db-rw:5432/app?sslmode=require"), "host db-rw"},
		"several hosts":       {"shop", env("postgres://db-rw:5432,db-ro:5432/app"), "host db-ro; host db-rw"},
		"JDBC":                {"shop", env("jdbc:postgresql://db-rw/app"), "host db-rw"},
		"libpq":               {"shop", env("dbname=app host=db-rw user=u"), "host db-rw"},
		"arguments":           {"shop", "containers: [{args: [psql, -h, db-rw]}]", "host db-rw"},
		"one argument":        {"shop", "containers: [{args: [--host=db-rw]}]", "host db-rw"},
		"a script":            {"shop", `containers: [{command: [sh, -c, "pg_dump -h db-rw app | gzip"]}]`, "host db-rw"},
		"in a script":         {"backend", `containers: [{command: [sh, -c, "until nc db-rw.shop 5432; do sleep 1; done"]}]`, "host db-rw.shop"},
		"a word":              {"shop", env("wait for db-rw to come"), ""},
		"part of a word":      {"shop", env("my-db-rw"), ""},
		"a word, of a pooler": {"shop", `containers: [{args: ["--strategy", "worker pool"]}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var spec corev1.PodSpec
			if err := yaml.UnmarshalStrict([]byte(test.spec), &spec); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range shop(t).References(test.in, inventory.Workload{Kind: "job", Name: "a-29384750"}, &spec) {
				text := r.To
				if r.Pooler != "" {
					text += " of " + r.Pooler
				}
				got = append(got, text)
				if r.Workload.String() != "cronjob/a" || r.Namespace != test.in || r.Cluster.Name != "db" {
					t.Errorf("%+v", r)
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "; ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What a spec has from a ConfigMap is seen where the ConfigMap was read: the keys that it takes, and only in its own namespace.
func TestConfigMaps(t *testing.T) {
	names := shop(t)
	settings := map[string]string{
		"PGHOST":      "db-rw",
		"yaml":        "database:\n  host: db-ro\n  port: 5432\n",
		"json":        `{"port": 1, "host": "db-r"}`,
		"properties":  "spring.datasource.url=jdbc:postgresql://pool:5432/app\nserver = db-r\n",
		"words":       "the host is called db-rw, and its pool",
		"elsewhere":   "host: db-rw.other",
		"another key": "x",
	}
	names.AddConfigMap("shop", "settings", settings)
	names.AddConfigMap("backend", "settings", map[string]string{"PGHOST": "db-rw.shop"})
	if err := names.AddConfigMapManifest([]byte(`{"metadata":{"name":"read"},"data":{"a":"PGHOST=db-rw"}}`), "shop"); err != nil {
		t.Fatal(err)
	}
	if err := names.AddConfigMapManifest([]byte(`{"data":7}`), "shop"); err == nil || !strings.Contains(err.Error(), "a ConfigMap can't be read") {
		t.Errorf("%v", err)
	}
	env := func(key string) string {
		return "containers: [{env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: " + key + "}}}]}]"
	}
	const all = "host db-r in ConfigMap settings; host db-ro in ConfigMap settings; host db-rw in ConfigMap settings; host pool in ConfigMap settings of pool"
	for name, test := range map[string]struct{ in, spec, want string }{
		"a key":                {"shop", env("PGHOST"), "host db-rw in ConfigMap settings"},
		"YAML":                 {"shop", env("yaml"), "host db-ro in ConfigMap settings"},
		"JSON":                 {"shop", env("json"), "host db-r in ConfigMap settings"},
		"properties":           {"shop", env("properties"), "host db-r in ConfigMap settings; host pool in ConfigMap settings of pool"},
		"words":                {"shop", env("words"), ""},
		"another namespace's":  {"shop", env("elsewhere"), ""},
		"no such key":          {"shop", env("none"), ""},
		"no such ConfigMap":    {"other", env("PGHOST"), ""},
		"qualified":            {"backend", env("PGHOST"), "host db-rw.shop in ConfigMap settings"},
		"all keys":             {"shop", "containers: [{envFrom: [{configMapRef: {name: settings}}]}]", all},
		"a volume":             {"shop", "volumes: [{name: a, configMap: {name: settings}}]", all},
		"a file of a volume":   {"shop", "volumes: [{name: a, configMap: {name: settings, items: [{key: yaml, path: a}]}}]", "host db-ro in ConfigMap settings"},
		"a projected volume":   {"shop", "volumes: [{name: a, projected: {sources: [{configMap: {name: settings, items: [{key: json, path: a}]}}]}}]", "host db-r in ConfigMap settings"},
		"init container":       {"shop", "initContainers: [{envFrom: [{configMapRef: {name: read}}]}]", "host db-rw in ConfigMap read"},
		"one without a name":   {"shop", "containers: [{envFrom: [{configMapRef: {}}]}]", ""},
		"beside what it names": {"shop", "containers: [{args: [-h, db-rw], envFrom: [{configMapRef: {name: read}}]}]", "host db-rw; host db-rw in ConfigMap read"},
	} {
		t.Run(name, func(t *testing.T) {
			var spec corev1.PodSpec
			if err := yaml.UnmarshalStrict([]byte(test.spec), &spec); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range names.References(test.in, inventory.Workload{Kind: "job", Name: "a"}, &spec) {
				text := r.To
				if r.Pooler != "" {
					text += " of " + r.Pooler
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "; ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSpecOf(t *testing.T) {
	const template = `"template":{"metadata":{"labels":{"app":"a"}},"spec":{"serviceAccountName":"sa","containers":[{"name":"a","ports":[{"name":"http","containerPort":80}],"envFrom":[{"secretRef":{"name":"db-app"}}]}]}}`
	for name, test := range map[string]struct{ kind, raw, want string }{
		"Deployment":     {"Deployment", `{"metadata":{"name":"a","namespace":"shop"},"spec":{` + template + `}}`, "shop/deployment/a sa app=a"},
		"no namespace":   {"StatefulSet", `{"metadata":{"name":"a"},"spec":{` + template + `}}`, "home/statefulset/a sa app=a"},
		"CronJob":        {"CronJob", `{"metadata":{"name":"a","namespace":"shop"},"spec":{"jobTemplate":{"spec":{` + template + `}}}}`, "shop/cronjob/a sa app=a"},
		"Job":            {"Job", `{"metadata":{"name":"a","namespace":"shop"},"spec":{` + template + `}}`, "shop/job/a sa app=a"},
		"of an operator": {"Deployment", `{"metadata":{"name":"a","namespace":"shop","ownerReferences":[{"kind":"Keycloak","name":"k"}]},"spec":{` + template + `}}`, "shop/deployment/a sa app=a"},
		"Pod":            {"Pod", `{"metadata":{"name":"a","namespace":"shop","labels":{"app":"a"}},"spec":{"containers":[{"name":"a","envFrom":[{"secretRef":{"name":"db-app"}}]}]}}`, "shop/pod/a default app=a"},
		"a Job's end":    {"Job", `{"metadata":{"name":"a","namespace":"shop"},"spec":{` + template + `},"status":{"conditions":[{"type":"Complete","status":"True"}]}}`, ""},
		"a pod's end":    {"Pod", `{"metadata":{"name":"a","namespace":"shop"},"spec":{},"status":{"phase":"Succeeded"}}`, ""},
		"made by others": {"ReplicaSet", `{"metadata":{"name":"a","namespace":"shop","ownerReferences":[{"kind":"Deployment","name":"k"}]},"spec":{` + template + `}}`, ""},
		"an instance":    {"Pod", `{"metadata":{"name":"a","namespace":"shop","labels":{"cnpg.io/cluster":"db","cnpg.io/podRole":"instance"}},"spec":{"volumes":[{"name":"a","secret":{"secretName":"db-app"}}]}}`, ""},
		"no template":    {"Deployment", `{"metadata":{"name":"a","namespace":"shop"}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			spec, connects, err := observe.SpecOf(test.kind, []byte(test.raw), "home")
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if connects {
				if spec.Namespace == "home" {
					spec.Namespace = "shop" // Where the Secret is.
				}
				for _, p := range shop(t).Evidence(spec).Templates {
					got = p.Namespace + "/" + p.Workload.String() + " " + p.ServiceAccount + " app=" + p.Labels["app"]
				}
			}
			if want := strings.Replace(test.want, "home/", "shop/", 1); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	if _, _, err := observe.SpecOf("Job", []byte(`{"spec":{"template":7}}`), ""); err == nil || !strings.HasPrefix(err.Error(), "the spec of a Job can't be read: ") {
		t.Errorf("%v", err)
	}
}

// Whatever a spec says, references are to what was asked for, and each is there once.
func FuzzReferences(f *testing.F) {
	for _, text := range []string{"db-rw", "postgres://u@db-rw,db-ro:5432/x", "host='db-rw'", "-h db-rw", "a.b.c", "://@", "host=\x1b[2J"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		spec := corev1.PodSpec{Containers: []corev1.Container{{Args: []string{text}}}}
		seen := map[observe.Reference]bool{}
		for _, r := range shop(t).References("shop", inventory.Workload{Kind: "pod", Name: "a"}, &spec) {
			host, ok := strings.CutPrefix(r.To, "host ")
			if !ok || !strings.Contains(text, host) || r.Cluster.Name != "db" || seen[r] {
				t.Errorf("%q: %+v", text, r)
			}
			seen[r] = true
		}
	})
}

func TestComplete(t *testing.T) {
	inv := &inventory.Inventory{Pods: []inventory.Pod{{Namespace: "shop", Name: "web-1", Workload: inventory.Workload{Kind: "deployment", Name: "web"}}}}
	e := observe.Evidence{
		Connections: []observe.Connection{
			{Client: observe.Client{Namespace: "shop", Workload: inventory.Workload{Kind: "deployment", Name: "web"}}},
			{Client: observe.Client{Entity: "world"}},
			{Client: observe.Client{
				Namespace: "etl", Workload: inventory.Workload{Kind: "cronjob", Name: "night"},
				Identity: "gone\nk8s:app=night\nk8s:io.cilium.k8s.namespace.labels.a=b\nk8s:io.cilium.k8s.policy.serviceaccount=sa\nk8s:io.kubernetes.pod.namespace=etl",
			}},
		},
		Templates: []inventory.Pod{{Namespace: "shop", Name: "web", Workload: inventory.Workload{Kind: "deployment", Name: "web"}}},
	}
	got := e.Complete(inv).Pods
	want := []inventory.Pod{
		{Namespace: "etl", Name: "night", Labels: map[string]string{"app": "night"}, ServiceAccount: "sa", Workload: inventory.Workload{Kind: "cronjob", Name: "night"}, Expected: true},
		inv.Pods[0],
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b []string) bool { return len(a) == len(b) })); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(inv.Pods) != 1 {
		t.Error("the inventory has changed")
	}
	if same := (observe.Evidence{}).Complete(inv); same != inv {
		t.Error("a copy for nothing")
	}
}
