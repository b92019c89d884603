package assess

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Monitor reports on one inventory after the other, of the same Kubernetes cluster. It gives the
// reports that Evaluate would give, and evaluates only the clusters that a change touches.
type Monitor struct {
	options model.Options
	last    *model.Model
	known   map[types.NamespacedName]assessment
}

// NewMonitor returns a monitor that has not seen anything.
func NewMonitor(o model.Options) *Monitor { return &Monitor{options: o} }

// Evaluate reports on the clusters of an inventory. What has not changed since the last one must be
// the same objects in it, by pointer, for Evaluate to see that. touched are the clusters that were
// evaluated. Errors are those of model.New; the next inventory is then evaluated as a whole.
func (w *Monitor) Evaluate(inv *inventory.Inventory) (list v1alpha1.IsolationReportList, touched []types.NamespacedName, err error) {
	m, err := model.Next(w.last, inv, w.options)
	if err != nil {
		w.last, w.known = nil, nil
		return list, nil, err
	}
	changed := m.Since(w.last)
	assessments := make([]assessment, len(m.Clusters()))
	var stale []*model.Cluster
	var at []int
	for i, c := range m.Clusters() {
		a, ok := w.known[c.Key()]
		// What ends by itself depends on the clock as well.
		if !ok || touches(changed, c, a.needs) || len(a.report.Timed) > 0 {
			stale, at = append(stale, c), append(at, i)
			touched = append(touched, c.Key())
			continue
		}
		a.report.Exposure = totals(m, c, a.audiences, mostNamed(m))
		assessments[i] = a
	}
	each(stale, func(i int, c *model.Cluster) { assessments[at[i]] = assess(m, c) })
	reports := make([]*v1alpha1.IsolationReport, len(stale))
	for i := range stale {
		reports[i] = &assessments[at[i]].report
	}
	addThen(m, stale, reports)
	list = emptyList(m)
	known := make(map[types.NamespacedName]assessment, len(m.Clusters()))
	for i, c := range m.Clusters() {
		known[c.Key()] = assessments[i]
		list.Items = append(list.Items, assessments[i].report)
	}
	w.last, w.known = m, known
	return list, touched, nil
}
