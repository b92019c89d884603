package assess

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/cilium/pkg/option"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// OperatorKey is what tells the set of the operator of a namespace from those of clusters.
func OperatorKey(namespace string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: policyset.OperatorSet}
}

// ForOperator are the options of the set for the operator of a namespace, with what the model has seen around it. The error
// says why no sound set can be made, and joins every reason.
func ForOperator(m *model.Model, o policyset.Options, namespace string) (policyset.Options, error) {
	pods, err := operatorPods(m, namespace)
	if err != nil {
		return o, err
	}
	o = o.ForOperator(namespace, pods).Around(Agents(m))
	if !o.Egress {
		return o, nil
	}
	d := derivation{m: m, key: o.Cluster}
	d.dns()
	for _, u := range d.unanswered {
		err = errors.Join(err, fmt.Errorf("no rule can be made for %s, which the operator needs, because %s", u.To, u.Why))
	}
	return o.Reaching(d.outlets), err
}

// operatorPods are the pods that the set for the operator of a namespace is about.
func operatorPods(m *model.Model, namespace string) (policyset.OperatorPods, error) {
	var out policyset.OperatorPods
	at := operatorsIn(m, namespace)
	switch {
	case len(at) == 0:
		return out, fmt.Errorf("no CloudNativePG operator was seen in namespace %q, so that there is nothing to lock down: name its namespace with %s", namespace, policyset.FlagOperatorNamespace)
	case len(at) > 1:
		return out, fmt.Errorf("%d operators were seen in namespace %q, and one set can't tell them apart", len(at), namespace)
	}
	op := m.Operators()[at[0]]
	var problems []error
	for _, selected := range Operators(m) {
		if selected.Namespace == namespace {
			out.Labels = selected.Identifying()
		}
	}
	if len(out.Labels) == 0 {
		problems = append(problems, fmt.Errorf("of the operator in %q nothing is known but its namespace, so that no rule can select its pods", namespace))
	}
	for _, end := range op.Ends {
		switch {
		case end.OnNode:
			problems = append(problems, fmt.Errorf("the operator in %q is on its node's network (hostNetwork), where policies for pods say nothing: remove that from its Deployment first", namespace))
		case end.Unmanaged:
			problems = append(problems, fmt.Errorf("nothing would be enforced at %s, which Cilium does not manage: restart its pod first", end.Name))
		}
	}
	out.WebhookPort, out.MetricsPort = m.Deriver().OperatorPorts(op.Operator)
	out.Probed = m.Inventory().Settings.AllowLocalhost == option.AllowLocalhostPolicy
	for _, at := range m.Deriver().Plugins(namespace) {
		plugin := policyset.PluginPods{Name: at.Name}
		for _, peer := range at.Peers {
			if peer.By == nil || peer.By.Namespace != namespace || plugin.Labels != nil && !labels.Equals(plugin.Labels, peer.By.Labels) {
				why := peer.Unknown
				if why == "" {
					why = "its Service has no selector"
				}
				problems = append(problems, fmt.Errorf("no rule can let the operator out to the plugin %s, because %s", at.Name, why))
				continue
			}
			plugin.Labels = peer.By.Labels
			for _, port := range peer.Ports {
				plugin.Ports = append(plugin.Ports, port.Number)
			}
		}
		slices.Sort(plugin.Ports)
		plugin.Ports = slices.Compact(plugin.Ports)
		if labels.Equals(plugin.Labels, out.Labels) {
			problems = append(problems, fmt.Errorf("the Service of the plugin %s selects the operator's own pods, so that rules can't tell them apart", at.Name))
		}
		out.Plugins = append(out.Plugins, plugin)
	}
	return out, errors.Join(problems...)
}

// operatorsIn are the positions of the operators of a namespace that were seen.
func operatorsIn(m *model.Model, namespace string) []int {
	var out []int
	for i, op := range m.Operators() {
		if op.Namespace == namespace && !op.Presumed() {
			out = append(out, i)
		}
	}
	return out
}

// OperatorFlows are the connections that the operator of a namespace needs: those of its webhook, to what it needs itself,
// and to the instances of each cluster, those to come included.
func OperatorFlows(m *model.Model, namespace string) []v1alpha1.RequiredFlow {
	all := newGroup(m, namespace)
	name := fmt.Sprintf("operator (%s)", namespace)
	operators := operatorsIn(m, namespace)
	for _, i := range operators {
		for _, need := range m.NeedsOf(i) {
			if need.Inbound {
				all.inbound(need, name, m.Operators()[i].Ends)
			} else {
				all.outbound(need, name, need.What, m.Operators()[i].Ends)
			}
		}
	}
	var flows []v1alpha1.RequiredFlow
	for _, n := range all.out {
		flows = append(flows, n.flow)
	}
	for _, i := range operators {
		for _, c := range m.Clusters() {
			peers := append(m.Ends(c.Instances()), model.End{Identity: c.NextInstance, Name: "the next instance"})
			f := flow(m, v1alpha1.FlowOperator, name, cnpg.StatusPort, m.Operators()[i].Ends, peers)
			f.To = fmt.Sprintf("instances of %s/%s", c.Object.Namespace, c.Object.Name)
			flows = append(flows, f)
		}
	}
	return flows
}

// OperatorExposure says who can connect to the operator of a namespace and to its plugins; nothing where that can't be told.
func OperatorExposure(m *model.Model, namespace string) []v1alpha1.Exposure {
	pods, err := operatorPods(m, namespace)
	if err != nil {
		return nil
	}
	const operator = "operator"
	out := []v1alpha1.Exposure{
		exposureOf(m, namespace, operator, pods.Labels, pods.WebhookPort), exposureOf(m, namespace, operator, pods.Labels, pods.MetricsPort),
	}
	for _, p := range pods.Plugins {
		for _, port := range p.Ports {
			out = append(out, exposureOf(m, namespace, "plugin "+p.Name, p.Labels, port))
		}
	}
	return out
}

// OfOperator tells whether a pod is an operator's, or one of a plugin beside it.
func OfOperator(m *model.Model, pod int) bool {
	p := m.Pod(pod)
	pods, err := operatorPods(m, p.Namespace)
	if err != nil {
		return false
	}
	selectors := []map[string]string{pods.Labels}
	for _, plugin := range pods.Plugins {
		selectors = append(selectors, plugin.Labels)
	}
	return slices.ContainsFunc(selectors, func(s map[string]string) bool { return labels.SelectorFromSet(s).Matches(labels.Set(p.Labels)) })
}

// exposureOf says who can connect to a port of some pods.
func exposureOf(m *model.Model, namespace, called string, selector map[string]string, port uint16) v1alpha1.Exposure {
	own := map[int]bool{}
	var members []model.Member
	for i := range m.Inventory().Pods {
		if m.Pod(i).Namespace == namespace && m.IdentityOf(i) != nil && labels.SelectorFromSet(selector).Matches(labels.Set(m.Pod(i).Labels)) {
			own[i] = true
			members = append(members, model.Member{Pod: i, Identity: m.IdentityOf(i)})
		}
	}
	target := m.Target(port, members)
	e := v1alpha1.Exposure{Target: v1alpha1.Target{Needed: called}, Port: port, Entities: []v1alpha1.Entity{}}
	if len(members) == 0 {
		return e
	}
	clients, decide := accessOf{}, deciderOf(m, target)
	for i, p := range m.Peers() {
		others := slices.DeleteFunc(slices.Clone(p.Pods), func(pod int) bool { return own[pod] })
		if len(others) == 0 {
			continue
		}
		if verdict, policies := decide(i); verdict == v1alpha1.VerdictAllowed {
			count(m, clients, others, policies)
		}
	}
	e.Clients = clients.sorted()
	addEntities(m, &e, target)
	return e
}
