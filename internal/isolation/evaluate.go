package isolation

import (
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Evaluate reports on the clusters of an inventory.
func Evaluate(m *Model) v1alpha1.IsolationReportList {
	list := m.emptyList()
	list.Items = make([]v1alpha1.IsolationReport, len(m.clusters))
	m.each(m.clusters, func(i int, c *cluster) { list.Items[i] = m.report(c) })
	return list
}

// each calls f for every one of the clusters, on all processors.
func (m *Model) each(clusters []*cluster, f func(int, *cluster)) {
	m.guardedPeers() // Before several ask for them at once.
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range clusters {
		group.Go(func() error {
			f(i, c)
			return nil
		})
	}
	_ = group.Wait() // f has no errors.
}

// emptyList has no reports, only what concerns none of them.
func (m *Model) emptyList() v1alpha1.IsolationReportList {
	return v1alpha1.IsolationReportList{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.IsolationReportListKind},
		Items:    []v1alpha1.IsolationReport{},
		Findings: m.generalFindings(),
	}
}

func (m *Model) report(c *cluster) v1alpha1.IsolationReport { return m.assess(c).report }

// assessment is a report, and what it takes to bring it up to date when the fleet has changed
// elsewhere.
type assessment struct {
	report    v1alpha1.IsolationReport
	audiences []audience
	needs     dependencies
}

func (m *Model) assess(c *cluster) assessment {
	r := v1alpha1.IsolationReport{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.IsolationReportKind},
		Metadata: v1alpha1.Metadata{Namespace: c.object.Namespace, Name: c.object.Name},
	}
	needs := m.dependenciesOf(c)
	r.Pods = m.podReports(c)
	r.Policies = m.policyReports(c)
	r.RequiredFlows = m.requiredFlows(c)
	audiences := m.audiences(c, v1alpha1.MaxClients, &needs)
	r.Exposure = m.totals(c, audiences, v1alpha1.MaxClients)
	r.Findings = m.findings(c, &r)
	r.Posture = m.posture(c, &r)
	return assessment{r, audiences, needs}
}

func (m *Model) podReports(c *cluster) []v1alpha1.PodReport {
	reports := []v1alpha1.PodReport{}
	for _, member := range c.members {
		pod := &m.inv.Pods[member.pod]
		ingress, egress := m.engine.DefaultDeny(member.identity)
		enforced := m.enforces() && !m.unmanaged[pod.Key()]
		reports = append(reports, v1alpha1.PodReport{
			Name: pod.Name, Role: member.role, Expected: pod.Expected, Enforced: enforced,
			IngressDefaultDeny: ingress && enforced, EgressDefaultDeny: egress && enforced,
		})
	}
	for _, member := range c.onNodes {
		pod := &m.inv.Pods[member.pod]
		reports = append(reports, v1alpha1.PodReport{Name: pod.Name, Role: member.role, Expected: pod.Expected})
	}
	return reports
}

// enforces is false where the agent drops nothing, whatever the policies say.
func (m *Model) enforces() bool {
	return m.inv.Settings.EnablePolicy != "never" && !m.inv.Settings.AuditMode
}

// policyReports are the policies that select a pod of the cluster, and those that Cilium refuses
// although they were meant for one.
func (m *Model) policyReports(c *cluster) []v1alpha1.PolicyReport {
	byPolicy := map[int]*v1alpha1.PolicyReport{}
	report := func(index int) *v1alpha1.PolicyReport {
		if byPolicy[index] == nil {
			p := &m.engine.Policies()[index]
			byPolicy[index] = &v1alpha1.PolicyReport{
				PolicyReference: p.PolicyReference, SelectedPods: []string{},
				Ingress: v1alpha1.EffectNone, Egress: v1alpha1.EffectNone,
				Valid: p.Valid, Message: reason(p.Message), ManagedBy: m.inv.Policies[index].Labels[managedByLabel],
			}
		}
		return byPolicy[index]
	}
	for _, member := range c.members {
		for _, s := range m.engine.Selections(member.identity) {
			r := report(s.Policy)
			r.SelectedPods = append(r.SelectedPods, m.inv.Pods[member.pod].Name)
			r.Ingress, r.Egress = stronger(r.Ingress, s.Ingress), stronger(r.Egress, s.Egress)
		}
	}
	for _, index := range m.engine.PoliciesFor(c.object.Namespace) {
		p := &m.engine.Policies()[index]
		if !p.Enforced() && m.concerns(c, p) {
			report(index)
		}
	}
	out := []v1alpha1.PolicyReport{}
	for _, index := range slices.Sorted(maps.Keys(byPolicy)) {
		if r := byPolicy[index]; r != nil {
			out = append(out, *r)
		}
	}
	return out
}

func stronger(a, b v1alpha1.Effect) v1alpha1.Effect {
	rank := map[v1alpha1.Effect]int{v1alpha1.EffectNone: 0, v1alpha1.EffectRulesOnly: 1, v1alpha1.EffectDefaultDeny: 2}
	if rank[b] > rank[a] {
		return b
	}
	return a
}
