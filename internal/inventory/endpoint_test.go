package inventory_test

import (
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

func TestUnsettled(t *testing.T) {
	own, none := []string{"k8s:cnpg.io/cluster=pg"}, []string{"reserved:init"}
	for _, tc := range []struct {
		name     string
		endpoint inventory.Endpoint
		want     string
	}{
		{"ready", inventory.Endpoint{IdentityID: 7, IdentityLabels: own, State: "ready"}, ""},
		{"no word on its state", inventory.Endpoint{IdentityID: 7, IdentityLabels: own}, ""},
		{"a state that is not ready", inventory.Endpoint{IdentityID: 7, IdentityLabels: own, State: "regenerating"}, "regenerating"},
		{"no identity", inventory.Endpoint{State: "waiting-for-identity"}, "waiting-for-identity"},
		{"ready, and no identity", inventory.Endpoint{State: "ready"}, "ready, without an identity"},
		{"labels that are not known", inventory.Endpoint{IdentityID: 5, IdentityLabels: none, State: "ready"}, "ready, without an identity"},
		{"nothing at all", inventory.Endpoint{}, "no state, without an identity"},
		{"taken down", inventory.Endpoint{IdentityID: 7, State: "disconnecting"}, ""},
	} {
		if got := tc.endpoint.Unsettled(); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
