package plugin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// repository writes files into a folder.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	database = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: pg}\nspec: {instances: 1, storage: {size: 1Gi}}\n"
	policy   = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: pg}\nspec: {endpointSelector: {}, ingress: [{fromEntities: [cluster]}]}\n"
)

func TestManifests(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	dir := repository(t, map[string]string{
		"overlays/kustomization.yaml":  "namespace: shop\nresources: [../base]\n",
		"base/kustomization.yaml":      "resources: [db.yaml, policy.yaml]\n",
		"base/db.yaml":                 database,
		"base/policy.yaml":             policy,
		"other/values.yaml":            "replicas: 1\n",
		"other/list.json":              "[1]",
		"refused/db.yaml":              database,
		"refused/policy.yaml":          strings.Replace(policy, "cluster", "everybody", 1),
		"template/db.yaml":             database,
		"template/policy.yaml":         strings.Replace(policy, "name: pg", `name: "{{ .Release.Name }}"`, 1),
		"stages/a.yaml":                database,
		"stages/b.yaml":                strings.Replace(database, "instances: 1", "instances: 3", 1),
		"elsewhere/kustomization.yaml": "resources: ['https://example.org/x?ref=v1']\n",
	})
	for name, tc := range map[string]struct {
		args   string
		code   int
		stdout []string
		stderr string
	}{
		"a kustomization is built":    {"status -k DIR/overlays --operator-namespace cnpg-system", kit.ExitFine, []string{"Cluster   shop/pg", "cnp   pg"}, ""},
		"kustomization and file":      {"status -k DIR/overlays -f DIR/refused/db.yaml --operator-namespace cnpg-system", kit.ExitFine, []string{"shop       pg", "default    pg"}, ""},
		"explain in a kustomization":  {"explain world pg -n shop -k DIR/overlays", kit.ExitNo, []string{"DENIED"}, ""},
		"lockdown of a kustomization": {"lockdown pg -n shop -k DIR/overlays --dry-run=client -o name --operator-namespace cnpg-system", kit.ExitFine, []string{"pg-default-deny"}, ""},
		"a folder within":             {"status -R -f DIR/overlays --operator-namespace cnpg-system", kit.ExitFine, []string{"Cluster   shop/pg"}, ""},
		"what is no object":           {"status -f DIR/other -f DIR/refused/db.yaml", kit.ExitFine, nil, "skipped 2 documents: no Kubernetes objects in there\n"},
		"a refused policy": {
			"status -f DIR/refused", kit.ExitFine, []string{"POLICY_INVALID", `spec.ingress[0].fromEntities[0]: "everybody" is none of`, "Posture   OPEN"}, "",
		},
		"a template":        {"status -f DIR/template", kit.ExitFailed, []string{"NOT_RENDERED", "is a template", "Posture   UNKNOWN"}, `error: the posture of cluster "pg" in namespace "default" is unknown: `},
		"two of a name":     {"status -f DIR/stages", kit.ExitFailed, []string{"DUPLICATE_OBJECT"}, ""},
		"not fetched":       {"status -k DIR/elsewhere", kit.ExitFailed, nil, `includes "https://example.org/x?ref=v1", which is not among the files and is not fetched`},
		"no name of a file": {"status --filename=", kit.ExitFailed, nil, `invalid argument "" for "-f, --filename" flag: must specify a file, a directory, or - for stdin`},
		"a gate on nothing": {"status -f DIR/base/policy.yaml --fail-on error", kit.ExitFailed, nil, "error: --fail-on has nothing to judge: there is no CloudNativePG cluster in the manifests\n"},
		"no such directory": {"status -k DIR/nowhere", kit.ExitFailed, nil, "/nowhere\" does not exist\n"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := run(t, strings.Fields(strings.ReplaceAll(tc.args, "DIR", dir))...)
			if code != tc.code || !strings.Contains(stderr, tc.stderr) {
				t.Errorf("exit code %d, want %d, stderr\n%swant %q", code, tc.code, stderr, tc.stderr)
			}
			for _, want := range tc.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("%q is not in\n%s", want, stdout)
				}
			}
		})
	}
}
