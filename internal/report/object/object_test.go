package object_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/object"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

func formats() map[string]func(io.Writer, any) error {
	return map[string]func(io.Writer, any) error{"json": object.JSON, "yaml": object.YAML}
}

func encoded(t *testing.T, format string, value any) string {
	t.Helper()
	var out bytes.Buffer
	if err := formats()[format](&out, value); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestMachineOutput(t *testing.T) {
	for name, value := range map[string]any{
		"locked": example.Locked(t), "contexts": example.Contexts(t), "roles": example.Roles(t), "hostile": example.Hostile(t), "empty": v1alpha1.IsolationReportList{},
		"explain-differing": example.Explanation(), "explain-hostile": example.HostileExplanation(),
	} {
		for format := range formats() {
			t.Run(name+" "+format, func(t *testing.T) {
				golden.Compare(t, "testdata/"+name+"."+format, []byte(encoded(t, format, value)))
			})
		}
	}
}

func TestMachineOutputRoundTrips(t *testing.T) {
	for name, l := range map[string]v1alpha1.IsolationReportList{
		"locked": example.Locked(t), "several": example.Several(t), "document-literal": example.DocumentLiteral(t), "long": example.LongNames(t),
	} {
		for format, decode := range map[string]func([]byte, any) error{
			"json": json.Unmarshal,
			"yaml": func(data []byte, into any) error { return yaml.UnmarshalStrict(data, into) },
		} {
			t.Run(name+" "+format, func(t *testing.T) {
				var got v1alpha1.IsolationReportList
				if err := decode([]byte(encoded(t, format, l)), &got); err != nil {
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
	for _, l := range []v1alpha1.IsolationReportList{{}, {Items: []v1alpha1.IsolationReport{{}}}, {Items: []v1alpha1.IsolationReport{empty}}} {
		for format := range formats() {
			if out := encoded(t, format, l); strings.Contains(out, "null") {
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
	for format := range formats() {
		for line := range strings.Lines(encoded(t, format, example.Hostile(t))) {
			if line = strings.TrimSuffix(line, "\n"); terminal.Escape(line) != line {
				t.Errorf("not safe to print: %q", line)
			}
		}
	}
}
