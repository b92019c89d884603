package rollout

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/client-go/openapi"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
)

// description is a server that describes cilium.io/v2 by a text, or fails.
type description struct {
	text string
	err  error
}

func (d description) Paths() (map[string]openapi.GroupVersion, error) {
	return map[string]openapi.GroupVersion{"apis/cilium.io/v2": d}, d.err
}
func (d description) Schema(string) ([]byte, error) { return []byte(d.text), nil }
func (description) ServerRelativeURL() string       { return "" }

// described is a CiliumNetworkPolicy with these fields.
func described(properties string) string {
	return `{"components":{"schemas":{"io.cilium.v2.CiliumNetworkPolicy":{
		"x-kubernetes-group-version-kind":[{"group":"cilium.io","kind":"CiliumNetworkPolicy","version":"v2"}],"properties":{` + properties + `}},
		"io.cilium.v2.CiliumNetworkPolicyList":{"x-kubernetes-group-version-kind":[{"kind":"CiliumNetworkPolicyList"}],"properties":{"items":{}}}}}}`
}

func TestDefinitionsThatAreTooOldAreRefused(t *testing.T) {
	const (
		spec       = `"spec":{"properties":{"enableDefaultDeny":{},"ingress":{}}}`
		status     = `"status":{"properties":{"conditions":{},"derivativePolicies":{}}}`
		oldSpec    = `"spec":{"properties":{"ingress":{}}}`
		oldStatus  = `"status":{"properties":{"derivativePolicies":{}}}`
		keepsAll   = `"spec":{"x-kubernetes-preserve-unknown-fields":true,"properties":{"ingress":{}}}`
		notWritten = `"spec":{}`
	)
	lockdown := fixture.Lockdown(t, nil, backendsOnly(t))
	for name, tc := range map[string]struct {
		server description
		plan   change.Plan
		want   string
	}{
		"new enough":            {description{text: described(spec + "," + status)}, lockdown, ""},
		"no default deny":       {description{text: described(oldSpec + "," + status)}, lockdown, "no field spec.enableDefaultDeny"},
		"no conditions":         {description{text: described(spec + "," + oldStatus)}, lockdown, "no field status.conditions"},
		"no status":             {description{text: described(spec)}, lockdown, "no field status.conditions"},
		"neither":               {description{text: described(oldSpec + "," + oldStatus)}, lockdown, "before 1.16"},
		"keeps what is unknown": {description{text: described(keepsAll + "," + status)}, lockdown, ""},
		"says no fields":        {description{text: described(notWritten + "," + status)}, lockdown, ""},
		"not a document":        {description{text: "{"}, lockdown, ""},
		"no answer":             {description{err: errors.New("forbidden")}, lockdown, ""},
		"only takes away":       {description{text: described(oldSpec + "," + oldStatus)}, change.Plan{Steps: reversed(lockdown)}, ""},
	} {
		err := CheckServed(tc.server, tc.plan)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// reversed are the steps of a plan's way back, as an unlock has them.
func reversed(plan change.Plan) []change.Step { return plan.Reverse(len(plan.Steps)).Steps }
