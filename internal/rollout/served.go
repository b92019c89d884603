package rollout

import (
	"encoding/json"
	"fmt"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/openapi"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
)

// oldestCilium is the first version whose CiliumNetworkPolicy has both fields that a change depends on: 1.15's
// definition has neither, 1.16.0's has them (pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml).
const oldestCilium = "1.16"

// CheckServed refuses a plan that writes policies which the server could not keep as they are meant: without
// enableDefaultDeny, policies that only let in would deny, and without conditions nobody would say whether Cilium takes
// them. What the server does not tell is no reason not to begin: it refuses unknown fields, and the wait for Cilium ends.
func CheckServed(server openapi.Client, plan change.Plan) error {
	writes := false
	for _, s := range plan.Changing() {
		writes = writes || s.After != nil
	}
	if !writes {
		return nil
	}
	paths, err := server.Paths()
	if err != nil {
		return nil //nolint:nilerr // See above.
	}
	version, found := paths["apis/"+ciliumv2.SchemeGroupVersion.String()]
	if !found {
		return nil
	}
	document, err := version.Schema(runtime.ContentTypeJSON)
	if err != nil {
		return nil //nolint:nilerr // See above.
	}
	return checkSchema(document)
}

// served is the part of a JSON schema that is looked at.
type served struct {
	Kinds []struct {
		Kind string `json:"kind"`
	} `json:"x-kubernetes-group-version-kind"`
	Properties map[string]served `json:"properties"`
	// KeepsAll is true where the server keeps fields that the schema does not name.
	KeepsAll bool `json:"x-kubernetes-preserve-unknown-fields"`
}

// lacks tells whether the server certainly keeps no field of this name below a field of the kind.
func (s served) lacks(field, name string) bool {
	below, named := s.Properties[field]
	_, kept := below.Properties[name]
	return !s.KeepsAll && !below.KeepsAll && !kept && (!named || len(below.Properties) > 0)
}

// checkSchema looks for the fields in the OpenAPI document of cilium.io/v2.
func checkSchema(document []byte) error {
	var spec struct {
		Components struct {
			Schemas map[string]served `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &spec); err != nil {
		return nil //nolint:nilerr // As CheckServed: what is not known hinders nobody.
	}
	for _, s := range spec.Components.Schemas {
		if len(s.Kinds) != 1 || s.Kinds[0].Kind != ciliumv2.CNPKindDefinition || len(s.Properties) == 0 {
			continue
		}
		var lacking []string
		for _, needed := range []struct{ field, name, why string }{
			{"spec", "enableDefaultDeny", "a policy that only lets in would deny the rest"},
			{"status", "conditions", "Cilium does not say whether it takes a policy"},
		} {
			if s.lacks(needed.field, needed.name) {
				lacking = append(lacking, fmt.Sprintf("no field %s.%s, without which %s", needed.field, needed.name, needed.why))
			}
		}
		if len(lacking) > 0 {
			return fmt.Errorf("the server's %s has %s: that is the definition of a Cilium before %s, upgrade Cilium first",
				ciliumv2.CNPName, strings.Join(lacking, ", and "), oldestCilium)
		}
	}
	return nil
}
