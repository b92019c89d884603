package manifests

import (
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// finish derives what the documents imply: pods of clusters, poolers and workloads that have
// none, the operator, and the rest that inventory.Finish knows.
func (l *loader) finish() *inventory.Inventory {
	inv := l.inv
	l.tellUnrendered()
	l.tellTwice()
	inv.AddExpected()
	l.addWorkloadPods()
	inv.Operators = l.findOperators()
	l.settle()
	inv.Finish()
	return inv
}

// owner is a workload and its namespace.
type owner struct {
	namespace string
	inventory.Workload
}

// addWorkloadPods adds the pods of each workload that has none. A workload that another one of
// the documents made (a Deployment's ReplicaSet, a CronJob's Job) is left to that one.
func (l *loader) addWorkloadPods() {
	present := map[owner]bool{}
	for i := range l.inv.Pods {
		present[owner{l.inv.Pods[i].Namespace, l.inv.Pods[i].Workload}] = true
	}
	known := map[owner]bool{}
	for _, w := range l.workloads {
		known[owner{w.Metadata.Namespace, w.Key()}] = true
		known[owner{w.Metadata.Namespace, inventory.Workload{Kind: strings.ToLower(w.Kind), Name: w.Metadata.Name}}] = true
	}
	for _, w := range l.workloads {
		namespace, made := w.Metadata.Namespace, w.Owner()
		if made != w.Key() && known[owner{namespace, made}] {
			continue
		}
		if !present[owner{namespace, w.Key()}] {
			l.inv.Pods = append(l.inv.Pods, w.Pods()...)
		}
	}
}

// findOperators takes the surest evidence there is: Deployments, else pods, else what installs the chart, else
// the webhook.
func (l *loader) findOperators() []inventory.Operator {
	if len(l.operators) > 0 {
		return inventory.UniqueOperators(l.operators)
	}
	if found := inventory.OperatorsFromPods(l.inv.Pods); len(found) > 0 {
		return found
	}
	if len(l.charts) > 0 {
		return inventory.UniqueOperators(l.charts)
	}
	var found []inventory.Operator
	for _, w := range l.webhooks {
		var selector map[string]string
		for _, s := range l.inv.Services {
			if s.Namespace == w.namespace && s.Name == w.name {
				selector = s.Spec.Selector
			}
		}
		found = append(found, inventory.OperatorsFromService(w.namespace, selector, l.inv.Pods)...)
	}
	return inventory.UniqueOperators(found)
}
