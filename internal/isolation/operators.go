package isolation

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

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
	for _, found := range operators {
		op, name := operator{Operator: found}, fmt.Sprintf("the operator in %q", found.Namespace)
		for i := range m.inv.Pods {
			pod := &m.inv.Pods[i]
			if pod.Namespace == found.Namespace && containsLabels(pod.Labels, found.PodLabels) {
				op.add(m.endOf(i, name))
			}
		}
		if len(op.ends) == 0 {
			id, err := m.operatorIdentity(found)
			if err != nil {
				return err
			}
			op.add(end{identity: id, name: name})
			op.assumed = true
		}
		m.operators = append(m.operators, op)
	}
	return nil
}

// add adds what a pod of the operator looks like, once.
func (o *operator) add(e end) {
	if !e.onNode {
		e.node = "" // It makes no difference.
	}
	if !slices.Contains(o.ends, e) {
		o.ends = append(o.ends, e)
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
	clustersIn := map[string][]*cluster{}
	for _, c := range m.clusters {
		clustersIn[c.object.Namespace] = append(clustersIn[c.object.Namespace], c)
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
			if m.hasOperator(namespace) {
				continue
			}
			id, err := m.operatorIdentity(assumedOperator(namespace))
			if err != nil {
				return err
			}
			for _, c := range concerned {
				if namespace != c.object.Namespace {
					c.ghosts[namespace] = id
				}
			}
		}
	}
	return nil
}

func (m *Model) hasOperator(namespace string) bool {
	return slices.ContainsFunc(m.operators, func(o operator) bool { return o.Namespace == namespace })
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
