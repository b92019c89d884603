package example

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/expect"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
)

// expectations are about the recorded cluster: what is met, what is not, and what has no answer.
const expectations = `
apiVersion: cnpg-netpol/v1alpha1
kind: Expectations
namespace: default
expect:
- {from: pod/backend, to: cluster-example, verdict: allowed, because: it takes the orders}
- {from: pod/frontend, to: cluster-example, verdict: allowed, because: it shows the orders}
- {from: other/pod/frontend, to: {cluster: cluster-example, pooler: cluster-example-pooler-rw}, verdict: denied}
- {from: {labels: {role: backend}, namespace: other}, to: cluster-example, verdict: allowed}
- {from: {labels: {role: backend}}, to: {cluster: cluster-example, port: metrics}, verdict: allowed}
- {from: world, to: cluster-example, verdict: denied}
- {from: host, to: cluster-example, verdict: denied}
- {from: pod/gone, to: cluster-example, verdict: denied}
- {to: cluster-example, posture: LOCKED}
- {to: cluster-example, posture: OPEN, because: it is a playground}
- {from: cluster-example, to: "external objects.example.com:443", verdict: allowed}
- {from: {cluster: cluster-example, job: join}, to: dns, verdict: denied}
`

// Tests are what came of expectations about the locked recording.
func Tests(t *testing.T) v1alpha1.TestReport {
	t.Helper()
	data, err := yaml.YAMLToJSONStrict([]byte(expectations))
	if err != nil {
		t.Fatal(err)
	}
	read, err := expect.Decode([]expect.Document{{File: "expectations/shop.yaml", Number: 1, JSON: data}})
	if err != nil {
		t.Fatal(err)
	}
	asked := make([]expect.Asked, len(read))
	for i, x := range read {
		asked[i] = expect.Asked{Expectation: x, Key: types.NamespacedName{Namespace: x.Namespace, Name: x.Cluster}}
	}
	report, err := expect.Test(fixture.Load(t, recordings+"live-open.json", lockdown), asked, "")
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// MetTests are those of Tests that are met.
func MetTests(t *testing.T) v1alpha1.TestReport {
	t.Helper()
	all := Tests(t)
	met := v1alpha1.TestReport{}
	for _, r := range all.Results {
		if r.Outcome == v1alpha1.OutcomeMet {
			met.Met++
			met.Results = append(met.Results, r)
		}
	}
	return met
}

// HostileTests have text in them that nobody should trust.
func HostileTests() v1alpha1.TestReport {
	const bad = "\x1b[31m|`<b>@team\n\u202e]]>"
	return v1alpha1.TestReport{NotMet: 1, Results: []v1alpha1.TestResult{{
		File: bad, Document: 1, Path: "expect[0]", Metadata: v1alpha1.Metadata{Namespace: bad, Name: bad},
		From: &v1alpha1.ExplainedSource{Name: bad, Namespace: bad}, Target: &v1alpha1.Target{Pooler: bad}, Port: bad,
		Expected: "denied", Actual: "allowed", Outcome: v1alpha1.OutcomeNotMet, Message: bad, Because: bad, Notes: []string{bad},
		Policies: []v1alpha1.PolicyReference{cnp(bad)}, Remedy: command.Run(command.Plugin("explain", bad)),
	}}}
}

// Drafts are expectations of what holds for the locked recording, and some that hold whatever is in a name.
func Drafts(t *testing.T) []v1alpha1.ExpectationsDraft {
	t.Helper()
	drafts, err := expect.Drafts(fixture.Load(t, recordings+"live-open.json", lockdown), []types.NamespacedName{{Namespace: "default", Name: "cluster-example"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	const bad = "a: [#\x1b[31m\n\u202e"
	return append(drafts, v1alpha1.ExpectationsDraft{
		Cluster: v1alpha1.Metadata{Namespace: bad, Name: bad},
		Expectations: v1alpha1.Expectations{
			TypeMeta: drafts[0].Expectations.TypeMeta, Namespace: "no", Expect: []v1alpha1.Expectation{
				{From: &v1alpha1.ExpectedFrom{Text: bad}, To: v1alpha1.ExpectedTo{Text: "on"}, Verdict: v1alpha1.VerdictDenied},
				{From: &v1alpha1.ExpectedFrom{ExpectedFromFields: v1alpha1.ExpectedFromFields{Labels: map[string]string{"a": "true", "b": "1e3"}}},
					To: v1alpha1.ExpectedTo{ExpectedToFields: v1alpha1.ExpectedToFields{Cluster: "123", Port: "5432"}}, Verdict: v1alpha1.VerdictAllowed},
			},
		},
		Omitted: []string{bad},
	})
}
