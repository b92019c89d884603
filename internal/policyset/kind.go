package policyset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/policy/api"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind names a kind of client in what is stored on a server, and never changes.
type Kind string

// The kinds that other packages have to name. All there are: Definitions.
const (
	// Pods are pods of the cluster's namespace, by their labels.
	Pods Kind = "pods"
	// Namespace is every pod of a namespace.
	Namespace Kind = "namespace"
	// ClusterWide is all of the Kubernetes cluster, and not the world.
	ClusterWide Kind = "cluster-wide"
	// Metrics is every pod of a namespace, or some of them, to the metrics.
	Metrics Kind = "metrics"
	// KubectlCNPG is what kubectl cnpg status goes through.
	KubectlCNPG Kind = "kubectl-cnpg"
	// EgressCIDR, EgressName and EgressPods are what instances and jobs may reach besides what they need.
	EgressCIDR Kind = "egress-cidr"
	EgressName Kind = "egress-fqdn"
	EgressPods Kind = "egress-pods"
)

// Definition is all that the program knows about one kind of client. Flags and their completion,
// policies and what is stored with them, suggestions and documentation are made from it, so that one
// more kind is one more entry of Definitions.
type Definition struct {
	Kind Kind
	// Flag is the flag of lockdown and diff, as it is typed.
	Flag string
	// Usage is the flag's line in the help.
	Usage string
	// Document is the name of the policy in CloudNativePG's documentation; empty beyond it.
	Document string
	// Role is what its policies are for; kinds may share one.
	Role Role
	// Direction is the way that the policies open, seen from the cluster.
	Direction Direction
	// Ports are the TCP ports that they open; for Egress, the values name them.
	Ports []uint16
	// Everybody is true when whoever will run in the Kubernetes cluster gets in.
	Everybody bool
	valueKind

	// why and description are the texts of Policy.Why and of the policy's description, with {value},
	// {namespace}, {pods} and {cluster} where these names stand.
	why, description string
	// prefix begins the readable part of the policy's name.
	prefix string
	// target selects the pods of the cluster that are opened.
	target func(Options) api.EndpointSelector
	// peers are who gets in, one for each rule; nil for Egress, of which the value is the place.
	peers func(Options, value) []api.IngressCommonRule
	// breadth orders suggestions: narrow kinds first. Kinds without suggest are never suggested.
	breadth int
	// suggest is the value that lets the source in; false when no value does, or none that is better than
	// a broader kind.
	suggest func(Source) (string, bool)
}

// Direction is a way of connections, seen from the cluster's pods.
type Direction string

const (
	// Ingress are connections to the cluster.
	Ingress Direction = "ingress"
	// Egress are those that its pods open.
	Egress Direction = "egress"
)

// valueKind is what the values of a kind of client are.
type valueKind struct {
	// Placeholder stands for the value in documentation: "NAMESPACE". It is empty for kinds without one.
	Placeholder string
	// Completes is whose names complete the value; empty for none.
	Completes Resource
	// read checks a value, and finds the text that is the same for all ways to write it. home is the
	// cluster's namespace; empty where it is not known yet.
	read func(text, home string) (value, error)
	// readable is the value in a policy's name, after the prefix. exact is true when no other
	// value, of this kind or another one, reads like it.
	readable func(prefix string, v value) (text string, exact bool)
}

// Resource is a kind of objects on the server.
type Resource struct {
	schema.GroupVersionResource
	// Namespaced is true when a value is a name in the cluster's namespace, or NAMESPACE/NAME.
	Namespaced bool
}

// value is a value that was read.
type value struct {
	text            string
	selector        Selector
	namespace, name string
	// place and port are where to, of Egress; no port stands for all.
	place Place
	port  uint16
}

// definition is the entry of a kind.
func definition(kind Kind) (Definition, bool) {
	all := Definitions()
	i := slices.IndexFunc(all, func(d Definition) bool { return d.Kind == kind })
	if i < 0 {
		return Definition{}, false
	}
	return all[i], true
}

// policy is the policy of a grant for the cluster of o.
func (d Definition) policy(o Options, v value) Policy {
	g := Grant{Kind: d.Kind, Value: v.text}
	if o.forOperator() {
		d = d.forOperator(*o.Operator)
	}
	pods, through := "any Pods", ""
	if s := v.selector.String(); s != "" {
		pods = "Pods with " + s
	}
	if d.throughPoolers(o) {
		through = ", through the poolers"
	}
	port := ""
	if v.port != 0 {
		port = fmt.Sprintf(" on port %d", v.port)
	}
	words := strings.NewReplacer("{value}", v.text, "{namespace}", v.namespace, "{pods}", pods, "{port}", port, "{cluster}", o.Cluster.Name)
	readable, exact := d.readable(d.prefix, v)
	called := name(o.Cluster.Name, d.Role, suffix{readable: readable, exact: exact, hashed: flagPrefix + g.String()})
	why, description := words.Replace(d.why)+through, words.Replace(d.description)+through
	var p Policy
	if d.Direction == Egress {
		p = o.egressPolicy(d.Role, called, why, description, d.target(o), v.place.rule(o, false))
	} else {
		var rules []api.IngressRule
		for _, peers := range d.peers(o, v) {
			rules = append(rules, api.IngressRule{IngressCommonRule: peers, ToPorts: tcp(d.Ports)})
		}
		p = o.policy(d.Role, called, why, description, d.target(o), rules...)
	}
	p.Object.Annotations = map[string]string{AnnotationGrant: g.String()}
	if d.throughPoolers(o) {
		p.Object.Annotations[AnnotationThroughPoolers] = yes
	}
	return p
}

// granted are the policies of all grants of one direction, in the order of Definitions, and by their text within
// one kind. Equal ones are given once.
func (o Options) granted(direction Direction) []Policy {
	var all []Policy
	for _, g := range o.canonical() {
		d, _ := definition(g.Kind)
		if d.Direction != direction {
			continue
		}
		if v, err := d.read(g.Value, o.Cluster.Namespace); err == nil {
			all = append(all, d.policy(o, v))
		}
	}
	return all
}

// canonical are the grants of o as they are stored, in order, each once. Those that can't be read,
// which validate refuses, are left out.
func (o Options) canonical() []Grant {
	var all []Grant
	for _, d := range Definitions() {
		var group []Grant
		for _, g := range o.Grants {
			if g.Kind != d.Kind {
				continue
			}
			if v, err := d.read(g.Value, o.Cluster.Namespace); err == nil {
				group = append(group, Grant{Kind: d.Kind, Value: v.text})
			}
		}
		slices.SortFunc(group, func(a, b Grant) int { return cmp.Compare(a.Value, b.Value) })
		all = append(all, slices.Compact(group)...)
	}
	return all
}
