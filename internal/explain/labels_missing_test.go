package explain_test

import (
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// Who may not read a namespace does not know its labels. Where a policy looks at them, nothing can be
// said of a pod there, unless its endpoint tells.
func TestLabelsOfTheSourcesNamespaceAreMissing(t *testing.T) {
	const byTeam = `{"metadata":{"name":"clients","namespace":"shop"},"spec":{"endpointSelector":{},"ingress":[{"fromEndpoints":[{"matchLabels":{"k8s:io.cilium.k8s.namespace.labels.team":"a"}}]}]}}`
	const byName = `{"metadata":{"name":"clients","namespace":"shop"},"spec":{"endpointSelector":{},"ingress":[{"fromEndpoints":[{"matchLabels":{"k8s:io.kubernetes.pod.namespace":"vault"}}]}]}}`
	for _, tc := range []struct {
		name, policy, source string
		readable             bool
		want                 v1alpha1.Verdict
	}{
		{"a pod that is to be, by labels", byTeam, "namespace/web", false, v1alpha1.VerdictUnknown},
		{"a pod that is to be, by name", byName, "namespace/web", false, v1alpha1.VerdictDenied},
		{"a pod that is to be, labels readable", byTeam, "namespace/web", true, v1alpha1.VerdictDenied},
		{"a pod with an endpoint", byTeam, "web/pod/known", false, v1alpha1.VerdictDenied},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inv := fixture.World(t, func(inv *inventory.Inventory) {
				inv.Origin, inv.Settings.Agent = inventory.Live, true
				inv.Policies = []inventory.Policy{decode.NewDecoder().Policy(v1alpha1.CiliumNetworkPolicy, []byte(tc.policy), decode.PolicyOptions{Stored: true})}
				known := inventory.Pod{Namespace: "web", Name: "known", Phase: "Running", Workload: inventory.Workload{Kind: "pod", Name: "known"}}
				inv.Pods = append(inv.Pods, known)
				inv.Endpoints[known.Key()] = inventory.Endpoint{IdentityID: 9, IdentityLabels: []string{"k8s:io.kubernetes.pod.namespace=web", "k8s:io.cilium.k8s.policy.cluster=default"}}
				if tc.readable {
					inv.Namespaces = append(inv.Namespaces, inventory.Namespace{Name: "web", Labels: map[string]string{"team": "b"}})
				} else {
					inv.Missing = []inventory.Missing{{Resource: "namespaces", Scope: inventory.Except("shop"), Reason: inventory.Forbidden, Message: "namespaces can be read in shop only"}}
				}
			})
			e, err := fixture.Explain(t, inv, fixture.Database(), tc.source, explain.Query{})
			if err != nil {
				t.Fatal(err)
			}
			if e.Verdict != tc.want {
				t.Errorf("%s, want %s: %+v", e.Verdict, tc.want, e.Answers[0].Ingress)
			}
		})
	}
}
