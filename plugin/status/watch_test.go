package status

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// A frame is the report as it is printed once; of several clusters, a name is what makes it shorter.
func TestFrame(t *testing.T) {
	o := newOptions(kit.NewGlobals(genericiooptions.IOStreams{}, "test"))
	list := v1alpha1.IsolationReportList{}
	for i, hint := range []string{"", "", "a cluster's name"} {
		if i > 0 {
			list.Items = append(list.Items, v1alpha1.IsolationReport{
				Metadata: v1alpha1.Metadata{Namespace: "shop", Name: "db"}, Posture: v1alpha1.PostureOpen,
				Findings: []v1alpha1.Finding{{Code: v1alpha1.NoDefaultDeny, Severity: v1alpha1.SeverityError, Message: "everybody can connect"}},
			})
		}
		problem := errors.New("no")
		f := o.frame(list, problem)
		out := &strings.Builder{}
		if err := f.Print(out, 100); err != nil || f.Hint != hint || !errors.Is(f.Problem, problem) || strings.Contains(out.String(), "OPEN") != (i > 0) {
			t.Errorf("%d clusters: hint %q, %v\n%s", i, f.Hint, err, out)
		}
	}
}
