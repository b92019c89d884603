package suites_test

import (
	"bytes"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/junit"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/suites"
)

func TestTests(t *testing.T) {
	several := example.MetTests(t)
	several.Results[0].File = "expectations/another.yaml"
	for name, report := range map[string]v1alpha1.TestReport{
		"tests": example.Tests(t), "tests-two-files": several, "tests-hostile": example.HostileTests(),
	} {
		var out bytes.Buffer
		if err := junit.Write(&out, suites.Tests(report)); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+name+".xml", out.Bytes())
	}
}
