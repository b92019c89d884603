package policyset

import (
	"fmt"
	"slices"
	"strings"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Operator is an installation of CloudNativePG's operator, as far as a rule can select it.
type Operator struct {
	Namespace string
	// PodLabels are the labels of its pod template that Cilium's identities hold. They are empty when the
	// operator was not seen: a rule selects its whole namespace then.
	PodLabels map[string]string
}

// nameLabel tells applications apart. Helm's chart and CloudNativePG's manifest set it on the operator's pods.
const nameLabel = "app.kubernetes.io/name"

// changes is true for labels that another version of the same application has with another value: a rule
// with one of them would cut the operator's next version off.
func changes(key string) bool {
	return strings.HasSuffix(key, "hash") ||
		slices.Contains([]string{"app.kubernetes.io/version", "helm.sh/chart", "pod-template-generation"}, key)
}

// Identifying are the labels by which a rule selects the operator: its name, or else all that stay the
// same from one version to the next.
func (o Operator) Identifying() map[string]string {
	if name, ok := o.PodLabels[nameLabel]; ok {
		return map[string]string{nameLabel: name}
	}
	out := map[string]string{}
	for key, text := range o.PodLabels {
		if !changes(key) {
			out[key] = text
		}
	}
	return out
}

// selector selects the operator's pods; wholly is true for all pods of its namespace.
func (o Operator) selector(wholly bool) api.EndpointSelector {
	labels := map[string]string{}
	if !wholly {
		labels = o.Identifying()
	}
	labels[ciliumio.PodNamespaceLabel] = o.Namespace
	return matchLabels(labels)
}

// operators are the operators that count, by namespace: those that were detected or, of the namespaces
// that were named, whoever was detected there.
func (o Options) operators() []Operator {
	if len(o.OperatorNamespaces) == 0 {
		return o.DetectedOperators
	}
	var out []Operator
	for _, ns := range sortedSet(o.OperatorNamespaces) {
		found := slices.DeleteFunc(slices.Clone(o.DetectedOperators), func(op Operator) bool { return op.Namespace != ns })
		if len(found) == 0 {
			found = []Operator{{Namespace: ns}}
		}
		out = append(out, found...)
	}
	return out
}

// operatorSelectors select the operators, in order. Where one of a namespace was not seen, and in the
// document's literal reach, all of the namespace is selected.
func (o Options) operatorSelectors() []api.EndpointSelector {
	wholly := map[string]bool{}
	for _, op := range o.operators() {
		wholly[op.Namespace] = wholly[op.Namespace] || o.scope() == ScopeNamespace || len(op.Identifying()) == 0
	}
	byText := map[string]api.EndpointSelector{}
	var texts []string
	for _, op := range o.operators() {
		selector := op.selector(wholly[op.Namespace])
		text := op.Namespace + " " + fmt.Sprint(selector.MatchLabels) // fmt prints maps in order
		if _, known := byText[text]; !known {
			texts = append(texts, text)
		}
		byText[text] = selector
	}
	slices.Sort(texts)
	out := make([]api.EndpointSelector, len(texts))
	for i, text := range texts {
		out[i] = byText[text]
	}
	return out
}

// Drift are the Differences between live policies of a cluster and what lockdown applies for the
// options, by the policies' names. What an older version of lockdown applied, and what it applied when it
// saw an operator or agents of the API server that are not seen now, is nobody's drift, nor is a timer; the next lockdown
// may write it anew all the same. A policy that lockdown would not apply at all is left out.
func Drift(live []*ciliumv2.CiliumNetworkPolicy, o Options) (map[string][]string, error) {
	desired, err := Build(o)
	if err != nil {
		return nil, err
	}
	if o.forOperator() {
		return o.driftOf(live, desired)
	}
	unseen := map[string]bool{}
	former := o
	former.DetectedOperators = nil
	for _, op := range o.operators() {
		unseen[op.Namespace] = unseen[op.Namespace] || len(op.PodLabels) == 0
		former.DetectedOperators = append(former.DetectedOperators, Operator{Namespace: op.Namespace})
	}
	// Once, the operator's whole namespace was let in.
	before, err := Build(former)
	if err != nil {
		return nil, err
	}
	agents, err := o.otherAgents()
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for i, want := range desired {
		for _, have := range live {
			if have.Name != want.Object.Name {
				continue
			}
			// That it ends by itself is lockdown's own doing.
			have = ForGood(have)
			// The one that it is nearer to is what it was.
			paths := significant(have, Differences(have, want.Object))
			if then := significant(have, Differences(widened(have, unseen), before[i].Object)); len(then) < len(paths) {
				paths = then
			}
			for _, other := range agents {
				if then := Differences(have, other[i].Object); len(then) < len(paths) {
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

// otherAgents are the sets, in the order of Build, of all agents of the API server that lockdown may have seen.
func (o Options) otherAgents() ([][]Policy, error) {
	var out [][]Policy
	labels := inventory.KonnectivityLabels()
	for bits := range 1 << len(labels) {
		o.Agents = nil
		for i, label := range labels {
			if bits&(1<<i) != 0 {
				o.Agents = append(o.Agents, label)
			}
		}
		set, err := Build(o)
		if err != nil {
			return nil, err
		}
		out = append(out, set)
	}
	return out, nil
}

// widened is the policy with all pods of these namespaces in place of those with some labels. The
// cluster's own pods, which may be in one of them, stay as they are.
func widened(p *ciliumv2.CiliumNetworkPolicy, namespaces map[string]bool) *ciliumv2.CiliumNetworkPolicy {
	if p.Spec == nil || Role(p.Labels[LabelPolicy]) != InternalAccess && Role(p.Labels[LabelPolicy]) != OperatorAccess {
		return p
	}
	p = p.DeepCopy()
	for _, rule := range p.Spec.Ingress {
		for i, peer := range rule.FromEndpoints {
			if peer.LabelSelector == nil || peer.MatchLabels[cnpg.ClusterLabel] != "" || len(peer.MatchExpressions) > 0 {
				continue
			}
			if ns := peer.MatchLabels[ciliumio.PodNamespaceLabel]; namespaces[ns] {
				rule.FromEndpoints[i] = Operator{Namespace: ns}.selector(true)
			}
		}
	}
	return p
}
