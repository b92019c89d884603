package engine_test

import (
	"fmt"
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// A policy that has too much makes unknown whom it is for, and nobody else; how much is too much depends on how many
// databases are asked about, and never on the machine.
func TestPoliciesWithTooMuchAreUnknown(t *testing.T) {
	each := func(n int, f func(i int) any) list {
		out := make(list, n)
		for i := range out {
			out[i] = f(i)
		}
		return out
	}
	cidrs := func(n int) list {
		return each(n, func(i int) any { return fmt.Sprintf("10.%d.%d.%d/32", i>>16, i>>8&255, i&255) })
	}
	meta, subject := object{"name": "large", "namespace": "db"}, object{"matchLabels": object{"app": "large"}}
	cilium := func(spec object) (v1alpha1.PolicyKind, any) {
		p := &ciliumv2.CiliumNetworkPolicy{}
		if spec["endpointSelector"] == nil {
			spec["endpointSelector"] = subject
		}
		decode(object{"metadata": meta, "spec": spec}, p)
		return v1alpha1.CiliumNetworkPolicy, p
	}
	clusterwide := func(spec object) (v1alpha1.PolicyKind, any) {
		p := &ciliumv2.CiliumClusterwideNetworkPolicy{}
		spec["endpointSelector"] = subject
		decode(object{"metadata": object{"name": "large"}, "spec": spec}, p)
		return v1alpha1.CiliumClusterwideNetworkPolicy, p
	}
	kubernetes := func(spec object) (v1alpha1.PolicyKind, any) {
		p := &slim_networkingv1.NetworkPolicy{}
		spec["podSelector"] = subject
		decode(object{"metadata": meta, "spec": spec}, p)
		return v1alpha1.NetworkPolicy, p
	}
	const alone = " for many databases at once: ask about a single one"
	for name, tc := range map[string]struct {
		policy    func(object) (v1alpha1.PolicyKind, any)
		spec      object
		databases int
		want      string
		// wide is true where it can't be told whom the policy is for.
		wide bool
	}{
		"addresses":                     {cilium, object{"ingress": list{object{"fromCIDR": cidrs(100_001)}}}, 1, "it lists 100002 addresses, names, ports, labels and the like, and more than 100000 are not evaluated", false},
		"addresses, many databases":     {cilium, object{"egress": list{object{"toCIDR": cidrs(10_001)}}}, 129, "it lists 10002 addresses, names, ports, labels and the like, and more than 10000 are not evaluated" + alone, false},
		"addresses, few databases":      {cilium, object{"ingress": list{object{"fromCIDR": cidrs(25_001)}}}, 64, "", false},
		"clusterwide, one database":     {clusterwide, object{"ingress": list{object{"fromCIDR": cidrs(25_001)}}}, 1, "", false},
		"clusterwide, 1,000 databases":  {clusterwide, object{"ingressDeny": list{object{"fromCIDR": cidrs(1001)}}}, 1000, "it lists 1002 addresses, names, ports, labels and the like, and more than 976 are not evaluated" + alone, false},
		"clusterwide, 10,000 databases": {clusterwide, object{"ingress": list{object{"fromCIDR": cidrs(400)}}}, 10_000, "", false},
		"rules":                         {cilium, object{"ingress": each(10_001, func(int) any { return object{} })}, 1, "it has 10001 rules, and more than 10000 are not evaluated", false},
		"rules, many databases":         {cilium, object{"ingress": each(1001, func(int) any { return object{} })}, 65, "it has 1001 rules, and more than 1000 are not evaluated" + alone, false},
		"rules, few databases":          {cilium, object{"ingress": each(1001, func(int) any { return object{} })}, 64, "", false},
		"exceptions":                    {cilium, object{"ingress": list{object{"fromCIDRSet": list{object{"cidr": "10.0.0.0/8", "except": cidrs(30_000)}}}}}, 200, "it lists 30002 addresses, names, ports, labels and the like, and more than 10000 are not evaluated" + alone, false},
		"blocks of a NetworkPolicy": {kubernetes, object{"ingress": list{object{"from": each(2000, func(i int) any {
			return object{"ipBlock": object{"cidr": cidrs(i + 1)[i]}}
		})}}}, 0, "", false},
		// To read whom it is for would take half a minute.
		"expressions of a subject": {cilium, object{"endpointSelector": object{"matchExpressions": each(30_000, func(i int) any {
			return object{"key": fmt.Sprint("k", i), "operator": "DoesNotExist"}
		})}, "ingress": list{object{}}}, 200, "it lists 30000 addresses, names, ports, labels and the like, and more than 10000 are not evaluated" + alone, true},
		"rules of a NetworkPolicy": {kubernetes, object{"egress": each(10_001, func(int) any { return object{} })}, 1, "it has 10001 rules, and more than 10000 are not evaluated", true},
	} {
		t.Run(name, func(t *testing.T) {
			kind, of := tc.policy(tc.spec)
			namespace := "db"
			if kind == v1alpha1.CiliumClusterwideNetworkPolicy {
				namespace = ""
			}
			settings := inventory.DefaultSettings()
			read, err := engine.ReadAmong(settings, []inventory.Policy{{
				PolicyReference: v1alpha1.PolicyReference{Kind: kind, Namespace: namespace, Name: "large"}, Object: of,
			}}, engine.Around{Databases: engine.About(tc.databases)})
			if err != nil {
				t.Fatal(err)
			}
			p := read[0]
			if p.Unreadable != tc.want || p.Valid != (tc.want == "") {
				t.Errorf("valid %t, %q, want %q", p.Valid, p.Unreadable, tc.want)
			}
			if tc.want == "" {
				return
			}
			ids, err := engine.NewIdentities(settings)
			if err != nil {
				t.Fatal(err)
			}
			pods, err := ids.Pods([]inventory.Pod{
				{Namespace: "db", Name: "large", Labels: map[string]string{"app": "large"}}, {Namespace: "db", Name: "other", Labels: map[string]string{"app": "other"}},
				{Namespace: "elsewhere", Name: "other"},
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			e, err := engine.New(ids, read)
			if err != nil {
				t.Fatal(err)
			}
			if d := e.Decide(pods[2], pods[0], 5432); d.Verdict != v1alpha1.VerdictUnknown || !strings.Contains(d.Ingress.Reason, tc.want) {
				t.Errorf("at whom it is for: %s, %q", d.Verdict, d.Ingress.Reason)
			}
			if d := e.Decide(pods[2], pods[1], 5432); (d.Verdict == v1alpha1.VerdictUnknown) != tc.wide {
				t.Errorf("at its neighbour: %s, %q", d.Verdict, d.Ingress.Reason)
			}
			if d := e.Decide(pods[0], pods[2], 5432); d.Ingress.Verdict == v1alpha1.VerdictUnknown {
				t.Errorf("elsewhere: %q", d.Ingress.Reason)
			}
		})
	}
}
