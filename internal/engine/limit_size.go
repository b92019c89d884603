package engine

import (
	"fmt"
	"math/bits"
	"reflect"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/schema"
)

const (
	// mostRules is how many rules, and mostParts how many addresses, names, ports, values and the like, a policy may have
	// in any case: what an object can hold of addresses takes a few seconds.
	mostRules = schema.MostRules
	mostParts = 100_000
	// Where more than manyDatabases are asked about, a policy may have rulesBesideMany and partsBesideMany: it costs about a
	// tenth of what a thousand databases do.
	manyDatabases   = 64
	rulesBesideMany = 1000
	partsBesideMany = 10_000
	// partsForAll is how many answers a policy without a namespace may have, one for each of its parts at each database,
	// and partsInAnyCase how many parts, whatever the number of databases: that grows with the fleet, as everything does.
	partsForAll    = 1_000_000
	partsInAnyCase = 500
)

// alone says how a policy that is too large for many databases is evaluated.
const alone = " for many databases at once: ask about a single one"

// Databases is how many databases are asked about at once, in steps, so that one more seldom changes what can be answered.
type Databases int

// About is so many databases.
func About(databases int) Databases {
	if databases <= 1 {
		return 1
	}
	return 1 << bits.Len(uint(databases-1))
}

// parts is how many parts a policy may have.
func (d Databases) parts(namespaced bool) int {
	most := mostParts
	if d > manyDatabases {
		most = partsBesideMany
	}
	if !namespaced && d > 1 {
		most = min(most, max(partsInAnyCase, partsForAll/int(d)))
	}
	return most
}

// readBounded is read, unless the policy has more than can be answered.
func readBounded(p *inventory.Policy, cluster string, from surroundings) imported {
	d := from.around.Databases
	if why := tooMany(p, d); why != "" {
		return imported{unread: why, subjects: subjectsOf(p, cluster)}
	}
	parts := read(p, cluster, from)
	if why := d.tooManyParts(len(parts.prefixes), p.Namespace != ""); why != "" { // Members of groups are not in the policy.
		return imported{unread: why, subjects: subjectsOf(p, cluster)}
	}
	return parts
}

// tooMany says what a policy has too many of to be read among so many databases; empty when it has not. It looks at what is
// written: to have Cilium read it costs more than what is saved.
func tooMany(p *inventory.Policy, d Databases) string {
	if p.TooMany != "" {
		return p.TooMany
	}
	var n numbers
	n.count(reflect.ValueOf(p.Object))
	if why := schema.TooManyRules(n.rules); why != "" {
		return why
	}
	if n.rules > rulesBesideMany && d > manyDatabases {
		return fmt.Sprintf("it has %d rules, and more than %d are not evaluated%s", n.rules, rulesBesideMany, alone)
	}
	return d.tooManyParts(n.parts, p.Namespace != "")
}

func (d Databases) tooManyParts(parts int, namespaced bool) string {
	most := d.parts(namespaced)
	if parts <= most {
		return ""
	}
	why := fmt.Sprintf("it lists %d addresses, names, ports, labels and the like, and more than %d are not evaluated", parts, most)
	if parts <= Databases(1).parts(namespaced) {
		why += alone
	}
	return why
}

// numbers are how much there is in a policy.
type numbers struct{ rules, parts int }

// count adds what is in a value: rules, and the items of all other lists and of labels.
func (n *numbers) count(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			n.count(v.Elem())
		}
	case reflect.Map:
		n.parts += v.Len()
	case reflect.Slice:
		if isRule(v.Type().Elem()) {
			n.rules += v.Len()
		} else {
			n.parts += v.Len()
		}
		switch v.Type().Elem().Kind() {
		case reflect.Struct, reflect.Pointer, reflect.Interface, reflect.Slice:
		default:
			return // Texts and numbers, which may be many.
		}
		if n.rules > mostRules || n.parts > mostParts {
			return // That is enough to know.
		}
		for i := range v.Len() {
			n.count(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Name != "ObjectMeta" {
				n.count(v.Field(i))
			}
		}
	default:
	}
}

// isRule tells whether a type is that of rules, of any kind of policy.
func isRule(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return slices.Contains([]string{
		"Rule", "IngressRule", "IngressDenyRule", "EgressRule", "EgressDenyRule",
		"NetworkPolicyIngressRule", "NetworkPolicyEgressRule", "ClusterNetworkPolicyIngressRule", "ClusterNetworkPolicyEgressRule",
	}, t.Name())
}

// subjectsOf are whom the rule of a policy is for that is not read; nil where that can't be told without reading it.
func subjectsOf(p *inventory.Policy, cluster string) []*types.LabelSelector {
	var rule *api.Rule
	switch object := p.Object.(type) {
	case *ciliumv2.CiliumNetworkPolicy:
		if len(object.Specs) == 0 {
			rule = object.Spec
		}
	case *ciliumv2.CiliumClusterwideNetworkPolicy:
		if len(object.Specs) == 0 {
			rule = object.Spec
		}
	}
	switch {
	case rule == nil:
		return nil
	case rule.NodeSelector.LabelSelector != nil:
		return []*types.LabelSelector{} // A rule for nodes selects no pods.
	case longestSelector(reflect.ValueOf(&rule.EndpointSelector)) > mostRequirements:
		return nil // To read it takes the square of it.
	}
	if s := subjectsIn(p.Namespace, cluster)(rule); s != nil {
		return []*types.LabelSelector{s}
	}
	return nil
}
