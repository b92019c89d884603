package assess_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// A set that Cilium has accepted is in force where the agent is done with the pod, and not before.
func TestEndpointsThatAreNotReady(t *testing.T) {
	endpoint := func(pod string, change func(*inventory.Endpoint)) func(*inventory.Inventory) {
		return func(inv *inventory.Inventory) {
			key := types.NamespacedName{Namespace: "shop", Name: pod}
			e := inv.Endpoints[key]
			change(&e)
			inv.Endpoints[key] = e
		}
	}
	state := func(pod, state string) func(*inventory.Inventory) {
		return endpoint(pod, func(e *inventory.Endpoint) { e.State = state })
	}
	for name, tc := range map[string]struct {
		change  func(*inventory.Inventory)
		posture v1alpha1.Posture
		message string
	}{
		"ready":         {state("pg-2", "ready"), v1alpha1.PostureLocked, ""},
		"a stranger's":  {state("web", "regenerating"), v1alpha1.PostureLocked, ""},
		"regenerating":  {state("pg-2", "regenerating"), v1alpha1.PostureUnknown, `at pod "pg-2" can't be told: its endpoint is not ready (regenerating)`},
		"of the pooler": {state("pg-rw-1", "waiting-to-regenerate"), v1alpha1.PostureUnknown, `at pod "pg-rw-1"`},
		"no identity yet": {
			endpoint("pg-2", func(e *inventory.Endpoint) { *e = inventory.Endpoint{State: "waiting-for-identity"} }),
			v1alpha1.PostureUnknown, "(waiting-for-identity)",
		},
		"labels that are not known yet": {
			endpoint("pg-2", func(e *inventory.Endpoint) {
				e.IdentityID, e.IdentityLabels, e.State = 5, []string{"reserved:init"}, "ready"
			}),
			v1alpha1.PostureUnknown, "(ready, without an identity)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.Locked(t, fixture.Flags(), tc.change)
			m, err := model.New(inv, model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := assess.Evaluate(m).Items[0]
			found := ""
			for _, f := range r.Findings {
				if strings.Contains(f.Message, "endpoint is not ready") && f.Code == v1alpha1.EvidenceMissing && f.Severity == v1alpha1.SeverityError {
					found = f.Message
				}
			}
			if r.Posture != tc.posture || !strings.Contains(found, tc.message) || (found == "") != (tc.message == "") {
				t.Errorf("%s, %q; want %s, %q (%+v)", r.Posture, found, tc.posture, tc.message, r.Findings)
			}
		})
	}
}
