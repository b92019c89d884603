package expect_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/expect"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// drafted are drafts about all clusters of an inventory.
func drafted(t *testing.T, inv *inventory.Inventory) []v1alpha1.ExpectationsDraft {
	t.Helper()
	var keys []types.NamespacedName
	for _, c := range inv.Clusters {
		keys = append(keys, types.NamespacedName{Namespace: c.Namespace, Name: c.Name})
	}
	drafts, err := expect.Drafts(inv, keys, "")
	if err != nil {
		t.Fatal(err)
	}
	return drafts
}

// What is written about a state is met in it.
func TestDraftsAreMet(t *testing.T) {
	states := map[string][]string{"several clusters": {fixture.Recording("live-open"), "../example/testdata/more-clusters.yaml"}}
	for _, recording := range []string{"live-open", "live-locked", "live-document-literal", "live-flows", "live-egress-cut"} {
		states[recording] = []string{fixture.Recording(recording)}
	}
	for _, policies := range []string{"cidr", "cidr-group", "egress", "l7", "halves", "outbound", "primary", "named-port", "deny", "clusterwide-egress", "to-services", "two-clusters"} {
		states[policies] = fixture.Shop(policies + ".yaml")
	}
	demo, err := filepath.Glob("../../e2e/demo/shop/*.yaml")
	if err != nil || len(demo) == 0 {
		t.Fatal(err)
	}
	states["demo"] = demo
	for name, files := range states {
		t.Run(name, func(t *testing.T) {
			inv := fixture.Load(t, files...)
			for _, draft := range drafted(t, inv) {
				data, err := json.Marshal(draft.Expectations)
				if err != nil {
					t.Fatal(err)
				}
				read, err := expect.Decode([]expect.Document{{File: "draft", Number: 1, JSON: data}})
				if err != nil {
					t.Fatal(err)
				}
				if len(read) == 0 && len(draft.Omitted) == 0 {
					t.Errorf("nothing is written about %s, and no reason", draft.Cluster.Name)
				}
				asked := make([]expect.Asked, len(read))
				for i, x := range read {
					asked[i] = expect.Asked{Expectation: x, Key: types.NamespacedName{Namespace: x.Namespace, Name: x.Cluster}}
				}
				report, err := expect.Test(inv, asked, "")
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range report.Results {
					if r.Outcome != v1alpha1.OutcomeMet {
						t.Errorf("%s is %s: %s: %s", data, r.Outcome, r.Path, r.Message)
					}
				}
			}
		})
	}
}

// texts are the expectations of a draft as JSON.
func texts(t *testing.T, draft v1alpha1.ExpectationsDraft) []string {
	t.Helper()
	var out []string
	for _, x := range draft.Expectations.Expect {
		data, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(data))
	}
	return out
}

func TestDraftOfALockedCluster(t *testing.T) {
	got := texts(t, drafted(t, fixture.Locked(t, fixture.Flags()))[0])
	for _, want := range []string{
		`{"to":"pg","posture":"LOCKED"}`,
		`{"from":{"cluster":"pg","pooler":"pg-rw"},"to":"dns","verdict":"allowed"}`,
		`{"from":"world","to":"pg","verdict":"denied"}`,
		`{"from":"pod/web","to":{"cluster":"pg","pooler":"pg-rw"},"verdict":"denied"}`,
		`{"from":"cnpg-system/pod/operator-1","to":{"cluster":"pg","port":8000},"verdict":"allowed","because":"the operator manages the instances"}`,
		`{"from":"pg","to":"api-server","verdict":"allowed"}`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("there is no %s in\n%s", want, strings.Join(got, "\n"))
		}
	}
}

// What has no clear answer is not written, and the reason is.
func TestDraftOmits(t *testing.T) {
	blind := fixture.World(t)
	blind.Missing = append(blind.Missing, inventory.Missing{Resource: "ciliumnetworkpolicies", Message: "policies are forbidden"})
	for name, tc := range map[string]struct {
		inv  *inventory.Inventory
		want string
	}{
		"differs":    {fixture.World(t, fixture.Policy(primaryOnly), fixture.Policy(replicasShut)), "pod/web to pg: it differs: web → pg-2 is denied: nothing allows it into pg-2"},
		"unknown":    {blind, "world to pg: it is unknown: policies are forbidden"},
		"no posture": {blind, "the posture is UNKNOWN: "},
	} {
		t.Run(name, func(t *testing.T) {
			draft := drafted(t, tc.inv)[0]
			if !slices.ContainsFunc(draft.Omitted, func(s string) bool { return strings.HasPrefix(s, tc.want) }) {
				t.Errorf("no %q in\n%s", tc.want, strings.Join(draft.Omitted, "\n"))
			}
		})
	}
}

// The Jobs of a CronJob come and go, so that the CronJob is what is expected of.
func TestDraftNamesTheCronJob(t *testing.T) {
	inv := fixture.World(t)
	for i := range inv.Pods {
		if inv.Pods[i].Name == "web" {
			inv.Pods[i].Workload = inventory.Workload{Kind: "job", Name: "report-29123456"}
		}
	}
	if got := texts(t, drafted(t, inv)[0]); !slices.Contains(got, `{"from":"cronjob/report","to":"pg","verdict":"allowed"}`) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
