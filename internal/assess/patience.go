package assess

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Patience is how long the evaluation of one cluster may take. What is known to be too large is not begun (see package
// engine); this is for what nobody knows of. The zero value waits for as long as it takes.
type Patience struct {
	// Limit is the time that is told.
	Limit time.Duration
	// Begin is called when the evaluation of the cluster begins. The channel tells that its time is over; stop that
	// nobody waits any more.
	Begin func(*model.Cluster) (over <-chan time.Time, stop func())
}

// EvaluateWithin is Evaluate, with an unknown posture for each cluster whose evaluation takes too long. What was begun
// can't be stopped, for Cilium's engine knows no contexts: it goes on, so that the model must not be changed any more.
func EvaluateWithin(m *model.Model, p Patience) v1alpha1.IsolationReportList {
	return evaluateWithin(m, p, Report)
}

func evaluateWithin(m *model.Model, p Patience, report func(*model.Model, *model.Cluster) v1alpha1.IsolationReport) v1alpha1.IsolationReportList {
	list := emptyList(m)
	list.Items = make([]v1alpha1.IsolationReport, len(m.Clusters()))
	inTime := make([]bool, len(m.Clusters()))
	left := byNamespace(m.Clusters())
	each(m.Clusters(), func(i int, c *model.Cluster) {
		list.Items[i], inTime[i] = p.wait(m, c, func() v1alpha1.IsolationReport { return report(m, c) })
		if left[c.Object.Namespace].Add(-1) == 0 {
			m.Engine().Forget(c.Object.Namespace)
		}
	})
	all := true
	for i := range inTime {
		all = all && inTime[i]
	}
	if all {
		reports := make([]*v1alpha1.IsolationReport, len(list.Items))
		for i := range list.Items {
			reports[i] = &list.Items[i]
		}
		addThen(m, m.Clusters(), reports)
		return list
	}
	for i := range list.Items {
		// To know it takes another model, with the same identities.
		for t := range list.Items[i].Timed {
			list.Items[i].Timed[t].Then = v1alpha1.PostureUnknown
		}
	}
	return list
}

// byNamespace are the numbers of clusters by namespace, to count down.
func byNamespace(clusters []*model.Cluster) map[string]*atomic.Int32 {
	out := map[string]*atomic.Int32{}
	for _, c := range clusters {
		if out[c.Object.Namespace] == nil {
			out[c.Object.Namespace] = &atomic.Int32{}
		}
		out[c.Object.Namespace].Add(1)
	}
	return out
}

// wait returns the report on a cluster; false when it took too long.
func (p Patience) wait(m *model.Model, c *model.Cluster, report func() v1alpha1.IsolationReport) (v1alpha1.IsolationReport, bool) {
	if p.Begin == nil {
		return report(), true
	}
	over, stop := p.Begin(c)
	defer stop()
	done := make(chan v1alpha1.IsolationReport, 1)
	go func() { done <- report() }()
	select {
	case r := <-done:
		return r, true
	case <-over:
		return p.givenUp(m, c), false
	}
}

// givenUp is the report on a cluster of which nothing is known but that it takes too long to know more.
func (p Patience) givenUp(m *model.Model, c *model.Cluster) v1alpha1.IsolationReport {
	r := emptyReport(m, c)
	r.Posture = v1alpha1.PostureUnknown
	r.Pods, r.Policies, r.RequiredFlows, r.Exposure = []v1alpha1.PodReport{}, []v1alpha1.PolicyReport{}, []v1alpha1.RequiredFlow{}, []v1alpha1.Exposure{}
	r.Findings = []v1alpha1.Finding{finding(v1alpha1.EvidenceMissing, v1alpha1.SeverityError,
		fmt.Sprintf("the evaluation of the cluster took longer than %s, and was given up", p.Limit),
		command.Words("Ask about it alone:").Run(command.Plugin("status", c.Object.Name).In(c.Object.Namespace)))}
	return r
}
