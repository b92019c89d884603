package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
)

func TestMachineOutputRoundTrips(t *testing.T) {
	for name, l := range map[string]v1alpha1.IsolationReportList{
		"locked": list(locked()), "many": manyClusters(), "document-literal": list(documentLiteral()), "long": list(longNames()),
	} {
		for format, decode := range map[report.Format]func([]byte, any) error{
			report.JSON: json.Unmarshal,
			report.YAML: func(data []byte, into any) error { return yaml.UnmarshalStrict(data, into) },
		} {
			t.Run(name+" "+string(format), func(t *testing.T) {
				var got v1alpha1.IsolationReportList
				if err := decode([]byte(render(t, l, options{Format: format})), &got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(l, got, cmpopts.EquateEmpty(), cmpopts.IgnoreTypes(metav1.TypeMeta{})); diff != "" {
					t.Errorf("-given +read back\n%s", diff)
				}
				if got.Kind != v1alpha1.IsolationReportListKind || got.APIVersion != v1alpha1.APIVersion {
					t.Errorf("type of the list is %v", got.TypeMeta)
				}
				for _, item := range got.Items {
					if item.Kind != v1alpha1.IsolationReportKind || item.APIVersion != v1alpha1.APIVersion {
						t.Errorf("type of an item is %v", item.TypeMeta)
					}
				}
			})
		}
	}
}

func TestMachineOutputHasNoNull(t *testing.T) {
	empty := v1alpha1.IsolationReport{
		Policies:      []v1alpha1.PolicyReport{{}},
		RequiredFlows: []v1alpha1.RequiredFlow{{}},
		Exposure:      []v1alpha1.Exposure{{}},
	}
	for _, l := range []v1alpha1.IsolationReportList{{}, list(v1alpha1.IsolationReport{}), list(empty)} {
		for _, format := range []report.Format{report.JSON, report.YAML} {
			if out := render(t, l, options{Format: format}); strings.Contains(out, "null") {
				t.Errorf("null in\n%s", out)
			}
		}
	}
	if empty.Pods != nil || empty.Policies[0].SelectedPods != nil || empty.Exposure[0].Clients != nil {
		t.Error("printing has changed the caller's report")
	}
}

// A terminal that shows -o json must be as safe as one that shows the table.
func TestMachineOutputHoldsNoControls(t *testing.T) {
	for _, format := range []report.Format{report.JSON, report.YAML} {
		checkLines(t, render(t, list(hostile()), options{Format: format}), 100000)
	}
}
