package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

const (
	everyPort = "- {fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: app, app: web}}]}"
	anybody   = "- {toPorts: [{ports: [{port: '5432', protocol: TCP}]}]}"
	twoAllows = `
kind: CiliumNetworkPolicy
metadata: {name: peer}
spec:
  endpointSelector: {}
  ingress:
  ` + everyPort + `
---
kind: CiliumNetworkPolicy
metadata: {name: all}
spec:
  endpointSelector: {}
  ingress:
  ` + anybody + `
`
)

// Of two rules that let a client in, the data path goes by the one with the more specific port.
func TestTheRuleThatDecidesIsTheDataPathsRule(t *testing.T) {
	const (
		somePorts = "- {fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: app, app: web}}], toPorts: [{ports: [{port: '5000', endPort: 6000, protocol: TCP}]}]}"
		onePort   = "- {fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: app, app: web}}], toPorts: [{ports: [{port: '5432', protocol: TCP}]}]}"
		anyPort   = "- {fromEntities: [all]}"
	)
	for name, tc := range map[string]struct {
		peers, all string
		want       []string
	}{
		"everybody's port is more specific than none":    {everyPort, anybody, []string{"all"}},
		"everybody's port is more specific than a range": {somePorts, anybody, []string{"all"}},
		"as specific as each other, which is one entry":  {onePort, anybody, []string{"all"}},
		"the peer's port is more specific":               {onePort, anyPort, []string{"peer"}},
		"the peer's range is more specific":              {somePorts, anyPort, []string{"peer"}},
	} {
		t.Run(name, func(t *testing.T) {
			policies := strings.NewReplacer(everyPort, tc.peers, anybody, tc.all).Replace(twoAllows)
			d := smallWorldWith(policies).ask(t, "app/web → db/pg", 5432).Ingress
			var got []string
			for _, r := range d.Rules {
				got = append(got, r.Name)
			}
			if d.Verdict != v1alpha1.VerdictAllowed || !slices.Equal(got, tc.want) {
				t.Errorf("%s by %q, want allowed by %q", d.Verdict, got, tc.want)
			}
		})
	}
}
