package plugin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

const clusterInDB = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: db}
spec: {instances: 1, storage: {size: 1Gi}}
`

// All verbs find a cluster of the manifests by its name, and say the same when there is none.
func TestClustersOfManifests(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	write := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := write("one.yaml", clusterInDB)
	two := write("two.yaml", clusterInDB+"---\n"+strings.ReplaceAll(clusterInDB, "namespace: db", "namespace: other"))
	for _, verb := range []string{"status NAME", "explain world NAME",
		"diff NAME --operator-namespace cnpg-system", "lockdown NAME --dry-run=client --operator-namespace cnpg-system"} {
		t.Run(verb, func(t *testing.T) {
			for _, test := range []struct{ name, args, stderr string }{
				{"pg", "-f " + one, ""},
				{"pg", "-n db -f " + one, ""},
				{"pg", "-n db -f " + two, ""},
				{"gone", "-f " + one, `no CloudNativePG cluster "gone" in the manifests: they hold db/pg`},
				{"pg", "-n shop -f " + one, `no CloudNativePG cluster "pg" in namespace "shop" of the manifests: they hold db/pg`},
			} {
				code, stdout, stderr := run(t, strings.Fields(strings.ReplaceAll(verb, "NAME", test.name)+" "+test.args)...)
				if want := test.stderr; want == "" && (stderr != "" || stdout == "") ||
					want != "" && (code != kit.ExitFailed || stderr != "error: "+want+"\n") {
					t.Errorf("%s %s: exit code %d, stdout %q, stderr %q, want %q", test.name, test.args, code, stdout, stderr, want)
				}
			}
			if strings.HasPrefix(verb, "status") {
				return
			}
			_, _, stderr := run(t, strings.Fields(strings.ReplaceAll(verb, "NAME", "pg")+" -f "+two)...)
			if want := `error: there is a cluster "pg" in each of the namespaces db, other: choose one with -n` + "\n"; stderr != want {
				t.Errorf("stderr %q, want %q", stderr, want)
			}
		})
	}
}

// The policies of a cluster that was found by its name are in its namespace.
func TestLockdownOfManifestsInAnotherNamespace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pg.yaml")
	if err := os.WriteFile(path, []byte(clusterInDB), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stdout, _ := run(t, "lockdown", "pg", "-f", path, "--operator-namespace", "cnpg-system", "--dry-run=client", "-o", "yaml")
	if strings.Count(stdout, "\n  namespace: db\n") != 2 {
		t.Errorf("not in db:\n%s", stdout)
	}
}

// Whoever may not list clusters is told that, and nothing about names.
func TestNamesOfClustersThatNobodyMayList(t *testing.T) {
	server := refusing(t, apiServer(t, recordings+"live-open.json"), "/apis/postgresql.cnpg.io/v1/namespaces/default/clusters")
	t.Setenv("KUBECONFIG", kubeconfig(t, "a", server.URL))
	for _, args := range []string{"status gone", "status cluster-example", "explain world cluster-example", "lockdown cluster-example", "diff cluster-example"} {
		code, stdout, stderr := run(t, append(strings.Fields(args), "--context", "a")...)
		if code != kit.ExitFailed || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "may not list clusters") {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
}
