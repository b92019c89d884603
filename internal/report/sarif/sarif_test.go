package sarif_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	schema "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/sarif"
)

// log is what the tests look at.
type log struct {
	Runs []struct {
		Tool struct {
			Driver struct {
				Rules []struct{ ID string }
			}
		}
		Invocations []struct {
			ExecutionSuccessful bool
		}
		Results []result
	}
}

type result struct {
	RuleID              string
	RuleIndex           int
	Level               string
	Message             struct{ Text string }
	PartialFingerprints map[string]string
	Locations           []struct {
		PhysicalLocation *struct {
			ArtifactLocation struct{ URI string }
			Region           *struct{ StartLine int }
		}
		LogicalLocations []struct{ FullyQualifiedName string }
	}
	RelatedLocations []struct{}
}

func written(t *testing.T, list v1alpha1.IsolationReportList) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := sarif.Write(&out, list, "v1.2.3"); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func read(t *testing.T, text []byte) log {
	t.Helper()
	var l log
	if err := json.Unmarshal(text, &l); err != nil || len(l.Runs) != 1 {
		t.Fatal(err, len(l.Runs))
	}
	return l
}

func TestWrite(t *testing.T) {
	for name, list := range map[string]v1alpha1.IsolationReportList{
		"partial": example.Partial(t), "broken": example.Broken(t), "unknown": example.Unknown(t), "several": example.Several(t),
		"without-operator": example.WithoutOperator(t), "contexts": example.Contexts(t), "hostile": example.Injecting(t), "empty": {},
	} {
		t.Run(name, func(t *testing.T) {
			text := written(t, list)
			// The rules are the same everywhere, and documented in findings.md.
			if name != "empty" {
				before, after, _ := strings.Cut(string(text), `"rules": [`)
				_, after, _ = strings.Cut(after, "\n          ]")
				golden.Compare(t, "testdata/"+name+".sarif", []byte(before+`"rules": [`+"…]"+after))
			} else {
				golden.Compare(t, "testdata/"+name+".sarif", text)
			}
			decoder := json.NewDecoder(bytes.NewReader(text))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&schema.Report{}); err != nil {
				t.Errorf("SARIF has no such field: %v", err)
			}
			report, err := schema.FromBytes(text)
			if err != nil {
				t.Fatal(err)
			}
			// The library writes out what we leave to its default.
			report.Runs[0].Language, report.Runs[0].Tool.Driver.Language, report.Runs[0].NewlineSequences = "en-US", "en-US", []string{"\n"}
			if err := report.Validate(); err != nil {
				t.Errorf("the schema of SARIF 2.1.0 does not allow it: %v", err)
			}
			marks := map[string]bool{}
			for _, r := range read(t, text).Runs[0].Results {
				if rules := read(t, text).Runs[0].Tool.Driver.Rules; r.RuleIndex < 0 || rules[r.RuleIndex].ID != r.RuleID {
					t.Errorf("the rule of %s is %d", r.RuleID, r.RuleIndex)
				}
				if !slices.Contains([]string{"error", "warning", "note"}, r.Level) || r.Message.Text == "" || len(r.Locations) > 1 {
					t.Errorf("%s: %+v", r.RuleID, r)
				}
				mark := r.PartialFingerprints["primaryLocationLineHash"]
				if mark == "" || marks[mark] {
					t.Errorf("%s has the fingerprint %q of another", r.RuleID, mark)
				}
				marks[mark] = true
				if strings.ContainsAny(r.Message.Text, "\x1b\u202e\u009b") {
					t.Errorf("%s: message %q", r.RuleID, r.Message.Text)
				}
			}
		})
	}
}

// What GitHub shows at a pull request: paths of the repository, lines, and marks that do not change when lines move.
func TestPlaces(t *testing.T) {
	at := v1alpha1.Location{Kind: "CiliumNetworkPolicy", Namespace: "shop", Name: "clients", Field: "spec.ingress[0]", File: "a b/ä:%.yaml", Line: 7}
	list := v1alpha1.IsolationReportList{Items: []v1alpha1.IsolationReport{{
		Metadata: v1alpha1.Metadata{Namespace: "shop", Name: "orders"},
		Findings: []v1alpha1.Finding{
			{Code: v1alpha1.WorldCanConnect, Severity: v1alpha1.SeverityWarning, Message: "see [this](https://evil.example)", At: []v1alpha1.Location{at}},
			{Code: v1alpha1.SelectorMatchesNobody, Severity: v1alpha1.SeverityInfo, Message: "nobody"},
		},
	}}}
	first := read(t, written(t, list)).Runs[0].Results
	place := first[0].Locations[0]
	if place.PhysicalLocation.ArtifactLocation.URI != "a%20b/%C3%A4:%25.yaml" || place.PhysicalLocation.Region.StartLine != 7 {
		t.Errorf("place %+v", place.PhysicalLocation)
	}
	if got := place.LogicalLocations[0].FullyQualifiedName; got != "CiliumNetworkPolicy/shop/clients: spec.ingress[0]" {
		t.Errorf("logical place %q", got)
	}
	if got := first[0].Message.Text; got != `shop/orders: see \[this\](https://evil.example)` {
		t.Errorf("message %q", got)
	}
	if first[1].Level != "note" || first[1].Locations[0].PhysicalLocation != nil || first[1].Locations[0].LogicalLocations[0].FullyQualifiedName != "Cluster/shop/orders" {
		t.Errorf("finding without a place %+v", first[1])
	}
	list.Items[0].Findings[0].At[0].Line = 70
	moved := read(t, written(t, list)).Runs[0].Results
	if moved[0].PartialFingerprints["primaryLocationLineHash"] != first[0].PartialFingerprints["primaryLocationLineHash"] {
		t.Error("the fingerprint changes when lines move")
	}
	list.Items[0].Findings[0].At[0].Field = "spec.ingress[1]"
	other := read(t, written(t, list)).Runs[0].Results
	if other[0].PartialFingerprints["primaryLocationLineHash"] == first[0].PartialFingerprints["primaryLocationLineHash"] {
		t.Error("another field has the same fingerprint")
	}
}

// One finding that several clusters have is one result, and what is unknown without a finding is one, too.
func TestShared(t *testing.T) {
	report := func(name string, posture v1alpha1.Posture) v1alpha1.IsolationReport {
		return v1alpha1.IsolationReport{
			Metadata: v1alpha1.Metadata{Namespace: "shop", Name: name}, Posture: posture,
			Findings: []v1alpha1.Finding{{
				Code: v1alpha1.OperatorNotFound, Severity: v1alpha1.SeverityWarning, Message: "no operator",
				At: []v1alpha1.Location{{Kind: "Cluster", Namespace: "shop", Name: name, File: name + ".yaml"}},
			}},
			RequiredFlows: []v1alpha1.RequiredFlow{{Name: v1alpha1.FlowDNS, Verdict: v1alpha1.VerdictUnknown, Message: "nobody knows"}},
		}
	}
	list := v1alpha1.IsolationReportList{Items: []v1alpha1.IsolationReport{report("one", v1alpha1.PosturePartial), report("two", v1alpha1.PostureUnknown)}}
	results := read(t, written(t, list)).Runs[0].Results
	if len(results) != 2 {
		t.Fatalf("%d results", len(results))
	}
	if r := results[0]; r.Message.Text != "shop/one and shop/two: no operator" || len(r.Locations) != 1 || len(r.RelatedLocations) != 1 {
		t.Errorf("shared %+v", r)
	}
	if r := results[1]; r.RuleID != "EVIDENCE_MISSING" || r.Level != "error" || !strings.Contains(r.Message.Text, "shop/two: the posture is unknown: nobody knows") {
		t.Errorf("unknown %+v", r)
	}
	if failed := read(t, written(t, example.Contexts(t))); failed.Runs[0].Invocations[0].ExecutionSuccessful {
		t.Error("a context failed, and the run is said to be successful")
	}
}
