package expect

import (
	"fmt"
	"slices"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// asker puts expectations to one model.
type asker struct {
	model *model.Model
	// destinations are where the targets of outbound expectations are, by the expectation's position.
	destinations map[int]explain.Destination
	// reports are those of the clusters whose posture was asked for.
	reports map[types.NamespacedName]v1alpha1.IsolationReport
}

// newAsker makes the model that all of them can be asked about. Those that can't be get an Err. operatorNamespace
// overrides the detection of the operator. The error is that there is no model.
func newAsker(inv *inventory.Inventory, asked []Asked, operatorNamespace string) (*asker, error) {
	a := &asker{destinations: map[int]explain.Destination{}, reports: map[types.NamespacedName]v1alpha1.IsolationReport{}}
	o := model.Options{OperatorNamespace: operatorNamespace}
	for i := range asked {
		x := &asked[i]
		if x.Err != nil {
			continue
		}
		o.Names = append(o.Names, x.Key.Name)
		switch {
		case x.Posture != "":
		case x.Outbound:
			at := slices.IndexFunc(inv.Clusters, func(c *cnpgv1.Cluster) bool { return c.Namespace == x.Key.Namespace && c.Name == x.Key.Name })
			if at < 0 {
				x.Err = fmt.Errorf("there is no cluster %q in namespace %q", x.Key.Name, x.Key.Namespace)
				continue
			}
			destination, err := explain.Find(inv, inv.Clusters[at], x.Target, x.Sender)
			if x.Err = err; err == nil {
				a.destinations[i] = destination
				o.Extra = o.Extra.And(destination.Extra())
			}
		default:
			o.Extra = o.Extra.And(x.In(x.Key.Namespace).Extra())
		}
	}
	slices.Sort(o.Names)
	o.Names = slices.Compact(o.Names)
	var err error
	a.model, err = model.New(inv, o)
	return a, err
}

// In is the source of an expectation about a cluster of a namespace.
func (x *Expectation) In(namespace string) explain.Source {
	if x.described == nil {
		return x.Source.In(namespace)
	}
	source, err := described(*x.described, namespace)
	if err != nil {
		return x.Source // The namespace is a cluster's, and the rest was read before.
	}
	return source
}

// explain answers a question about a connection.
func (a *asker) explain(i int, x *Asked) (v1alpha1.Explanation, error) {
	if x.Outbound {
		question, err := explain.AskOutbound(a.model, x.Key, a.destinations[i])
		if err != nil {
			return v1alpha1.Explanation{}, err
		}
		return question.Explain(), nil
	}
	question, err := explain.Ask(a.model, x.Key, x.In(x.Key.Namespace), x.Query)
	if err != nil {
		return v1alpha1.Explanation{}, err
	}
	return question.Explain()
}

// report is about a cluster of the model.
func (a *asker) report(key types.NamespacedName) (v1alpha1.IsolationReport, error) {
	if known, ok := a.reports[key]; ok {
		return known, nil
	}
	c := a.model.Cluster(key)
	if c == nil {
		return v1alpha1.IsolationReport{}, fmt.Errorf("there is no cluster %q in namespace %q", key.Name, key.Namespace)
	}
	report := assess.Report(a.model, c)
	a.reports[key] = report
	return report, nil
}
