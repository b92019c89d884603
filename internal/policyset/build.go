package policyset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// Policy is one policy of the set.
type Policy struct {
	Role Role
	// Why says what the policy is for, in a few words: "operator and peers".
	Why string
	// Object has everything that the set owns, and nothing else.
	Object *ciliumv2.CiliumNetworkPolicy
}

// Reference names the policy as reports do.
func (p Policy) Reference() v1alpha1.PolicyReference {
	return v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: p.Object.Namespace, Name: p.Object.Name}
}

// Build returns the policies that o asks for, in the order of ApplyOrder. It refuses options
// that no sound set can be made from; the error joins every problem.
func Build(o Options) ([]Policy, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	access := o.operatorAccess
	if !o.forOperator() {
		access = func() []Policy { return []Policy{o.access()} }
	}
	policies := slices.Concat(access(), o.granted(Ingress), o.egress(), o.denies())
	for i, p := range policies {
		if o.ends(p.Role) {
			policies[i].Object = EndingWith(p.Object, Timer{Name: o.Timer})
		}
	}
	if err := o.stamp(policies); err != nil {
		return nil, err
	}
	grants := map[string]string{}
	for _, p := range policies {
		grant := p.Object.Annotations[AnnotationGrant]
		if first, taken := grants[p.Object.Name]; taken {
			return nil, fmt.Errorf("the policies of %q and %q would both be named %q: leave one of the flags out", flagPrefix+first, flagPrefix+grant, p.Object.Name)
		}
		grants[p.Object.Name] = grant
	}
	return ApplyOrder(policies), nil
}

// denies are the policies that deny what no other one allows; none in a rehearsal.
func (o Options) denies() []Policy {
	var out []Policy
	if o.RehearsedSince.IsZero() || o.InForce {
		if o.forOperator() {
			out = o.operatorDefaultDenies()
		} else {
			out = append(out, o.defaultDeny())
		}
	}
	if o.Egress && o.RehearsedSince.IsZero() {
		out = append(out, o.egressDefaultDeny())
	}
	return out
}

// ends tells whether a policy ends with the timer: all of a rehearsal do, those for egress where it is about egress alone, and of
// a lockdown what denies, and is not for good already. What lets somebody in outlives default deny: it denies nothing.
func (o Options) ends(role Role) bool {
	switch {
	case o.Timer == "":
		return false
	case !o.RehearsedSince.IsZero():
		return !o.InForce || role == EgressAccess
	}
	return role.Denies() && (role != DefaultDeny || !o.InForce)
}

// validate finds what Parse, which knows no cluster, could not, and what options that were
// not parsed can have wrong.
func (o Options) validate() error {
	if o.forOperator() {
		return o.validateForOperator()
	}
	var problems []error
	if err := checkNamespace(o.Cluster.Namespace); err != nil {
		problems = append(problems, fmt.Errorf("namespace of cluster %q: %w", o.Cluster.Name, err))
	}
	for _, cluster := range o.users() {
		if err := checkCluster(cluster); err != nil {
			problems = append(problems, err)
		}
	}
	if o.scope() != ScopeCluster && o.scope() != ScopeNamespace {
		problems = append(problems, fmt.Errorf("scope %q: must be %q or %q", o.Scope, ScopeCluster, ScopeNamespace))
	}
	if len(o.operators()) == 0 {
		problems = append(problems, fmt.Errorf("no namespace of the CloudNativePG operator is known for cluster %q, and a set without it would cut the operator off: name it with %s", o.Cluster.Name, FlagOperatorNamespace))
	}
	for _, op := range o.operators() {
		if err := checkNamespace(op.Namespace); err != nil {
			problems = append(problems, fmt.Errorf("%s %w", FlagOperatorNamespace, err))
		}
	}
	for _, g := range o.Grants {
		d, known := definition(g.Kind)
		if !known {
			problems = append(problems, fmt.Errorf("%q is no kind of client", g.Kind))
		} else if _, err := d.read(g.Value, o.Cluster.Namespace); err != nil {
			problems = append(problems, d.problem(g.Value, err))
		}
	}
	for _, out := range o.Outlets {
		problems = append(problems, out.check())
	}
	problems = append(problems, o.idle())
	return errors.Join(problems...)
}

// checkCluster accepts names that can be the value of a label and part of a policy's name.
// CloudNativePG's own webhook is stricter (50 characters, a DNS label).
func checkCluster(cluster string) error {
	if cluster == "" {
		return errors.New("the cluster's name is missing")
	}
	messages := append(validation.IsValidLabelValue(cluster), validation.IsDNS1123Subdomain(cluster)...)
	if len(messages) > 0 {
		return fmt.Errorf("%q cannot be the name of a CloudNativePG cluster: %s", cluster, strings.Join(sortedSet(messages), "; "))
	}
	return nil
}

// policy is a policy of the set with the labels that all have. It brings no default deny: that is
// the default-deny policy's alone. So an allow policy changes nothing by itself, and there is no
// moment in which one client is let in already and the next one not yet. The agent reads the field
// as true when its option enable-non-default-deny-policies is off; ApplyOrder is safe then too.
func (o Options) policy(role Role, name, why, description string, subject api.EndpointSelector, rules ...api.IngressRule) Policy {
	var defaultDeny api.DefaultDenyConfig
	if role != DefaultDeny {
		defaultDeny.Ingress = ptr.To(false)
	}
	owner, value := ownerLabel(o.Cluster.Name)
	return Policy{
		Role: role,
		Why:  why,
		Object: &ciliumv2.CiliumNetworkPolicy{
			TypeMeta: metav1.TypeMeta{APIVersion: ciliumv2.SchemeGroupVersion.String(), Kind: ciliumv2.CNPKindDefinition},
			ObjectMeta: metav1.ObjectMeta{
				Name:      name,
				Namespace: o.Cluster.Namespace,
				Labels: map[string]string{
					LabelManagedBy: FieldManager,
					owner:          value,
					LabelPolicy:    string(role),
				},
			},
			Spec: &api.Rule{
				Description:       description,
				EndpointSelector:  subject,
				Ingress:           rules,
				EnableDefaultDeny: defaultDeny,
			},
		},
	}
}

// subject is what policies 1 to 3 select, by scope.
func (o Options) subject() api.EndpointSelector {
	if o.scope() == ScopeNamespace {
		return everyPod()
	}
	return clusterPods(o.Cluster.Name)
}

// access is policy 3, or 2 with OperatorOnly.
func (o Options) access() Policy {
	target := "the pods of the cluster " + o.Cluster.Name
	connection := "connection between " + target
	if o.scope() == ScopeNamespace {
		target = "any pod in the target namespace"
		connection = "connection from the pods of the cluster " + o.Cluster.Name + " to " + target
	}
	sources := o.operatorSelectors()
	var p Policy
	if o.OperatorOnly {
		p = o.policy(OperatorAccess, name(o.Cluster.Name, OperatorAccess, suffix{}), "operator",
			"Allow CloudNativePG operator access to "+target,
			o.subject(), fromEndpoints([]uint16{cnpg.StatusPort}, sources...))
	} else {
		sources = append(sources, matchLabels(map[string]string{
			ciliumio.PodNamespaceLabel: o.Cluster.Namespace,
			cnpg.ClusterLabel:          o.Cluster.Name,
		}))
		p = o.policy(InternalAccess, name(o.Cluster.Name, InternalAccess, suffix{}), "operator and peers",
			"Allow CloudNativePG operator access and "+connection,
			o.subject(), fromEndpoints([]uint16{cnpg.StatusPort, cnpg.PostgresPort}, sources...))
	}
	p.Object.Annotations = map[string]string{AnnotationScope: string(o.scope())}
	if o.ThroughPoolers {
		p.Object.Annotations[AnnotationThroughPoolers] = yes
	}
	if len(o.OperatorNamespaces) > 0 {
		p.Object.Annotations[AnnotationOperatorNamespaces] = strings.Join(sortedSet(o.OperatorNamespaces), ",")
	}
	if !o.InEffect().RehearsedSince.IsZero() {
		p.Object.Annotations[AnnotationRehearsedSince] = o.RehearsedSince.UTC().Format(time.RFC3339)
	}
	return p
}

// defaultDeny is policy 1. The rule is one that allows nobody, because an empty list of rules is no
// policy for Cilium (pkg/policy/api/rule_validation.go).
func (o Options) defaultDeny() Policy {
	if o.scope() == ScopeNamespace {
		return sharedDefaultDeny(o.Cluster.Namespace, o.users(), o.SharedRecords)
	}
	p := o.policy(DefaultDeny, name(o.Cluster.Name, DefaultDeny, suffix{}), "default deny of ingress",
		"Default deny all ingress traffic to the pods of the cluster "+o.Cluster.Name,
		o.subject(), api.IngressRule{})
	p.Object.Annotations = map[string]string{AnnotationScope: string(ScopeCluster)}
	return p
}
