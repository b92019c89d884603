package text_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

func TestTests(t *testing.T) {
	for name, tc := range map[string]struct {
		report  v1alpha1.TestReport
		options text.Options
	}{
		"tests.txt":         {report: example.Tests(t)},
		"tests-color.txt":   {report: example.Tests(t), options: text.Options{Colors: always()}},
		"tests-met.txt":     {report: example.MetTests(t)},
		"tests-hostile.txt": {report: example.HostileTests()},
	} {
		t.Run(name, func(t *testing.T) {
			tc.options.Width = 100
			var out bytes.Buffer
			if err := text.Tests(&out, tc.report, tc.options); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "testdata/"+name, out.Bytes())
			for line := range strings.Lines(out.String()) {
				if line = strings.TrimSuffix(line, "\n"); terminal.Width(line) > 100 && !strings.Contains(line, "→ kubectl") && name != "tests-color.txt" {
					t.Errorf("%d columns: %s", terminal.Width(line), line)
				}
			}
		})
	}
}
