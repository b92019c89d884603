package plugin

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

const (
	recordedFlows = "../internal/observe/testdata/"
	clientsShop   = "../internal/clients/testdata/"
)

// Who uses a database, from files alone.
func TestClients(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	recorded := "cluster-example -f " + recordings + "live-flows.json --flows " + recordedFlows
	for name, test := range map[string]struct {
		args string
		code int
	}{
		"locked":     {recorded + "flows-locked.jsonl", kit.ExitFine},
		"open":       {recorded + "flows-open.jsonl", kit.ExitFine},
		"twice":      {recorded + "flows-open.jsonl --flows " + recordedFlows + "flows-locked.jsonl", kit.ExitFine},
		"denied":     {recorded + "flows-locked.jsonl --denied", kit.ExitNo},
		"since":      {recorded + "flows-locked.jsonl --since 2026-11-26T02:27:30Z", kit.ExitFine},
		"shop":       {"orders -f " + clientsShop + "shop.yaml --flows " + clientsShop + "flows.jsonl", kit.ExitFine},
		"some":       {recorded + "flows-locked.jsonl --evidence flows", kit.ExitFine},
		"none":       {recorded + "flows-locked.jsonl --evidence none", kit.ExitFine},
		"relay-away": {"orders -f " + clientsShop + "shop.yaml --hubble-server 127.0.0.1:1", kit.ExitFine},
		"shop-specs": {"orders -f " + clientsShop + "shop.yaml", kit.ExitFine},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := run(t, append([]string{"clients"}, strings.Fields(test.args)...)...)
			if code != test.code || stderr != "" {
				t.Errorf("exit code %d, want %d, stderr %q", code, test.code, stderr)
			}
			golden.Compare(t, filepath.Join("testdata", "clients", name+".txt"), []byte(stdout))
		})
	}
}

func TestClientsForScripts(t *testing.T) {
	args := []string{"clients", "cluster-example", "-f", recordings + "live-flows.json", "--flows", recordedFlows + "flows-locked.jsonl"}
	_, stdout, _ := run(t, append(args, "-o", "json")...)
	var l v1alpha1.ClientList
	if err := json.Unmarshal([]byte(stdout), &l); err != nil {
		t.Fatal(err)
	}
	if l.Kind != v1alpha1.ClientListKind || len(l.Clients) != 3 || strings.Contains(stdout, "null") {
		t.Errorf("%s", stdout)
	}
	code, stdout, _ := run(t, append(args, "-o", "jsonpath={.lockdown.command}")...)
	if want := "kubectl cnpg-netpol lockdown cluster-example -n default --allow-pods=role=backend"; code != 0 || stdout != want {
		t.Errorf("%d, %s", code, stdout)
	}
}

// Nobody who is denied is an answer, and so is what was not seen.
func TestNobodyIsDenied(t *testing.T) {
	code, stdout, stderr := run(t, "clients", "cluster-example", "-f", recordings+"live-open.json", "--flows", recordedFlows+"flows-open.jsonl", "--denied")
	if code != kit.ExitFine || stderr != "Nobody was found who is denied. What the evidence does not cover is not ruled out.\n" || !strings.Contains(stdout, "33 events") {
		t.Errorf("%d, %s, %s", code, stderr, stdout)
	}
}

func TestClientsBadInput(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	hostile := t.TempDir() + "/a\x1b[2J.jsonl"
	if err := os.WriteFile(hostile, []byte("\x1b[2J\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	manifests := " -f " + recordings + "live-flows.json"
	for args, want := range map[string]string{
		"":                                    "a cluster is needed: clients CLUSTER",
		"a b":                                 "clients is about one cluster: leave out all but one of a b",
		"none" + manifests:                    `no CloudNativePG cluster "none" in the manifests: they hold default/cluster-example`,
		"a -o dot" + manifests:                `must be one of table, wide, json, yaml`,
		"a --since soon" + manifests:          `--since "soon" is neither a duration as in 2h, nor a time as in 2026-01-02T15:04:05Z`,
		"a --since -2h" + manifests:           `--since -2h: must be longer than nothing`,
		"a --flows=" + manifests:              `--flows must be a file, or - for stdin, and not an empty name`,
		"a --flows - -f -":                    `stdin can be read once, and more than one of --flows and --filename is -`,
		"a --flows - --flows - -f x":          `stdin can be read once`,
		"a --evidence x" + manifests:          `--evidence "x": must be one of auto, none, sessions, flows, references`,
		"a --evidence none,flows" + manifests: `--evidence none,flows: auto and none stand alone`,
		"a --hubble-tls-ca-file x":            `--hubble-tls-ca-file and --hubble-tls-server-name need --hubble-tls`,
		"a --for -1s":                         `--for -1s: must not be negative`,
		"a --for 1s" + manifests:              `which manifests have none of: add --hubble-server`,
		"a -R":                                `--recursive needs --filename`,
		"cluster-example --flows none.jsonl" + manifests: `the flows can't be read: open none.jsonl: no such file or directory`,
	} {
		code, stdout, stderr := run(t, append([]string{"clients"}, strings.Fields(args)...)...)
		if code != kit.ExitFailed || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d, %s, %s", args, code, stdout, stderr)
		}
	}
	code, stdout, stderr := run(t, "clients", "cluster-example", "-f", recordings+"live-flows.json", "--flows", hostile)
	if code != kit.ExitFine || stderr != "" || strings.Contains(stdout, "\x1b") || !strings.Contains(stdout, `1 line is no flow of Hubble's: line 1:`) {
		t.Errorf("%d, %q, %s", code, stdout, stderr)
	}
}

// The preview puts those first who use the database and would be cut off, also those that are gone, and says what was not looked at.
func TestLockdownWithFlows(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	for name, args := range map[string]string{
		"lockdown-some":   "orders -f " + clientsShop + "shop.yaml --flows " + clientsShop + "flows.jsonl --allow-pods app=web",
		"lockdown-all":    "orders -f " + clientsShop + "shop.yaml --evidence references --allow-namespace shop --allow-namespace etl",
		"lockdown-locked": "cluster-example -f " + recordings + "live-flows.json --flows " + recordedFlows + "flows-locked.jsonl --allow-pods role=frontend",
	} {
		code, stdout, stderr := run(t, append([]string{"lockdown", "--dry-run=client"}, strings.Fields(args)...)...)
		if code != kit.ExitFine || stderr != "" {
			t.Errorf("%s: %d, %s", name, code, stderr)
		}
		golden.Compare(t, filepath.Join("testdata", "clients", name+".txt"), []byte(stdout))
	}
	code, _, stderr := run(t, "lockdown", "orders", "-f", clientsShop+"shop.yaml", "--dry-run=client", "--flows", "none.jsonl")
	if code != kit.ExitFailed || !strings.Contains(stderr, "the flows can't be read: open none.jsonl") {
		t.Errorf("%d, %s", code, stderr)
	}
}
