package assess

import (
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Evaluate reports on the clusters of an inventory.
func Evaluate(m *model.Model) v1alpha1.IsolationReportList { return EvaluateWithin(m, Patience{}) }

// each calls f for every one of the clusters, on all processors.
func each(clusters []*model.Cluster, f func(int, *model.Cluster)) {
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
func emptyList(m *model.Model) v1alpha1.IsolationReportList {
	return v1alpha1.IsolationReportList{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.IsolationReportListKind},
		Items:    []v1alpha1.IsolationReport{},
		Findings: generalFindings(m),
	}
}

// Report is the report on one cluster.
func Report(m *model.Model, c *model.Cluster) v1alpha1.IsolationReport { return assess(m, c).report }

// Posture is the posture of the report on a cluster.
func Posture(m *model.Model, c *model.Cluster) v1alpha1.Posture {
	r := v1alpha1.IsolationReport{Pods: podReports(m, c), Policies: policyReports(m, c), RequiredFlows: RequiredFlows(m, c), Rehearsal: RehearsalOf(m, c)}
	r.Findings = findings(m, c, &r)
	return posture(m, c, &r)
}

// assessment is a report, and what it takes to bring it up to date when the fleet has changed
// elsewhere.
type assessment struct {
	report    v1alpha1.IsolationReport
	audiences []audience
	needs     dependencies
}

// emptyReport says which cluster it is about, and nothing else.
func emptyReport(m *model.Model, c *model.Cluster) v1alpha1.IsolationReport {
	return v1alpha1.IsolationReport{
		TypeMeta:      metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.IsolationReportKind},
		Metadata:      v1alpha1.Metadata{Namespace: c.Object.Namespace, Name: c.Object.Name},
		CiliumVersion: m.Inventory().Settings.Version.String(),
	}
}

func assess(m *model.Model, c *model.Cluster) assessment {
	r := emptyReport(m, c)
	needs := dependenciesOf(m, c)
	r.Pods = podReports(m, c)
	r.Policies = policyReports(m, c)
	r.RequiredFlows = RequiredFlows(m, c)
	audiences := audiences(m, c, mostNamed(m), &needs)
	r.Exposure = totals(m, c, audiences, mostNamed(m))
	r.Timed, r.Rehearsal = TimedOf(m, c), RehearsalOf(m, c)
	r.Findings = findings(m, c, &r)
	r.Posture = posture(m, c, &r)
	return assessment{r, audiences, needs}
}

func podReports(m *model.Model, c *model.Cluster) []v1alpha1.PodReport {
	reports := []v1alpha1.PodReport{}
	for _, member := range c.Members {
		pod := m.Pod(member.Pod)
		ingress, egress := m.Engine().DefaultDeny(member.Identity)
		enforced := m.Enforces() && !m.IsUnmanaged(member.Pod)
		reports = append(reports, v1alpha1.PodReport{
			Name: pod.Name, Role: member.Role, Expected: pod.Expected, Enforced: enforced,
			IngressDefaultDeny: ingress && enforced, EgressDefaultDeny: egress && enforced,
		})
	}
	for _, member := range c.OnNodes {
		pod := m.Pod(member.Pod)
		reports = append(reports, v1alpha1.PodReport{Name: pod.Name, Role: member.Role, Expected: pod.Expected})
	}
	return reports
}

// policyReports are the policies that select a pod of the cluster, and those that Cilium refuses
// although they were meant for one.
func policyReports(m *model.Model, c *model.Cluster) []v1alpha1.PolicyReport {
	byPolicy := map[int]*v1alpha1.PolicyReport{}
	report := func(index int) *v1alpha1.PolicyReport {
		if byPolicy[index] == nil {
			p := &m.Engine().Policies()[index]
			byPolicy[index] = &v1alpha1.PolicyReport{
				PolicyReference: p.PolicyReference, SelectedPods: []string{},
				Ingress: v1alpha1.EffectNone, Egress: v1alpha1.EffectNone,
				Valid: p.Valid, Message: reason(p.Message), ManagedBy: m.Inventory().Policies[index].Labels[managedByLabel],
			}
		}
		return byPolicy[index]
	}
	for _, member := range c.Members {
		for _, s := range m.Engine().Selections(member.Identity) {
			r := report(s.Policy)
			r.SelectedPods = append(r.SelectedPods, m.Pod(member.Pod).Name)
			r.Ingress, r.Egress = stronger(r.Ingress, s.Ingress), stronger(r.Egress, s.Egress)
		}
	}
	for _, index := range m.Engine().PoliciesFor(c.Object.Namespace) {
		p := &m.Engine().Policies()[index]
		if !p.Enforced() && Concerns(m, c, p) {
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
