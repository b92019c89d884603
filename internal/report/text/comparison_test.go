package text_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
)

func TestComparison(t *testing.T) {
	for name, c := range map[string]v1alpha1.StateComparison{
		"comparison": example.Compared(t), "comparison-same": example.ComparedWithItself(t), "comparison-hostile": example.HostileComparison(),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := text.Comparison(&out, c, text.Options{Width: 100}); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "testdata/"+name+".txt", out.Bytes())
			if strings.ContainsAny(out.String(), "\x1b\u202e") {
				t.Error("what moves a terminal is written as it is")
			}
		})
	}
}
