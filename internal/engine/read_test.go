package engine_test

import (
	"strings"
	"testing"

	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// What the API server would refuse, and Cilium's reader does not notice.
func TestSubjectOfClusterNetworkPolicy(t *testing.T) {
	for name, tc := range map[string]struct {
		subject object
		valid   bool
	}{
		"namespaces": {object{"namespaces": object{}}, true},
		"pods":       {object{"pods": object{"namespaceSelector": object{}, "podSelector": object{}}}, true},
		"nobody":     {object{}, false},
		"both":       {object{"namespaces": object{}, "pods": object{"namespaceSelector": object{}, "podSelector": object{}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := &policyv1alpha2.ClusterNetworkPolicy{}
			decode(object{"metadata": object{"name": "admin"}, "spec": object{
				"tier": "Admin", "priority": 1, "subject": tc.subject,
				"ingress": list{object{"action": "Deny", "from": list{object{"namespaces": object{}}}}},
			}}, p)
			settings := inventory.DefaultSettings()
			settings.ClusterNetworkPolicy = true
			read, err := engine.Read(settings, []inventory.Policy{{
				PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.ClusterNetworkPolicy, Name: "admin"}, Object: p,
			}})
			if err != nil {
				t.Fatal(err)
			}
			if read[0].Valid != tc.valid || !tc.valid && !strings.Contains(read[0].Message, "one of namespaces and pods") {
				t.Errorf("valid %v, message %q", read[0].Valid, read[0].Message)
			}
		})
	}
}
