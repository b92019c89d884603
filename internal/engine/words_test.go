package engine_test

import (
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Cilium finds what is combined by ranging over a map: what is told must not change from run to run.
func TestRefusalsHaveTheSameWords(t *testing.T) {
	for want, spec := range map[string]object{
		"Invalid CiliumNetworkPolicy spec: combining FromCIDR, FromEndpoints and FromEntities is not supported yet": {"ingress": list{
			object{"fromEndpoints": list{object{}}},
			object{"fromEndpoints": list{object{}}, "fromEntities": list{"world"}, "fromCIDR": list{"10.0.0.0/8"}},
		}},
		"Invalid CiliumNetworkPolicy spec: combining ToCIDR and ToFQDNs is not supported yet": {"egress": list{
			object{"toFQDNs": list{object{"matchName": "example.com"}}, "toCIDR": list{"10.0.0.0/8"}},
		}},
	} {
		spec["endpointSelector"] = object{}
		for range 20 {
			p := &ciliumv2.CiliumNetworkPolicy{}
			decode(object{"metadata": object{"name": "p", "namespace": "db"}, "spec": spec}, p)
			read, err := engine.Read(inventory.DefaultSettings(), []inventory.Policy{{
				PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: "db", Name: "p"}, Object: p,
			}})
			if err != nil {
				t.Fatal(err)
			}
			if read[0].Valid || read[0].Message != want {
				t.Fatalf("got %q, want %q", read[0].Message, want)
			}
		}
	}
}
