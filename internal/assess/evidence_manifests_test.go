package assess_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// What manifests lack makes unknown what it can touch, and is told where it can.
func TestWhatManifestsLack(t *testing.T) {
	const namespace = "shop"
	for name, tc := range map[string]struct {
		missing []inventory.Missing
		// codes are those of the first cluster of the namespace, and list those that concern no cluster.
		codes, list string
		unknown     bool
	}{
		"a template of the namespace": {
			[]inventory.Missing{{Resource: "manifests", Scope: inventory.Only(namespace), Reason: inventory.NotRendered, Message: "t"}}, "NOT_RENDERED error", "", true,
		},
		"a template of any namespace": {
			[]inventory.Missing{{Resource: "manifests", Reason: inventory.NotRendered, Message: "t"}}, "NOT_RENDERED error", "", true,
		},
		"a client's template": {
			[]inventory.Missing{{Resource: "clients", Scope: inventory.Only(namespace), Reason: inventory.NotRendered, Message: "t"}}, "NOT_RENDERED warning", "", false,
		},
		"an object twice": {
			[]inventory.Missing{{Resource: "manifests", Scope: inventory.Only(namespace), Reason: inventory.Ambiguous, Message: "t"}}, "DUPLICATE_OBJECT error", "", true,
		},
		"charts elsewhere": {
			[]inventory.Missing{
				{Resource: "manifests", Scope: inventory.Only("a"), Reason: inventory.NotRendered, Message: "x"},
				{Resource: "manifests", Scope: inventory.Only("b"), Reason: inventory.NotRendered, Message: "y"},
				{Resource: "manifests", Scope: inventory.Only("c"), Reason: inventory.NotRendered, Message: "z"},
			}, "", "NOT_RENDERED warning x; y; and 1 more: clients from there are not seen, and no database is there that was read", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.Load(t, "../explain/testdata/shop.yaml")
			inv.Missing = tc.missing
			m, err := model.New(inv, model.Options{Namespace: namespace})
			if err != nil {
				t.Fatal(err)
			}
			list := assess.Evaluate(m)
			var codes, general []string
			for _, f := range list.Items[0].Findings {
				if f.Code.LacksEvidence() {
					codes = append(codes, fmt.Sprintf("%s %s", f.Code, f.Severity))
				}
			}
			for _, f := range list.Findings {
				general = append(general, fmt.Sprintf("%s %s %s", f.Code, f.Severity, f.Message))
			}
			if got := strings.Join(codes, ", "); got != tc.codes {
				t.Errorf("findings %q, want %q", got, tc.codes)
			}
			if got := strings.Join(general, ", "); got != tc.list {
				t.Errorf("findings of the list %q, want %q", got, tc.list)
			}
			if got := list.Items[0].Posture == v1alpha1.PostureUnknown; got != tc.unknown {
				t.Errorf("posture %s", list.Items[0].Posture)
			}
		})
	}
}
