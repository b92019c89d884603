package expect_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/expect"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// tested is what came of expectations, one to a line.
func tested(t *testing.T, inv *inventory.Inventory, lines ...string) v1alpha1.TestReport {
	t.Helper()
	read, err := expect.Decode([]expect.Document{document(t, header+"namespace: shop\nexpect:\n- "+strings.Join(lines, "\n- "))})
	if err != nil {
		t.Fatal(err)
	}
	asked := make([]expect.Asked, len(read))
	for i, x := range read {
		asked[i] = expect.Asked{Expectation: x, Key: types.NamespacedName{Namespace: x.Namespace, Name: x.Cluster}}
	}
	report, err := expect.Test(inv, asked, "")
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// primaryOnly lets web reach the primary and nobody else reach anything.
const primaryOnly = `{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"primary","namespace":"shop"},
	"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/instanceRole":"primary"}},"ingress":[{"fromEndpoints":[{"matchLabels":{"app":"web"}}]}]}}`

const replicasShut = `{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"replicas","namespace":"shop"},
	"spec":{"endpointSelector":{"matchLabels":{"cnpg.io/instanceRole":"replica"}},"ingress":[{}]}}`

func TestOutcomes(t *testing.T) {
	locked := fixture.Locked(t, fixture.Flags(func(v *policyset.FlagValues) { v.Allow = append(v.Allow, "--allow-pods=app=web") }))
	split := fixture.World(t, fixture.Policy(primaryOnly), fixture.Policy(replicasShut))
	blind := fixture.World(t)
	blind.Missing = append(blind.Missing, inventory.Missing{Resource: "ciliumnetworkpolicies", Message: "policies are forbidden"})
	for _, tc := range []struct {
		name    string
		inv     *inventory.Inventory
		text    string
		outcome v1alpha1.TestOutcome
		actual  string
		message string
		remedy  string
	}{
		{"allowed", locked, "{from: pod/web, to: pg, verdict: allowed}", v1alpha1.OutcomeMet, "allowed", "allowed by CiliumNetworkPolicy/shop/pg-postgres-access-app-web", ""},
		{"allowed where it must not", locked, "{from: pod/web, to: pg, verdict: denied}", v1alpha1.OutcomeNotMet, "allowed",
			"allowed by CiliumNetworkPolicy/shop/pg-postgres-access-app-web", "kubectl cnpg-netpol explain pod/web pg -n shop"},
		{"denied", locked, "{from: world, to: pg, verdict: denied}", v1alpha1.OutcomeMet, "denied", "", ""},
		{"denied where it must not", locked, "{from: world, to: {cluster: pg, pooler: pg-rw, port: 9127}, verdict: allowed}", v1alpha1.OutcomeNotMet, "denied",
			"nothing allows it into pg-rw-1, and by default all is denied by CiliumNetworkPolicy/shop/pg-default-deny",
			"kubectl cnpg-netpol explain world pg -n shop --pooler pg-rw --port 9127 --why-not"},
		{"no policy", fixture.World(t), "{from: world, to: pg, verdict: denied}", v1alpha1.OutcomeNotMet, "allowed", "no policy selects it", "kubectl cnpg-netpol explain world pg -n shop"},
		{"allowed to some", split, "{from: pod/web, to: pg, verdict: allowed}", v1alpha1.OutcomeNotMet, "differs",
			"web → pg-2 is denied: nothing allows it into pg-2, and by default all is denied by CiliumNetworkPolicy/shop/replicas", "kubectl cnpg-netpol explain pod/web pg -n shop"},
		{"denied to some", split, "{from: pod/web, to: pg, verdict: denied}", v1alpha1.OutcomeNotMet, "differs",
			"web → pg-1 is allowed: allowed by CiliumNetworkPolicy/shop/primary", "kubectl cnpg-netpol explain pod/web pg -n shop"},
		{"evidence is missing", blind, "{from: world, to: pg, verdict: denied}", v1alpha1.OutcomeUnknown, "unknown", "policies are forbidden", "kubectl cnpg-netpol explain world pg -n shop"},
		{"no such source", locked, "{from: pod/gone, to: pg, verdict: denied}", v1alpha1.OutcomeUnknown, "", `there is no pod "gone" in namespace "shop" of the manifests: `, ""},
		{"no such pooler", locked, "{from: world, to: {cluster: pg, pooler: ro}, verdict: denied}", v1alpha1.OutcomeUnknown, "", `no pod of a pooler "ro" of cluster "pg" could be seen: it has pg-rw`, ""},
		{"a pod that need not exist", locked, "{from: {labels: {app: web}}, to: pg, verdict: allowed}", v1alpha1.OutcomeMet, "allowed", "", ""},
		{"the same elsewhere", locked, "{from: {labels: {app: web}, namespace: other, serviceAccount: x}, to: pg, verdict: allowed}", v1alpha1.OutcomeNotMet, "denied", "",
			"kubectl cnpg-netpol explain --labels app=web --source-namespace other --source-service-account x pg -n shop --why-not"},
		{"the way out", locked, "{from: pg, to: 'external a.example.com:443', verdict: denied}", v1alpha1.OutcomeNotMet, "allowed", "no policy restricts what it opens",
			"kubectl cnpg-netpol explain pg --to 'external a.example.com:443' -n shop"},
		{"the way out of a job", locked, "{from: {cluster: pg, job: join}, to: dns, verdict: denied}", v1alpha1.OutcomeNotMet, "allowed", "",
			"kubectl cnpg-netpol explain pg --to dns -n shop --from job/join"},
		{"the way out, not there", locked, "{from: pg, to: service/none, verdict: denied}", v1alpha1.OutcomeUnknown, "", `there is no Service "none" in namespace "shop" of the manifests`, ""},
		{"a posture", locked, "{to: pg, posture: LOCKED}", v1alpha1.OutcomeMet, "LOCKED", "", ""},
		{"another posture", fixture.World(t), "{to: pg, posture: LOCKED}", v1alpha1.OutcomeNotMet, "OPEN", "", "kubectl cnpg-netpol status pg -n shop"},
		{"an unknown posture", blind, "{to: pg, posture: OPEN}", v1alpha1.OutcomeUnknown, "UNKNOWN", "policies are forbidden", "kubectl cnpg-netpol status pg -n shop"},
		{"no such cluster", locked, "{to: none, posture: OPEN}", v1alpha1.OutcomeUnknown, "", `there is no cluster "none" in namespace "shop"`, ""},
		{"no such cluster, outbound", locked, "{from: none, to: dns, verdict: denied}", v1alpha1.OutcomeUnknown, "", `there is no cluster "none" in namespace "shop"`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			report := tested(t, tc.inv, tc.text)
			r := report.Results[0]
			if r.Outcome != tc.outcome || r.Actual != tc.actual || !strings.Contains(r.Message, tc.message) || r.Remedy.String() != tc.remedy {
				t.Errorf("%s\ngot  %s, %q: %s → %s\nwant %s, %q: %s → %s", tc.text, r.Outcome, r.Actual, r.Message, r.Remedy, tc.outcome, tc.actual, tc.message, tc.remedy)
			}
			counts := map[v1alpha1.TestOutcome]int{v1alpha1.OutcomeMet: report.Met, v1alpha1.OutcomeNotMet: report.NotMet, v1alpha1.OutcomeUnknown: report.Unknown}
			if counts[tc.outcome] != 1 || report.Met+report.NotMet+report.Unknown != 1 {
				t.Errorf("%+v", counts)
			}
		})
	}
}

// What is asked together is answered as what is asked alone: the pods and addresses that one question makes up
// change no other.
func TestAskedTogetherAsAlone(t *testing.T) {
	inv := fixture.Load(t, fixture.Shop("cidr.yaml", "egress.yaml")...)
	sources := []string{"world", "host", "remote-node", "kube-apiserver", "10.0.0.0/8", "10.1.2.3", "203.0.113.0/24", "0.0.0.0/0", "namespace/shop", "namespace/default"}
	var lines []string
	for _, source := range sources {
		lines = append(lines, fmt.Sprintf("{from: %s, to: orders, verdict: allowed}", source))
	}
	hypothetical := []string{"app=a", "role=backend", "app=a,role=frontend"}
	for _, labels := range hypothetical {
		lines = append(lines, fmt.Sprintf("{from: {labels: {%s}}, to: orders, verdict: allowed}", strings.ReplaceAll(labels, "=", ": ")))
		sources = append(sources, labels+" in shop")
	}
	report := tested(t, inv, lines...)
	for i, source := range sources {
		alone, err := fixture.Explain(t, inv, fixture.Orders(), source, explain.Query{})
		if err != nil {
			t.Fatal(err)
		}
		got := report.Results[i]
		if want := string(alone.Verdict); got.Actual != want && got.Actual != expect.Differs || got.Outcome == v1alpha1.OutcomeMet && want != "allowed" {
			t.Errorf("%s: %s (%s), alone it is %s", source, got.Actual, got.Outcome, want)
		}
	}
}

// What could not be looked up is told as it came, and asked no more.
func TestLookedUpInVain(t *testing.T) {
	x := one(t, "{from: deployment/web, to: pg, verdict: denied, because: of old}")
	report, err := expect.Test(fixture.World(t), []expect.Asked{{Expectation: x, Key: types.NamespacedName{Namespace: "shop"}, Err: errors.New("no such cluster")}}, "")
	if err != nil {
		t.Fatal(err)
	}
	r := report.Results[0]
	if r.Outcome != v1alpha1.OutcomeUnknown || r.Message != "no such cluster" || r.Because != "of old" || r.From.Name != "deployment/web" || !r.Remedy.IsZero() {
		t.Errorf("%+v", r)
	}
}

// A note about the source is among the notes of the answer.
func TestNotes(t *testing.T) {
	x := one(t, "{from: pod/web, to: pg, verdict: allowed}")
	report, err := expect.Test(fixture.World(t), []expect.Asked{{Expectation: x, Key: fixture.Database(), Note: "no pod runs"}}, "")
	if err != nil || len(report.Results[0].Notes) != 1 || report.Results[0].Notes[0] != "no pod runs" {
		t.Errorf("%+v, %v", report, err)
	}
}
