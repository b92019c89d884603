package isolation

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Monitor reports on one inventory after the other, of the same Kubernetes cluster. It gives the
// reports that Evaluate would give, and evaluates only the clusters that a change touches.
type Monitor struct {
	options Options
	last    *Model
	known   map[types.NamespacedName]assessment
}

// NewMonitor returns a monitor that has not seen anything.
func NewMonitor(o Options) *Monitor { return &Monitor{options: o} }

// Evaluate reports on the clusters of an inventory. What has not changed since the last one must be
// the same objects in it, by pointer, for Evaluate to see that. touched are the clusters that were
// evaluated. Errors are those of NewModel; the next inventory is then evaluated as a whole.
func (w *Monitor) Evaluate(inv *inventory.Inventory) (list v1alpha1.IsolationReportList, touched []types.NamespacedName, err error) {
	m, err := newModel(inv, w.options, w.last)
	if err != nil {
		w.last, w.known = nil, nil
		return list, nil, err
	}
	changed := m.since(w.last)
	assessments := make([]assessment, len(m.clusters))
	var stale []*cluster
	var at []int
	for i, c := range m.clusters {
		a, ok := w.known[c.key()]
		if !ok || changed.touches(c, a.needs) {
			stale, at = append(stale, c), append(at, i)
			touched = append(touched, c.key())
			continue
		}
		a.report.Exposure = m.totals(c, a.audiences, v1alpha1.MaxClients)
		assessments[i] = a
	}
	m.each(stale, func(i int, c *cluster) { assessments[at[i]] = m.assess(c) })
	list = m.emptyList()
	known := make(map[types.NamespacedName]assessment, len(m.clusters))
	for i, c := range m.clusters {
		known[c.key()] = assessments[i]
		list.Items = append(list.Items, assessments[i].report)
	}
	w.last, w.known = m, known
	return list, touched, nil
}
