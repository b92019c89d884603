package assess_test

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Where a policy that nobody can read may be for everybody, what is said of all at once is what asking about each would have said.
func TestNothingCanBeTold(t *testing.T) {
	expressions := make([]string, 300)
	for i := range expressions {
		expressions[i] = fmt.Sprintf("{key: k%d, operator: DoesNotExist}", i)
	}
	const wide = "{metadata: {name: wide}, "
	rules := "ingress: [" + strings.TrimSuffix(strings.Repeat("{}, ", 10_001), ", ") + "]"
	for name, tc := range map[string]struct {
		policy  string
		kind    v1alpha1.PolicyKind
		nothing bool
	}{
		"nobody knows for whom":         {wide + "spec: {endpointSelector: {matchExpressions: [" + strings.Join(expressions, ", ") + "]}, ingress: [{}]}}", v1alpha1.CiliumClusterwideNetworkPolicy, true},
		"for everybody":                 {wide + "spec: {endpointSelector: {}, " + rules + "}}", v1alpha1.CiliumClusterwideNetworkPolicy, true},
		"for some":                      {wide + "spec: {endpointSelector: {matchLabels: {role: backend}}, " + rules + "}}", v1alpha1.CiliumClusterwideNetworkPolicy, false},
		"for nodes":                     {wide + "spec: {nodeSelector: {}, " + rules + "}}", v1alpha1.CiliumClusterwideNetworkPolicy, false},
		"for all of the own namespaces": {strings.Replace(wide, "wide", "wide, namespace: shop", 1) + "spec: {endpointSelector: {}, " + rules + "}}", v1alpha1.CiliumNetworkPolicy, false},
	} {
		for world, changes := range map[string][]func(*inventory.Inventory){
			"": nil, ", beside a pod that Cilium does not manage": {fixture.Unmanaged("shop", "web")},
		} {
			t.Run(name+world, func(t *testing.T) {
				inv := fixture.World(t, changes...)
				raw, err := yaml.YAMLToJSON([]byte(tc.policy))
				if err != nil {
					t.Fatal(err)
				}
				inv.Policies = append(inv.Policies, decode.NewDecoder().Policy(tc.kind, raw, decode.PolicyOptions{}))
				m, err := model.New(inv, model.Options{})
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range m.Clusters() {
					said := assess.Exposure(m, c, 0)
					for i, target := range m.Targets(c) {
						unknown, identities := 0, 0
						for _, peer := range m.Peers() {
							if len(m.Strangers(c, peer)) == 0 {
								continue
							}
							identities++
							if verdict, _ := m.Decide(peer.Identity, target); verdict == v1alpha1.VerdictUnknown {
								unknown++
							}
						}
						if said[i].Unknown != unknown || tc.nothing && (unknown != identities || said[i].DeniedPods+said[i].Pods > 0 || len(said[i].Clients) > 0) {
							t.Errorf("%v: %+v, want %d unknown of %d", target.Of, said[i], unknown, identities)
						}
					}
				}
			})
		}
	}
}
