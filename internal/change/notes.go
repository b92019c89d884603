package change

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// deniedPeer are pods of one identity whose ingress default deny comes or goes.
type deniedPeer struct {
	model.Peer
	was, is bool
}

// denied are all pods whose ingress default deny comes or goes, but for those of the clusters that are changed.
func denied(before, after *model.Model, changed []types.NamespacedName) []deniedPeer {
	own := map[types.NamespacedName]bool{}
	for _, c := range changed {
		own[c] = true
	}
	var out []deniedPeer
	for _, p := range before.Peers() {
		if p.Identity.Name() != "" {
			continue // Cilium does not manage them, so that no policy changes anything there.
		}
		was, _ := before.Engine().DefaultDeny(p.Identity)
		is, _ := after.Engine().DefaultDeny(p.Identity)
		if was == is {
			continue
		}
		p.Pods = slices.DeleteFunc(slices.Clone(p.Pods), func(i int) bool {
			pod := before.Pod(i)
			return own[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Labels[cnpg.ClusterLabel]}]
		})
		if len(p.Pods) > 0 {
			out = append(out, deniedPeer{p, was, is})
		}
	}
	return out
}

// bystanders are the workloads whose ingress default deny comes or goes, but for the pods of a cluster, if there is one.
func bystanders(m *model.Model, denied []deniedPeer, c *model.Cluster) []v1alpha1.BystanderChange {
	pods := map[v1alpha1.BystanderChange]int{}
	for _, p := range denied {
		for _, i := range p.Pods {
			pod := m.Pod(i)
			if c != nil && pod.Namespace == c.Object.Namespace && pod.Labels[cnpg.ClusterLabel] == c.Object.Name {
				continue
			}
			pods[v1alpha1.BystanderChange{Client: m.WorkloadOf(i), DefaultDenyBefore: p.was, DefaultDenyAfter: p.is}]++
		}
	}
	var out []v1alpha1.BystanderChange
	for b, n := range pods {
		b.Pods = n
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b v1alpha1.BystanderChange) int { return a.Client.Compare(b.Client) })
	return out
}

// metricsNotes point out monitoring that could read metrics before and can't afterwards. It is
// recognised by the label that Prometheus' charts and operators set.
func (x comparison) metricsNotes(c *model.Cluster) []v1alpha1.ChangeNote {
	lost := x.shutOut(c, x.monitoring,
		x.before.Target(cnpg.MetricsPort, c.Instances()), x.before.Target(cnpg.PoolerMetricsPort, membersWith(c, v1alpha1.RolePooler)))
	var out []v1alpha1.ChangeNote
	for _, namespace := range lost {
		note, known := x.monitored[namespace]
		if !known {
			note = metricsNote(namespace)
			x.monitored[namespace] = note
		}
		out = append(out, note)
	}
	return out
}

func metricsNote(namespace string) v1alpha1.ChangeNote {
	return v1alpha1.ChangeNote{
		Subject: "Prometheus",
		Message: fmt.Sprintf("monitoring in namespace %q can no longer read the metrics on ports %d and %d", namespace, cnpg.MetricsPort, cnpg.PoolerMetricsPort),
		Remedy:  command.Run(command.Flags(policyset.Grant{Kind: policyset.Metrics, Value: namespace}.Flag()...)),
	}
}

func isMonitoring(labels map[string]string) bool {
	const prometheus = "prometheus"
	return labels["app.kubernetes.io/name"] == prometheus || labels["app"] == prometheus ||
		labels["app.kubernetes.io/component"] == prometheus
}

func membersWith(c *model.Cluster, role v1alpha1.PodRole) []model.Member {
	return slices.DeleteFunc(slices.Clone(c.Members), func(m model.Member) bool { return m.Role != role })
}

func kubectlNotes(flows []v1alpha1.RequiredFlowChange) []v1alpha1.ChangeNote {
	for _, f := range flows {
		if f.Name == v1alpha1.FlowKubectlCNPG && f.Before != f.After && f.After != v1alpha1.VerdictAllowed {
			return []v1alpha1.ChangeNote{{
				Subject: "kubectl cnpg status",
				Message: fmt.Sprintf("the API server can no longer reach port %d of the instances, through which kubectl cnpg status asks them", cnpg.StatusPort),
				Remedy:  command.Run(command.Flags(policyset.Grant{Kind: policyset.KubectlCNPG}.Flag()...)),
			}}
		}
	}
	return nil
}

// severalOperators points out that more than one namespace's operator gets in, unless the user has named them: what makes one is the
// label of a Deployment, which whoever may create Deployments can write.
func severalOperators(m *model.Model, steps []Step, flows []v1alpha1.RequiredFlow) []v1alpha1.ChangeNote {
	named := func(s Step) bool {
		return s.After != nil && s.After.Annotations[policyset.AnnotationOperatorNamespaces] != ""
	}
	getsIn := func(f v1alpha1.RequiredFlow) bool {
		return f.Name == v1alpha1.FlowOperator && f.Verdict == v1alpha1.VerdictAllowed
	}
	var namespaces []string
	for _, op := range m.Operators() {
		namespaces = append(namespaces, strconv.Quote(op.Namespace))
	}
	slices.Sort(namespaces)
	namespaces = slices.Compact(namespaces)
	if len(namespaces) < 2 || slices.ContainsFunc(steps, named) || !slices.ContainsFunc(flows, getsIn) {
		return nil
	}
	return []v1alpha1.ChangeNote{{
		Subject: "Operators",
		Message: fmt.Sprintf("operators were seen in the namespaces %s, and each of them gets in: the label of a Deployment makes one", strings.Join(namespaces, ", ")),
		Remedy:  command.Words("If one of them is none, say which one counts:").Run(command.Flags(policyset.FlagOperatorNamespace, "NAMESPACE")),
	}}
}
