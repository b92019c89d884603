package model

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// MostOperators is how many operators are asked about at each database. CloudNativePG supports one, and whoever may create
// Deployments can label thousands as operators.
const MostOperators = 16

// addOperators finds the identities of the operators' pods. An operator without pods, or none at
// all in manifests, gets the identity that its pod would have.
func (m *Model) addOperators(o Options) error {
	operators := m.inv.Operators
	if o.OperatorNamespace != "" {
		operators = inventory.SelectOperators(operators, o.OperatorNamespace)
	}
	if len(operators) == 0 && (o.OperatorNamespace != "" || m.inv.Origin == inventory.Manifests) {
		operators = []inventory.Operator{assumedOperator(cmp.Or(o.OperatorNamespace, defaultOperatorNamespace))}
	}
	if len(operators) > MostOperators {
		m.seenOperators = len(operators)
		operators = []inventory.Operator{assumedOperator(defaultOperatorNamespace)}
	}
	for _, found := range operators {
		op, name := Operator{Operator: found}, fmt.Sprintf("the operator in %q", found.Namespace)
		for i := range m.inv.Pods {
			pod := &m.inv.Pods[i]
			if m.seenOperators == 0 && pod.Namespace == found.Namespace && containsLabels(pod.Labels, found.PodLabels) {
				op.add(m.EndOf(i, name))
			}
		}
		if len(op.Ends) == 0 {
			id, err := m.operatorIdentity(found)
			if err != nil {
				return err
			}
			op.add(End{Identity: id, Name: name})
			op.Assumed = true
			if op.typical, err = m.operatorIdentity(assumedOperator(found.Namespace)); err != nil {
				return err
			}
		}
		m.operators = append(m.operators, op)
		if err := m.addUnlabelled(found.Namespace); err != nil {
			return err
		}
	}
	return nil
}

// TooManyOperators is how many operators were seen where these are more than are asked about: one is presumed in their place. It is 0
// otherwise.
func (m *Model) TooManyOperators() int { return m.seenOperators }

// add adds what a pod of the operator looks like, once.
func (o *Operator) add(e End) {
	if !e.OnNode {
		e.Node = "" // It makes no difference.
	}
	if !slices.Contains(o.Ends, e) {
		o.Ends = append(o.Ends, e)
	}
}

func (m *Model) operatorIdentity(o inventory.Operator) (*engine.Identity, error) {
	pod := inventory.Pod{Namespace: o.Namespace, Labels: o.PodLabels, ServiceAccount: o.ServiceAccount}
	ids, err := m.identities.Pods([]inventory.Pod{pod}, m.namespaceLabels(o.Namespace))
	if err != nil {
		return nil, err
	}
	return ids[0], nil
}

// addGhostOperators adds the identity that an operator would have in each of the namespaces that
// the policies name, so that a policy for an operator that is elsewhere can be recognised.
func (m *Model) addGhostOperators(policies []engine.Policy) error {
	ghosts, clustersIn := map[string]*engine.Identity{}, map[string][]*Cluster{}
	for _, c := range m.clusters {
		clustersIn[c.Object.Namespace] = append(clustersIn[c.Object.Namespace], c)
	}
	for i := range policies {
		concerned := clustersIn[policies[i].Namespace]
		if policies[i].Namespace == "" {
			concerned = m.clusters
		}
		if len(concerned) == 0 {
			continue
		}
		for _, namespace := range policies[i].PeerNamespaces() {
			if m.HasOperator(namespace) {
				continue
			}
			if ghosts[namespace] == nil {
				id, err := m.operatorIdentity(assumedOperator(namespace))
				if err != nil {
					return err
				}
				ghosts[namespace] = id
				if err := m.addUnlabelled(namespace); err != nil {
					return err
				}
			}
			for _, c := range concerned {
				if namespace != c.Object.Namespace {
					c.Ghosts[namespace] = ghosts[namespace]
				}
			}
		}
	}
	return nil
}

// addUnlabelled adds the identity of a pod without labels in the namespace: whom a rule for all of a namespace lets in,
// and a rule for an operator does not.
func (m *Model) addUnlabelled(namespace string) error {
	if m.unlabelled[namespace] != nil {
		return nil
	}
	id, err := m.operatorIdentity(inventory.Operator{Namespace: namespace, ServiceAccount: "default"})
	if err != nil {
		return err
	}
	m.unlabelled[namespace] = id
	return nil
}

// Unlabelled is the identity of a pod without labels in a namespace in which an operator is, is assumed, or is a
// ghost; nil for others.
func (m *Model) Unlabelled(namespace string) *engine.Identity { return m.unlabelled[namespace] }

// Typical is the identity that an operator of the release manifest would have in the namespace of the operator.
func (o Operator) Typical() *engine.Identity { return o.typical }

// LabelsKnown is true when the labels of the operator's pods are known, and not only its namespace.
func (o Operator) LabelsKnown() bool { return !o.Presumed() && len(o.PodLabels) > 0 }

// HasOperator is true where an operator was found or is assumed in the namespace.
func (m *Model) HasOperator(namespace string) bool {
	return slices.ContainsFunc(m.operators, func(o Operator) bool { return o.Namespace == namespace })
}

const defaultOperatorNamespace = "cnpg-system"

// assumedOperator is what CloudNativePG's release manifest installs.
func assumedOperator(namespace string) inventory.Operator {
	return inventory.Operator{
		Namespace:      namespace,
		PodLabels:      map[string]string{"app.kubernetes.io/name": "cloudnative-pg"},
		ServiceAccount: "cnpg-manager",
		FoundBy:        fmt.Sprintf("assumed in namespace %q", namespace),
	}
}

// Presumed is true when nothing of the operator has been found: it is what the release manifest would
// install.
func (o Operator) Presumed() bool {
	return o.Assumed && o.FoundBy == assumedOperator(o.Namespace).FoundBy
}
