package clients

import (
	"fmt"
	"maps"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// near is a pod that differs from a client in one thing. When the engine lets it in, that is what the client lacks.
type near struct {
	who
	pod inventory.Pod
	// lacks says in what it differs.
	lacks string
}

// mostNear bounds how many pods are made up to compare with.
const mostNear = 500

// addNear makes up the pods to compare with: before there is a model, since the engine knows only identities
// that were there before it.
func (q *Question) addNear(inv *inventory.Inventory) {
	templates := map[who]*inventory.Pod{}
	for i := range inv.Pods {
		p := &inv.Pods[i]
		templates[workloadIs(v1alpha1.Client{Namespace: p.Namespace, Workload: p.Workload.String()})] = p
	}
	wanted := q.requirements(inv)
	for _, g := range q.clients {
		pod := templates[g.who]
		if pod == nil || len(q.near) > mostNear {
			continue
		}
		home := pod.Namespace == q.cluster.Namespace
		if !home {
			q.compare(g.who, *pod, q.cluster.Namespace, nil, fmt.Sprintf("would be let in with its labels in namespace %q", q.cluster.Namespace))
		}
		for _, r := range wanted {
			value, has := pod.Labels[r.key]
			switch {
			case has && value == r.value && home:
			case has && value == r.value:
				q.compare(g.who, *pod, q.cluster.Namespace, nil, fmt.Sprintf("has %s=%s, and is not in namespace %q", r.key, r.value, q.cluster.Namespace))
			case has:
				q.compare(g.who, *pod, pod.Namespace, &r, fmt.Sprintf("has %s=%s, and not %s=%s", r.key, value, r.key, r.value))
			default:
				q.compare(g.who, *pod, pod.Namespace, &r, fmt.Sprintf("lacks %s=%s", r.key, r.value))
			}
		}
	}
}

// requirement is a label that a grant asks for.
type requirement struct{ key, value string }

// requirements are the labels that the grants of the cluster's set ask for, each by itself.
func (q *Question) requirements(inv *inventory.Inventory) []requirement {
	var managed []*ciliumv2.CiliumNetworkPolicy
	for i := range inv.Policies {
		p, ok := inv.Policies[i].Object.(*ciliumv2.CiliumNetworkPolicy)
		if ok && p.Namespace == q.cluster.Namespace && policyset.IsManaged(p.Labels, q.cluster.Name) {
			managed = append(managed, p)
		}
	}
	options, err := policyset.FromLive(q.cluster, managed)
	if err != nil {
		return nil // There is no set that somebody could have missed.
	}
	var out []requirement
	for _, g := range options.Grants {
		selector, err := labels.Parse(g.Value)
		if err != nil {
			continue // Its value is no selector.
		}
		requirements, _ := selector.Requirements()
		for _, r := range requirements {
			values := r.Values().List()
			if (r.Operator() == selection.Equals || r.Operator() == selection.In) && len(values) > 0 {
				out = append(out, requirement{r.Key(), values[0]})
			}
		}
	}
	return out
}

// compare makes up a pod like the client's, in a namespace and with one more label.
func (q *Question) compare(w who, like inventory.Pod, namespace string, more *requirement, lacks string) {
	pod := inventory.Pod{Namespace: namespace, Labels: maps.Clone(like.Labels), ServiceAccount: like.ServiceAccount}
	if more != nil {
		if pod.Labels == nil {
			pod.Labels = map[string]string{}
		}
		pod.Labels[more.key] = more.value
	}
	q.near, q.extra.Pods = append(q.near, near{w, pod, lacks}), append(q.extra.Pods, pod)
}

// nearest is what the client lacks; of several, the last, which names a label. Empty where nothing is near.
func (q Question) nearest(m *model.Model, c *model.Cluster, g gathered) string {
	targets := slices.DeleteFunc(m.Targets(c), func(t model.Target) bool {
		return !slices.ContainsFunc(g.targets, func(o v1alpha1.ObservedTarget) bool { return o.Target == t.Of && o.Port == t.Port })
	})
	found := ""
	for _, n := range q.near {
		if id := m.ExtraOf(n.pod); n.who == g.who && id != nil && len(targets) > 0 && !slices.ContainsFunc(targets, func(t model.Target) bool {
			return m.Reaches(id, t) != v1alpha1.VerdictAllowed
		}) {
			found = n.lacks
		}
	}
	return found
}
