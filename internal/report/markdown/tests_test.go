package markdown_test

import (
	"bytes"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/markdown"
)

func TestTests(t *testing.T) {
	for name, report := range map[string]v1alpha1.TestReport{
		"tests": example.Tests(t), "tests-met": example.MetTests(t), "tests-hostile": example.HostileTests(),
	} {
		var out bytes.Buffer
		if err := markdown.Tests(&out, report); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+name+".md", out.Bytes())
	}
}
