package engine_test

import (
	"testing"

	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// What is printed are the words that policies use, and the names of Cilium's reserved identities.
func TestEntitiesAreCiliums(t *testing.T) {
	for entity, want := range map[v1alpha1.Entity]struct {
		entity   api.Entity
		identity string
	}{
		v1alpha1.EntityWorld:         {api.EntityWorld, labels.IDNameWorld},
		v1alpha1.EntityHost:          {api.EntityHost, labels.IDNameHost},
		v1alpha1.EntityRemoteNode:    {api.EntityRemoteNode, labels.IDNameRemoteNode},
		v1alpha1.EntityKubeAPIServer: {api.EntityKubeAPIServer, labels.IDNameKubeAPIServer},
	} {
		if string(entity) != string(want.entity) || string(entity) != want.identity {
			t.Errorf("%s is %s in policies, and %s among the identities", entity, want.entity, want.identity)
		}
	}
}
