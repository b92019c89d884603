package plugin

import (
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// Two states of a repository are compared without any server.
func TestStates(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	dir := repository(t, map[string]string{
		"base/overlays/live/kustomization.yaml": "namespace: shop\nresources: [../../db]\n",
		"base/db/kustomization.yaml":            "resources: [db.yaml, policy.yaml]\n",
		"base/db/db.yaml":                       database,
		"base/db/policy.yaml":                   policy,
		"head/overlays/live/kustomization.yaml": "namespace: shop\nresources: [../../db]\n",
		"head/db/kustomization.yaml":            "resources: [db.yaml, policy.yaml]\n",
		"head/db/db.yaml":                       database,
		"head/db/policy.yaml":                   strings.Replace(policy, "ingress", "egress: [{toEndpoints: [{}]}], ingress", 1),
		"broken/db.yaml":                        database,
		"broken/policy.yaml":                    strings.Replace(policy, "name: pg", `name: "{{ .Release.Name }}"`, 1),
		"none/values.yaml":                      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
	})
	t.Chdir(dir + "/head")
	operatorFlag := []string{"--operator-namespace", "cnpg-system"}
	for name, tc := range map[string]struct {
		args   string
		code   int
		stdout []string
		stderr string
	}{
		"a pipeline":            {"diff --from ../base --to .", kit.ExitNo, []string{"~ differs  shop", "API_SERVER_BLOCKED", "1 of 1 database differs between ../base and .\n"}, ""},
		"the working directory": {"diff --from ../base", kit.ExitNo, []string{"~ differs  shop"}, ""},
		"a comment":             {"diff --from ../base -o markdown", kit.ExitNo, []string{"## Network isolation of the databases", "(`db/policy.yaml:4`)"}, ""},
		"for programs":          {"diff --from ../base -o json", kit.ExitNo, []string{`"kind": "StateComparison"`, `"presence": "both"`, `"new": [`}, ""},
		"a template of kubectl": {"diff --from ../base -o jsonpath={.clusters[*].posture.after}", kit.ExitNo, []string{"BROKEN"}, ""},
		"a folder within":       {"diff --from ../base/overlays/live --to overlays/live", kit.ExitNo, []string{"~ differs  shop"}, ""},
		"the same":              {"diff --from ../base --to ../base", kit.ExitFine, []string{"nothing differs between ../base and ../base: 1 database\n"}, ""},
		"unknown":               {"diff --from ../base/db --to ../broken", kit.ExitFailed, []string{"Unknown\n", "is a template"}, `error: cluster "pg" in namespace "default" can't be compared completely: in ../broken, `},
		"no databases":          {"diff --from ../none --to ../none", kit.ExitFine, []string{"no CloudNativePG cluster is in ../none nor in ../none\n"}, ""},
		"nothing to compare":    {"diff", kit.ExitFailed, nil, "error: diff needs a CLUSTER, --operator, or --from and --to for two states of manifests\n"},
		"half of it":            {"diff --to .", kit.ExitFailed, nil, "error: --to needs --from, the state before\n"},
		"an empty variable":     {"diff --from= --to .", kit.ExitFailed, nil, "error: the path \"\" of --from does not exist\n"},
		"everything at once": {
			"diff pg --from ../no --to ../nowhere -f x --allow-pods a=b", kit.ExitFailed, nil,
			"error: --from compares all clusters: it can't be combined with a CLUSTER\n" +
				"error: --from and --to name the manifests: they can't be combined with --filename or --kustomize\n" +
				"error: --from compares what is there: it can't be combined with flags of the policy set\n" +
				"error: the path \"../no\" of --from does not exist\nerror: the path \"../nowhere\" of --to does not exist\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := run(t, append(strings.Fields(tc.args), operatorFlag...)...)
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
