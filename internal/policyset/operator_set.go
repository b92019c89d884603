package policyset

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// OperatorSet stands where sets are told apart by the name of their cluster, for the set of the operator of the namespace.
const OperatorSet = v1alpha1.OperatorSubject

// operatorPrefix begins the names of the policies of the operator's set.
const operatorPrefix = "cnpg-operator"

// OperatorPods are those that the operator's set is about: the operator's own, and those of the CNPG-I plugins beside it.
// Other pods of the namespace are left alone: nobody here knows what they need.
type OperatorPods struct {
	// Labels select the operator's pods in their namespace.
	Labels map[string]string
	// WebhookPort is where the API server asks, and the kubelet looks whether the operator lives.
	WebhookPort uint16
	MetricsPort uint16
	// Plugins are in the order of their names.
	Plugins []PluginPods
	// Probed is true where a rule has to let the kubelet in to its own node's pods (allow-localhost: policy).
	Probed bool
}

// PluginPods are the pods of a CNPG-I plugin.
type PluginPods struct {
	// Name is the plugin's, as its Service has it: "barman-cloud.cloudnative-pg.io".
	Name   string
	Labels map[string]string
	// Ports are those on which it serves the operator.
	Ports []uint16
}

// pluginCalled begins what a plugin is called.
const pluginCalled = "the plugin "

// ForOperator returns the options for the set of the operator of a namespace.
func (o Options) ForOperator(namespace string, pods OperatorPods) Options {
	o.Cluster.Namespace, o.Cluster.Name = namespace, OperatorSet
	o.OperatorNamespaces, o.DetectedOperators = nil, nil
	o.Operator = &pods
	return o
}

// forOperator is true for the operator's set.
func (o Options) forOperator() bool { return o.Cluster.Name == OperatorSet }

// called is whose set it is.
func (o Options) called() string {
	if o.forOperator() {
		return "the CloudNativePG operator"
	}
	return "the cluster " + o.Cluster.Name
}

// CheckForOperator finds what the flags of a set ask for that the operator's does not have. The error joins every problem.
func (o Options) CheckForOperator() error {
	var problems []error
	if o.scope() != ScopeCluster {
		problems = append(problems, fmt.Errorf("%s %s: with %s, the operator and its plugins are locked down alone, because nobody here knows what other pods of their namespace need: leave it out", FlagScope, o.Scope, FlagOperator))
	}
	for flag, given := range map[string]bool{FlagOperatorOnly: o.OperatorOnly, FlagThroughPoolers: o.ThroughPoolers} {
		if given {
			problems = append(problems, fmt.Errorf("%s is about the pods of a cluster, and %s about none: leave it out", flag, FlagOperator))
		}
	}
	for _, g := range o.Grants {
		switch {
		case g.Kind == Metrics:
		case g.Direction() == Egress:
			problems = append(problems, fmt.Errorf("%s: what the operator needs to reach is known, and it needs nothing else: leave it out", strings.Join(g.Flag(), " ")))
		default:
			problems = append(problems, fmt.Errorf("%s: lets in to a database, and %s is about the operator, which has no such clients: leave it out", strings.Join(g.Flag(), " "), FlagOperator))
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(problems...)
}

// validateForOperator is validate for the operator's set.
func (o Options) validateForOperator() error {
	problems := []error{checkNamespace(o.Cluster.Namespace), o.CheckForOperator()}
	if o.Operator == nil || len(o.Operator.Labels) == 0 {
		return errors.Join(append(problems, fmt.Errorf("no label of the operator's pods in namespace %q is known, so that no rule can select them", o.Cluster.Namespace))...)
	}
	if o.Operator.WebhookPort == 0 || o.Operator.MetricsPort == 0 {
		problems = append(problems, errors.New("the ports of the operator are not known"))
	}
	for _, p := range o.Operator.Plugins {
		if len(p.Labels) == 0 || len(p.Ports) == 0 {
			problems = append(problems, fmt.Errorf("which pods are %s%s, and where it serves the operator, is not known, so that no rule can let it in", pluginCalled, p.Name))
		}
	}
	for _, g := range o.Grants {
		if d, known := definition(g.Kind); !known {
			problems = append(problems, fmt.Errorf("%q is no kind of client", g.Kind))
		} else if _, err := d.read(g.Value, o.Cluster.Namespace); err != nil {
			problems = append(problems, d.problem(g.Value, err))
		}
	}
	for _, out := range o.Outlets {
		problems = append(problems, out.check())
	}
	return errors.Join(problems...)
}

// operatorAccess are the policies without which nobody could change a cluster: who asks the operator's webhook, and the
// operator to its plugins.
func (o Options) operatorAccess() []Policy {
	port := []uint16{o.Operator.WebhookPort}
	// The API server shows up as host or remote node where it runs on a node of the cluster or connects by way of one. The
	// kubelet looks at the same port whether the operator lives.
	rules := []api.IngressRule{fromNodes(port, api.EntityKubeAPIServer, api.EntityHost, api.EntityRemoteNode)}
	if len(o.Agents) > 0 {
		rules = append(rules, fromEndpoints(port, o.agents()...))
	}
	all := []Policy{o.policy(WebhookAccess, name(OperatorSet, WebhookAccess, suffix{}), "webhook: API server and kubelet",
		fmt.Sprintf("Allow the API server and the nodes to ask the CloudNativePG operator about changes of clusters, on port %d", o.Operator.WebhookPort),
		everyRole(o), rules...)}
	for _, p := range o.Operator.Plugins {
		rules := []api.IngressRule{fromEndpoints(p.Ports, everyRole(o))}
		if o.Operator.Probed {
			rules = append(rules, fromNodes(p.Ports, api.EntityHost))
		}
		all = append(all, o.policy(PluginAccess, name(OperatorSet, PluginAccess, p.suffix("")), "operator to "+pluginCalled+p.Name,
			"Allow the CloudNativePG operator to connect to "+pluginCalled+p.Name, p.selector(), rules...))
	}
	for _, p := range all {
		p.Object.Annotations = map[string]string{}
	}
	return all
}

// fromNodes lets in what is no pod.
func fromNodes(ports []uint16, entities ...api.Entity) api.IngressRule {
	return api.IngressRule{IngressCommonRule: api.IngressCommonRule{FromEntities: entities}, ToPorts: tcp(ports)}
}

// selector selects the plugin's pods.
func (p PluginPods) selector() api.EndpointSelector { return matchLabels(maps.Clone(p.Labels)) }

// suffix tells the policies of plugins apart.
func (p PluginPods) suffix(prefix string) suffix {
	readable := strings.Trim(prefix+notReadable.ReplaceAllString(strings.ToLower(p.Name), "-"), "-")
	return suffix{readable: readable, hashed: p.Name}
}

// operatorDefaultDenies deny whom nothing else lets in: one for each kind of pods, because a policy selects one.
func (o Options) operatorDefaultDenies() []Policy {
	deny := func(s suffix, whose string, selected api.EndpointSelector) Policy {
		p := o.policy(DefaultDeny, name(OperatorSet, DefaultDeny, s), "default deny of ingress: "+whose,
			"Default deny all ingress traffic to the pods of "+whose, selected, api.IngressRule{})
		p.Object.Annotations = map[string]string{}
		return p
	}
	out := []Policy{deny(suffix{}, o.called(), everyRole(o))}
	for _, p := range o.Operator.Plugins {
		out = append(out, deny(p.suffix("plugin-"), pluginCalled+p.Name, p.selector()))
	}
	return out
}

// operatorOutlets are what the operator needs to reach: what was derived, DNS, and what is always needed.
func (o Options) operatorOutlets() []Outlet {
	all := []Outlet{
		{Purpose: APIServer, What: "the API server", Places: []Place{{Entity: string(api.EntityKubeAPIServer)}}},
		{Purpose: Databases, What: "the databases", Places: []Place{{Databases: true, Ports: []string{PortOf(cnpg.StatusPort, "")}}}},
	}
	for _, out := range o.Outlets {
		if out.Purpose == DNS {
			all = append(all, out)
		}
	}
	for _, p := range o.Operator.Plugins {
		place := Place{Namespace: o.Cluster.Namespace, Labels: maps.Clone(p.Labels)}
		for _, port := range p.Ports {
			place.Ports = append(place.Ports, PortOf(port, ""))
		}
		all = append(all, Outlet{Purpose: Plugin, What: pluginCalled + p.Name, Places: []Place{place}})
	}
	return all
}

// databasesAnywhere selects CloudNativePG's pods. The requirement that a namespace exists keeps Cilium from limiting it to
// the policy's own.
func databasesAnywhere() api.EndpointSelector {
	return api.EndpointSelector{LabelSelector: &slim_metav1.LabelSelector{MatchExpressions: []slim_metav1.LabelSelectorRequirement{
		{Key: cnpg.ClusterLabel, Operator: slim_metav1.LabelSelectorOpExists},
		{Key: ciliumio.PodNamespaceLabel, Operator: slim_metav1.LabelSelectorOpExists},
	}}}
}

// forOperator is the kind of client as the operator's set has it.
func (d Definition) forOperator(pods OperatorPods) Definition {
	if d.Kind == Metrics {
		d.Ports = []uint16{pods.MetricsPort}
		d.description = fmt.Sprintf("Allow access to the metrics of the CloudNativePG operator on port %d from {pods} in the {namespace} namespace", pods.MetricsPort)
	}
	return d
}

// driftOf is Drift for the operator's set: what lockdown has applied when it saw other agents of the API server is nobody's.
func (o Options) driftOf(live []*ciliumv2.CiliumNetworkPolicy, desired []Policy) (map[string][]string, error) {
	others, err := o.otherAgents()
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for i, want := range desired {
		for _, have := range live {
			if have.Name != want.Object.Name {
				continue
			}
			have = ForGood(have)
			paths := significant(have, Differences(have, want.Object))
			for _, other := range others {
				if then := significant(have, Differences(have, other[i].Object)); len(then) < len(paths) {
					paths = then
				}
			}
			if len(paths) > 0 {
				out[have.Name] = paths
			}
		}
	}
	return out, nil
}
