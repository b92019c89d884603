package explain_test

import (
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
)

func TestParseSource(t *testing.T) {
	for text, want := range map[string]string{
		"pod/web-0":                    "pod/web-0",
		"po/web-0":                     "pod/web-0",
		"backend/pod/web-0":            "pod/web-0",
		"deploy/web":                   "deployment/web",
		"Deployment/web":               "deployment/web",
		"deployments.apps/web":         "deployment/web",
		"backend/sts/web":              "statefulset/web",
		"ds/agent":                     "daemonset/agent",
		"rs/web-7d4b9":                 "replicaset/web-7d4b9",
		"job/load":                     "job/load",
		"cj/report":                    "cronjob/report",
		"pooler/orders-rw":             "pooler/orders-rw",
		"rollout/web":                  "rollout/web", // Whoever owns pods is a workload.
		"ns/backend":                   "namespace/backend",
		"namespace/backend":            "namespace/backend",
		"world":                        "world",
		"host":                         "host",
		"remote-node":                  "remote-node",
		"kube-apiserver":               "kube-apiserver",
		"203.0.113.7":                  "203.0.113.7",
		"203.0.113.7/32":               "203.0.113.7",
		"203.0.113.0/24":               "203.0.113.0/24",
		"2001:db8::/32":                "2001:db8::/32",
		"::ffff:203.0.113.7":           "203.0.113.7",
		"0.0.0.0/0":                    "0.0.0.0/0",
		"::/0":                         "::/0",
		"shop/cluster/orders":          "cluster/orders",
		"statefulsets/web.with.dots":   "statefulset/web.with.dots",
		"shop/replicationcontroller/a": "replicationcontroller/a",
	} {
		s, err := explain.ParseSource(text)
		if err != nil || s.Name() != want {
			t.Errorf("%q: got %q, %v, want %q", text, s.Name(), err, want)
		}
	}
}

func TestParseSourceRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "the source is empty: use pod/NAME",
		"web":               "use pod/NAME, deployment/NAME",
		"a/b/c/d":           "use pod/NAME, deployment/NAME",
		"/web":              "the kind is missing",
		"pod/":              "the name is missing: use pod/NAME",
		"pod/Web":           `"Web" can't be the name of a pod`,
		"Shop/pod/web":      `"Shop" can't be the name of a namespace`,
		"/pod/web":          `"" can't be the name of a namespace`,
		"namespace/a.b":     `"a.b" can't be the name of a namespace`,
		"a/namespace/b":     "a namespace is in no namespace: use namespace/b",
		"node/worker-1":     "use host for the node that the instance runs on",
		"svc/web":           "a Service does not open connections",
		"203.0.113.7/24":    "use 203.0.113.0/24 for all of it, or 203.0.113.7 for the address",
		"203.0.113.0/33":    "is not a prefix: use for example 203.0.113.0/32",
		"fe80::1%eth0":      `policies know no zones: leave out "%eth0"`,
		"pod/\x1b[2J":       "can't be the name of a pod",
		"world/":            "the name is missing",
		"203.0.113.0/24/25": "is not a prefix",
	} {
		_, err := explain.ParseSource(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, want one line with %q", text, err, want)
		}
	}
}

func TestHypotheticalPod(t *testing.T) {
	s, err := explain.HypotheticalPod("role=backend,app=web", "shop", "")
	if err != nil || s.Name() != "a pod with app=web,role=backend" {
		t.Errorf("got %q, %v", s.Name(), err)
	}
	for _, test := range []struct{ labels, namespace, account, want string }{
		{"", "shop", "", "a label is missing"},
		{"role", "shop", "", `"role" is not a label`},
		{"role=backend,", "shop", "", "a label is missing"},
		{"role=a,role=b", "shop", "", `the label "role" twice, with "a" and "b"`},
		{"role=no spaces", "shop", "", `"no spaces" can't be the value of a label: a valid label must be`},
		{"a b=c", "shop", "", `"a b" can't be the key of a label: name part must consist of`},
		{"=c", "shop", "", `"" can't be the key of a label: name part must be non-empty`},
		{"a=b=c", "shop", "", `"b=c" can't be the value of a label`},
		{"role=backend", "Shop", "", `"Shop" can't be the name of a namespace`},
		{"role=backend", "shop", "No", `"No" can't be the name of a service account`},
	} {
		if _, err := explain.HypotheticalPod(test.labels, test.namespace, test.account); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "regex") {
			t.Errorf("%q: got %v, want %q without a pattern", test.labels, err, test.want)
		}
	}
}
