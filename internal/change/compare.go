package change

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Compare computes what the steps, which lead from the model before to the model after, mean for
// one cluster. Both models have the same pods. A cluster that does not exist has no pods whose
// access could change: its preview holds the steps only.
func Compare(before, after *model.Model, key types.NamespacedName, steps []Step) Preview {
	p := Preview{Cluster: v1alpha1.Metadata{Namespace: key.Namespace, Name: key.Name}, Steps: steps}
	c := before.Cluster(key)
	if c == nil {
		return p
	}
	was, is := assess.Report(before, c), assess.Report(after, c)
	p.Before, p.After = was.Posture, is.Posture
	p.Flows = flowChanges(was.RequiredFlows, is.RequiredFlows)
	p.Access = accessChanges(assess.Exposure(before, c, 0), assess.Exposure(after, c, 0))
	p.Bystanders = bystanders(before, after, c)
	p.Notes = append(metricsNotes(before, after, c), kubectlNotes(p.Flows)...)
	for _, f := range is.RequiredFlows {
		if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed {
			p.Refusals = append(p.Refusals, fmt.Sprintf("the required flow %s (%s → port %d) would be %s: %s", f.Name, f.From, f.Port, f.Verdict, f.Message))
		}
	}
	p.Refusals = append(p.Refusals, lostOperators(before, after, c)...)
	p.Refusals = append(p.Refusals, neighbours(before, after, c)...)
	for _, f := range is.Findings {
		switch {
		case f.Code != v1alpha1.EvidenceMissing:
		case f.Severity == v1alpha1.SeverityError:
			p.Refusals = append(p.Refusals, "the preview is not reliable: "+f.Message)
		default:
			p.Notes = append(p.Notes, Note{Subject: "Not seen", Message: f.Message, Remedy: f.Remedy})
		}
	}
	return p
}

// neighbours are the other clusters of the namespace of which a required flow would be lost: policies
// that reach further than one cluster can do that.
func neighbours(before, after *model.Model, c *model.Cluster) []string {
	var out []string
	for _, other := range before.Clusters() {
		if other == c || other.Object.Namespace != c.Object.Namespace {
			continue
		}
		was, is := assess.RequiredFlows(before, other), assess.RequiredFlows(after, other)
		for i, f := range is {
			if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed && was[i].Verdict == v1alpha1.VerdictAllowed {
				out = append(out, fmt.Sprintf("cluster %q of the same namespace would lose the required flow %s: lock both down in one command, or use --scope cluster",
					other.Object.Name, f.Name))
			}
		}
	}
	return out
}

func flowChanges(before, after []v1alpha1.RequiredFlow) []FlowChange {
	var out []FlowChange
	for i, f := range after {
		out = append(out, FlowChange{Name: f.Name, From: f.From, Port: f.Port, Before: before[i].Verdict, After: f.Verdict, Advisory: f.Advisory})
	}
	return out
}

// accessChanges compares client by client. Somebody of whose pods fewer can connect has lost it for
// those pods, and is listed with their number.
func accessChanges(before, after []v1alpha1.Exposure) []AccessChange {
	var out []AccessChange
	for i := range after {
		was, is := clientsOf(before[i]), clientsOf(after[i])
		for client := range union(was, is) {
			add := func(change Change, pods int) {
				if pods > 0 {
					counted := client
					counted.Pods = pods
					out = append(out, AccessChange{Change: change, Target: after[i].Target, Port: after[i].Port, Client: counted})
				}
			}
			add(Loses, was[client]-is[client])
			add(Gains, is[client]-was[client])
			add(Keeps, min(was[client], is[client]))
		}
	}
	rank := map[Change]int{Loses: 0, Gains: 1, Keeps: 2}
	slices.SortFunc(out, func(a, b AccessChange) int {
		return cmp.Or(cmp.Compare(rank[a.Change], rank[b.Change]), a.Client.Compare(b.Client), cmp.Compare(a.Target, b.Target))
	})
	return out
}

// clientsOf counts pods by client; an entity is a client without a namespace that counts as one.
func clientsOf(e v1alpha1.Exposure) map[v1alpha1.Client]int {
	out := map[v1alpha1.Client]int{}
	for _, c := range e.Clients {
		out[v1alpha1.Client{Namespace: c.Namespace, Workload: c.Workload}] = c.Pods
	}
	for _, entity := range e.Entities {
		out[v1alpha1.Client{Workload: entity}] = 1
	}
	return out
}

func union[V any](a, b map[v1alpha1.Client]V) map[v1alpha1.Client]bool {
	out := map[v1alpha1.Client]bool{}
	for k := range a {
		out[k] = true
	}
	for k := range b {
		out[k] = true
	}
	return out
}

// bystanders are the workloads outside the cluster whose ingress default deny comes or goes.
func bystanders(before, after *model.Model, c *model.Cluster) []Bystander {
	changes := map[Bystander]int{}
	for _, p := range before.Peers() {
		if p.Identity.Name() != "" {
			continue // Cilium does not manage them, so that no policy changes anything there.
		}
		was, _ := before.Engine().DefaultDeny(p.Identity)
		is, _ := after.Engine().DefaultDeny(p.Identity)
		if was == is {
			continue
		}
		for _, i := range before.Strangers(c, p) {
			changes[Bystander{Client: before.WorkloadOf(i), Before: was, After: is}]++
		}
	}
	var out []Bystander
	for b, pods := range changes {
		b.Client.Pods = pods
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b Bystander) int { return a.Client.Compare(b.Client) })
	return out
}

// metricsNotes point out monitoring that could read metrics before and can't afterwards. It is
// recognised by the label that Prometheus' charts and operators set.
func metricsNotes(m *model.Model, after *model.Model, c *model.Cluster) []Note {
	targets := []model.Target{
		m.Target("instances", cnpg.MetricsPort, c.Instances()),
		m.Target("poolers", cnpg.PoolerMetricsPort, membersWith(c, v1alpha1.RolePooler)),
	}
	lost := map[string]bool{}
	for _, p := range m.Peers() {
		for _, i := range m.Strangers(c, p) {
			pod := m.Pod(i)
			if !isMonitoring(pod.Labels) {
				continue
			}
			for _, t := range targets {
				if m.Reaches(p.Identity, t) == v1alpha1.VerdictAllowed && after.Reaches(p.Identity, t) == v1alpha1.VerdictDenied {
					lost[pod.Namespace] = true
				}
			}
		}
	}
	var out []Note
	for _, namespace := range slices.Sorted(maps.Keys(lost)) {
		out = append(out, Note{
			Subject: "Prometheus",
			Message: fmt.Sprintf("monitoring in namespace %q can no longer read the metrics on ports %d and %d", namespace, cnpg.MetricsPort, cnpg.PoolerMetricsPort),
			Remedy:  strings.Join(policyset.Grant{Kind: policyset.Metrics, Value: namespace}.Flag(), " "),
		})
	}
	return out
}

func isMonitoring(labels map[string]string) bool {
	const prometheus = "prometheus"
	return labels["app.kubernetes.io/name"] == prometheus || labels["app"] == prometheus ||
		labels["app.kubernetes.io/component"] == prometheus
}

func membersWith(c *model.Cluster, role v1alpha1.PodRole) []model.Member {
	return slices.DeleteFunc(slices.Clone(c.Members), func(m model.Member) bool { return m.Role != role })
}

func kubectlNotes(flows []FlowChange) []Note {
	for _, f := range flows {
		if f.Name == v1alpha1.FlowAPIServer && f.Before != f.After && f.After != v1alpha1.VerdictAllowed {
			return []Note{{
				Subject: "kubectl cnpg status",
				Message: fmt.Sprintf("the API server can no longer reach port %d of the instances, through which kubectl cnpg status asks them", cnpg.StatusPort),
				Remedy:  policyset.Grant{Kind: policyset.KubectlCNPG}.Argument(),
			}}
		}
	}
	return nil
}
