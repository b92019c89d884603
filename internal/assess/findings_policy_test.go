package assess_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// A policy of a file is found by the file: it may have no name, and there may be many files.
func TestPolicyFindingsNameTheDocument(t *testing.T) {
	for name, tc := range map[string]struct{ policy, message, remedy string }{
		"without a name": {
			"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {namespace: shop}\nspec: {endpointSelector: {}, ingress: [{}]}\n",
			"a CiliumNetworkPolicy without a name (FILE document 1) can't be read", "Correct the policy in FILE document 1, or leave it out.",
		},
		"not what the schema allows": {
			"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: bad, namespace: shop}\nspec: {endpointSelector: foo}\n",
			"the API server refuses CiliumNetworkPolicy/shop/bad (FILE document 1), so that nothing of it is enforced: spec: has none of the forms that are allowed; spec.endpointSelector: is text, and a mapping is needed", "Correct the policy in FILE document 1, or leave it out.",
		},
		"refused": {
			"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: bad, namespace: shop}\nspec: {endpointSelector: {}, ingress: []}\n",
			"Cilium refuses CiliumNetworkPolicy/shop/bad (FILE document 1)", "Write ingress: [{}] for ingress: []",
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "p.yaml")
			if err := os.WriteFile(file, []byte(tc.policy), 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := model.New(fixture.Load(t, "../explain/testdata/shop.yaml", file), model.Options{Names: []string{"orders"}})
			if err != nil {
				t.Fatal(err)
			}
			report := assess.Evaluate(m).Items[0]
			for _, f := range report.Findings {
				if f.Code == v1alpha1.PolicyInvalid {
					if !strings.Contains(f.Message, strings.ReplaceAll(tc.message, "FILE", file)) || !strings.HasPrefix(f.Remedy.String(), strings.ReplaceAll(tc.remedy, "FILE", file)) {
						t.Errorf("message %q, remedy %q", f.Message, f.Remedy)
					}
					return
				}
			}
			t.Errorf("no finding: %+v", report.Findings)
		})
	}
}
