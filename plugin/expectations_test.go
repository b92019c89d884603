package plugin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// expecting is a file of expectations about shop/pg.
func expecting(items ...string) string {
	return "apiVersion: cnpg-netpol/v1alpha1\nkind: Expectations\nnamespace: shop\nexpect:\n- " + strings.Join(items, "\n- ") + "\n"
}

func TestExpectationsAboutManifests(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	dir := repository(t, map[string]string{
		"deploy/kustomization.yaml": "namespace: shop\nresources: [db.yaml, policy.yaml]\n",
		"deploy/db.yaml":            database,
		"deploy/policy.yaml":        policy,
		"template/db.yaml":          strings.Replace(database, "name: pg", "name: pg, namespace: shop", 1),
		"template/policy.yaml":      strings.Replace(policy, "name: pg", `name: "{{ .Release.Name }}", namespace: shop`, 1),
		"broken/db.yaml":            strings.Replace(database, "name: pg", "name: pg, namespace: shop", 1) + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: a\n",
		"tests/met.yaml":            expecting("{from: world, to: pg, verdict: denied}", "{from: {labels: {a: b}}, to: pg, verdict: allowed}"),
		"tests/more/below.yml":      "a: b\n---\n" + expecting("{from: host, to: pg, verdict: allowed}"),
		"tests/more/values.yaml":    "{{ if .x }}\n",
		"tests/.hidden/not.yaml":    expecting("{from: world, to: pg, verdict: allowed}"),
		"tests/readme.md":           expecting("{from: world, to: pg, verdict: allowed}"),
		"not.yaml":                  expecting("{from: world, to: pg, verdict: allowed, because: it was so}"),
		"unknown.yaml":              expecting("{from: deployment/gone, to: pg, verdict: denied}", "{to: none, posture: OPEN}"),
		"elsewhere.yaml":            "apiVersion: cnpg-netpol/v1alpha1\nkind: Expectations\nexpect: [{to: pg, posture: LOCKED}]\n",
		"bad.yaml":                  expecting("{from: wrold, to: pg, verdict: denied}", "{from: world, to: pg, verdict: maybe}") + "---\n{a: b\n",
		"twice.yaml":                expecting("{from: world, from: host, to: pg, verdict: denied}"),
		"typo/one.yaml":             "kind: Expectations\nexpect: [{a: b\n",
		"none/values.yaml":          "a: b\n",
		"empty.yaml":                "",
	})
	for name, tc := range map[string]struct {
		args   string
		code   int
		stdout []string
		stderr []string
	}{
		"a folder":          {"test DIR/tests -k DIR/deploy", kit.ExitFine, []string{"3 expectations, all met"}, nil},
		"files":             {"test DIR/tests/met.yaml DIR/tests/more/below.yml -k DIR/deploy", kit.ExitFailed, nil, []string{"below.yml document 1: it has neither apiVersion nor kind: expectations have "}},
		"not met":           {"test DIR/not.yaml -k DIR/deploy", kit.ExitNo, []string{"NOT MET: world → shop/pg must be allowed", "because: it was so", "→ kubectl cnpg-netpol explain world pg -n shop --why-not -k DIR/deploy", "1 expectation: 1 not met"}, nil},
		"unknown":           {"test DIR/unknown.yaml -k DIR/deploy", kit.ExitFailed, []string{"UNKNOWN: deployment/gone → shop/pg must be denied", `no CloudNativePG cluster "none" in namespace "shop" of the manifests`, "2 unknown"}, []string{"error: 2 of 2 expectations can't be answered: do not take them for met"}},
		"both":              {"test DIR/not.yaml DIR/unknown.yaml -k DIR/deploy", kit.ExitFailed, []string{"3 expectations: 1 not met, 2 unknown"}, []string{"error: 2 of 3 expectations can't be answered"}},
		"any namespace":     {"test DIR/elsewhere.yaml -k DIR/deploy", kit.ExitFine, []string{"shop/pg", "1 expectation: 1 met"}, nil},
		"another namespace": {"test DIR/elsewhere.yaml -k DIR/deploy -n other", kit.ExitFailed, []string{`no CloudNativePG cluster "pg" in namespace "other" of the manifests`}, []string{"error: 1 of 1 expectations"}},
		"a template":        {"test DIR/tests -f DIR/template", kit.ExitFailed, []string{"is a template"}, []string{"error: "}},
		"broken manifests":  {"test DIR/tests/met.yaml -f DIR/broken", kit.ExitFailed, nil, []string{"broken/db.yaml document 2"}},
		"junit":             {"test DIR/not.yaml -k DIR/deploy -o junit", kit.ExitNo, []string{`failures="1"`, `<failure message="it is denied: `}, nil},
		"markdown":          {"test DIR/not.yaml -k DIR/deploy -o markdown", kit.ExitNo, []string{"### NOT MET: `world → shop/pg must be allowed`"}, nil},
		"json":              {"test DIR/not.yaml -k DIR/deploy -o json", kit.ExitNo, []string{`"kind": "TestReport"`, `"outcome": "not-met"`}, nil},
		"a template of -o":  {"test DIR/not.yaml -k DIR/deploy -o jsonpath={.results[*].outcome}", kit.ExitNo, []string{"not-met"}, nil},
		"everything wrong": {"test DIR/bad.yaml DIR/nowhere.yaml -k DIR/deploy", kit.ExitFailed, nil, []string{
			"bad.yaml document 2: not valid YAML: ", `nowhere.yaml" does not exist`, `bad.yaml document 1: expect[0].from: source "wrold": use `, `bad.yaml document 1: expect[1].verdict: "maybe" is no verdict`}},
		"a key twice":              {"test DIR/twice.yaml -k DIR/deploy", kit.ExitFailed, nil, []string{`twice.yaml document 1: the key "from" is there twice`}},
		"a typo in a folder":       {"test DIR/typo -k DIR/deploy", kit.ExitFailed, nil, []string{"typo/one.yaml document 1: not valid YAML: "}},
		"a folder without any":     {"test DIR/none -k DIR/deploy", kit.ExitFailed, nil, []string{`none" holds expectations (kind: Expectations)`}},
		"an empty file":            {"test DIR/empty.yaml -k DIR/deploy", kit.ExitFailed, nil, []string{"empty.yaml is empty: expectations have "}},
		"a URL":                    {"test https://example.org/a.yaml -k DIR/deploy", kit.ExitFailed, nil, []string{"is a URL, which is not read: download it first"}},
		"no manifests":             {"test DIR/not.yaml -f DIR/nowhere", kit.ExitFailed, nil, []string{`nowhere" does not exist`}},
		"manifests in their place": {"test DIR/deploy/db.yaml -k DIR/deploy", kit.ExitFailed, nil, []string{`db.yaml document 1: kind: "Cluster" is here, and Expectations is needed; manifests that are judged are named with -f`}},
		"a wrong operator":         {"test DIR/not.yaml -k DIR/deploy --operator-namespace A_b", kit.ExitFailed, nil, []string{"A_b"}},
		"init":                     {"test --init pg -k DIR/deploy", kit.ExitFine, []string{"kind: Expectations\nnamespace: shop\nexpect:\n", "- {from: world, to: pg, verdict: denied}\n"}, nil},
		"init of all":              {"test --init -f DIR/template -k DIR/deploy", kit.ExitFine, []string{"# What holds for the cluster pg.", "# Not written, because there is no clear answer:\n# - "}, nil},
		"init of nothing":          {"test --init -f DIR/deploy/policy.yaml", kit.ExitFailed, nil, []string{"there is no CloudNativePG cluster to write expectations about: name one, or its namespace with -n"}},
		"init of no cluster":       {"test --init none -k DIR/deploy", kit.ExitFailed, nil, []string{`no CloudNativePG cluster "none" in the manifests: they hold shop/pg`}},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := run(t, strings.Fields(strings.ReplaceAll(tc.args, "DIR", dir))...)
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			for _, want := range tc.stdout {
				if want = strings.ReplaceAll(want, "DIR", dir); !strings.Contains(stdout, want) {
					t.Errorf("%q is not in stdout", want)
				}
			}
			for _, want := range tc.stderr {
				if strings.Count(stderr, want) != 1 {
					t.Errorf("%q is not once in stderr", want)
				}
			}
			if len(tc.stderr) == 0 && strings.Contains(stderr, "error") {
				t.Error("there is an error")
			}
			if t.Failed() {
				t.Logf("stdout:\n%s\nstderr:\n%s", stdout, stderr)
			}
		})
	}
}

// What --init writes about manifests is met by them.
func TestInitIsMet(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	for _, manifests := range []string{"../e2e/demo/shop", recordings + "live-locked.json"} {
		code, written, stderr := run(t, "test", "--init", "-f", manifests)
		if code != kit.ExitFine {
			t.Fatalf("exit code %d, stderr\n%s", code, stderr)
		}
		file := filepath.Join(t.TempDir(), "expectations.yaml")
		if err := os.WriteFile(file, []byte(written), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, stdout, stderr := run(t, "test", file, "-f", manifests); code != kit.ExitFine || !strings.Contains(stdout, ", all met\n") {
			t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
		}
	}
}
