package engine_test

import (
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

const (
	allowed = v1alpha1.VerdictAllowed
	denied  = v1alpha1.VerdictDenied
	unknown = v1alpha1.VerdictUnknown
)

// rules is a policy for the database, or for all pods of app.
func rules(namespace, content string) string {
	return "kind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: " + namespace + "}\nspec: {endpointSelector: {}, " + content + "}\n"
}

type asked struct {
	question string
	port     uint16
	want     v1alpha1.Verdict
}

// What a rule depends on makes the verdict unknown where the rule could change it, and nowhere else.
func TestUnsureRules(t *testing.T) {
	for name, tc := range map[string]struct {
		policies string
		asked    []asked
		why      string
	}{
		"toServices": {rules("app", "egress: [{toServices: [{k8sService: {serviceName: x, namespace: z}}]}]"), []asked{
			{"app/web → db/pg", 5432, unknown},
		}, "spec.egress[0] of CiliumNetworkPolicy/app/p has toServices: "},
		"toServices, another port": {rules("app", "egress: [{toServices: [{k8sService: {serviceName: x, namespace: z}}], toPorts: [{ports: [{port: '6443', protocol: TCP}]}]}]"), []asked{
			{"app/web → db/pg", 5432, denied}, {"app/web → db/pg", 6443, unknown},
		}, "toServices"},
		"toServices, the port by name": {rules("app", "egress: [{toServices: [{k8sService: {serviceName: x, namespace: z}}], toPorts: [{ports: [{port: postgresql, protocol: TCP}]}]}]"), []asked{
			{"app/web → db/pg", 5432, unknown}, {"app/web → db/pg", 6443, denied}, {"app/web → app/api", 5432, denied},
		}, "toServices"},
		"toServices beside a rule that allows": {rules("app", "egress: [{toServices: [{k8sService: {serviceName: x, namespace: z}}]}, {toEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: db}}]}]"), []asked{
			{"app/web → db/pg", 5432, allowed}, {"app/web → app/api", 5432, unknown},
		}, "toServices"},
		"toServices beside a rule that denies": {rules("app", "egress: [{toServices: [{k8sService: {serviceName: x, namespace: z}}]}], egressDeny: [{toEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: db}}]}]"), []asked{
			{"app/web → db/pg", 5432, denied}, {"app/web → app/api", 5432, unknown},
		}, "toServices"},
		"fromNodes": {rules("db", "ingress: [{fromNodes: [{matchLabels: {zone: a}}], toPorts: [{ports: [{port: '8000', protocol: TCP}]}]}]"), []asked{
			{"remote-node → db/pg", 8000, unknown}, {"kube-apiserver → db/pg", 8000, unknown}, {"remote-node → db/pg", 5432, denied},
			{"app/web → db/pg", 8000, denied}, {"world → db/pg", 8000, denied}, {"host → db/pg", 8000, allowed},
		}, "fromNodes"},
		"fromGroups": {rules("db", "ingress: [{fromGroups: [{aws: {securityGroupsIds: [sg-1]}}], toPorts: [{ports: [{port: '9187', protocol: TCP}]}]}]"), []asked{
			{"world → db/pg", 9187, unknown}, {"world → db/pg", 5432, denied}, {"app/web → db/pg", 9187, denied},
		}, "fromGroups"},
		"cidrGroupSelector beside a CIDR": {rules("db", "ingress: [{fromCIDRSet: [{cidr: 10.0.0.0/8}, {cidrGroupSelector: {matchLabels: {a: b}}}]}]"), []asked{
			{"cidr:10.0.0.0/8 → db/pg", 5432, allowed}, {"world → db/pg", 5432, unknown}, {"app/web → db/pg", 5432, denied},
		}, "cidrGroupSelector"},
		"cidrGroupSelector that is empty": {rules("db", "ingress: [{fromCIDRSet: [{cidrGroupSelector: {}}]}]"), []asked{
			{"world → db/pg", 5432, allowed}, {"app/web → db/pg", 5432, unknown},
		}, "cidrGroupSelector: {}"},
		"cidrGroupSelector by what a group lacks": {rules("db", "ingress: [{fromCIDRSet: [{cidrGroupSelector: {matchExpressions: [{key: a, operator: DoesNotExist}]}}]}]"), []asked{
			{"world → db/pg", 5432, unknown}, {"app/web → db/pg", 5432, denied},
		}, "cidrGroupSelector"},
		"cidrGroupSelector denies": {rules("db", "ingress: [{fromEntities: [all]}], ingressDeny: [{fromCIDRSet: [{cidrGroupSelector: {matchLabels: {a: b}}}], toPorts: [{ports: [{port: '5432'}]}]}]"), []asked{
			{"world → db/pg", 5432, unknown}, {"world → db/pg", 8000, allowed}, {"app/web → db/pg", 5432, allowed},
		}, "spec.ingressDeny[0] of CiliumNetworkPolicy/db/p has cidrGroupSelector"},
	} {
		t.Run(name, func(t *testing.T) { check(t, smallWorldWith(tc.policies), tc.asked, tc.why) })
	}
}

func check(t *testing.T, w smallWorld, questions []asked, why string) {
	t.Helper()
	for _, q := range questions {
		d := w.ask(t, q.question, q.port)
		reasons := d.Ingress.Reason + d.Egress.Reason
		if d.Verdict != q.want || (q.want == unknown) != strings.Contains(reasons, why) {
			t.Errorf("%s:%d is %s, want %s (%s)", q.question, q.port, d.Verdict, q.want, reasons)
		}
		if len(d.Ingress.Rules)+len(d.Egress.Rules) == 0 && d.Verdict == unknown {
			t.Errorf("%s:%d is unknown because of no rule", q.question, q.port)
		}
	}
}
