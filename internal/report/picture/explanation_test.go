package picture_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/picture"
)

// Every line is one of our own statements, whatever the names are.
func TestExplanationAsMermaid(t *testing.T) {
	const label = "\"(?:[^\"<>&`#\\[\\]{}|\\\\]|#\\d+;|<br/>)*\""
	statement := regexp.MustCompile(`^(flowchart LR|  [seit]\d+(\[` + label + `\]|\[\(` + label + `\)\])|` +
		`  [sei]\d+ (-->|-\.->)(\|` + label + `\|)? [eit]\d+|  linkStyle \d+ [a-z0-9#:,-]+)$`)
	for name, e := range map[string]v1alpha1.Explanation{"differing": example.Explanation(), "long": example.LongRule(), "hostile": example.HostileExplanation()} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := picture.Explanation(&out, e); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "testdata/explain-"+name+".mermaid", out.Bytes())
			for line := range strings.Lines(out.String()) {
				if !statement.MatchString(strings.TrimSuffix(line, "\n")) {
					t.Errorf("not one of our statements: %s", line)
				}
			}
		})
	}
}
